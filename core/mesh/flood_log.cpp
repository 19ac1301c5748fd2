#include "core/mesh/flood_log.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/digest.hpp"

namespace ghoard::mesh {

namespace {

/// The piece that holds the number, or the end.
template <class Pieces>
auto piece_with(Pieces& pieces, std::uint64_t sequence) {
  auto piece = pieces.upper_bound(sequence);
  if (piece == pieces.begin() || std::prev(piece)->second < sequence) {
    return pieces.end();
  }
  return std::prev(piece);
}

/// How many bytes CBOR takes for a number (RFC 8949, section 3).
std::size_t size_of(std::uint64_t number) {
  if (number < 24) {
    return 1;
  }
  return number <= 0xff ? 2 : number <= 0xffff ? 3 : number <= 0xffffffff ? 5 : 9;
}

std::size_t size_of(const LogExtent& extent) {
  constexpr std::size_t list_and_peer = 1 + 34;
  return list_and_peer + size_of(extent.incarnation) + size_of(extent.first) + size_of(extent.last);
}

std::size_t size_of(const std::vector<SequenceRange>& holes) {
  std::size_t size = 1;
  for (const SequenceRange& hole : holes) {
    size += size_of(hole.first) + size_of(hole.last);
  }
  return size;
}

}  // namespace

bool FloodLog::is_applied(const Origin& origin, std::uint64_t sequence) const {
  const auto found = m_runs.find(origin);
  return found != m_runs.end() && piece_with(found->second.pieces, sequence) != found->second.pieces.end();
}

bool FloodLog::has_all(const Origin& origin, std::uint64_t last) const {
  const auto found = m_runs.find(origin);
  return found != m_runs.end() && found->second.covered >= last && holes(found->second).empty();
}

void FloodLog::age(base::MonoTime now) {
  constexpr base::Millis between_sweeps{1'000};
  m_now = now;
  if (now - m_swept < between_sweeps) {
    return;
  }
  m_swept = now;
  std::erase_if(m_runs, [&](const auto& entry) {
    const bool is_old = now - entry.second.heard >= 2 * longest_fresh;
    m_size -= is_old ? entry.second.entries.size() : 0;
    return is_old;
  });
}

bool FloodLog::add(const Tombstone& stone, base::Millis idle) {
  Run& run = run_of({stone.origin, stone.incarnation}, idle);
  run.heard = std::max(run.heard, m_now - idle);
  if (run.entries.emplace(stone.sequence, stone.change).second) {
    m_order.push_back({{stone.origin, stone.incarnation}, stone.sequence});
    ++m_size;
  }
  bool gap = false;
  if (insert(run, stone.sequence)) {
    cover(run);
    gap = bound(run);
  }
  return evict() || gap;
}

/// False if it was there.
bool FloodLog::insert(Run& run, std::uint64_t sequence) {
  if (piece_with(run.pieces, sequence) != run.pieces.end()) {
    return false;
  }
  const auto before = piece_with(run.pieces, sequence - 1);
  const auto after = run.pieces.find(sequence + 1);
  const std::uint64_t last = after == run.pieces.end() ? sequence : after->second;
  if (after != run.pieces.end()) {
    run.pieces.erase(after);
  }
  if (before != run.pieces.end()) {
    before->second = last;
  } else {
    run.pieces.emplace(sequence, last);
  }
  run.beyond += sequence > run.covered ? 1 : 0;
  return true;
}

/// What follows what is covered is covered, too.
void FloodLog::cover(Run& run) {
  const auto piece = piece_with(run.pieces, run.covered + 1);
  if (piece == run.pieces.end()) {
    return;
  }
  run.beyond -= piece->second - run.covered;
  run.covered = piece->second;
  const auto end = run.gone.upper_bound(run.covered);
  if (end != run.gone.begin()) {
    run.floor = std::max(run.floor, *std::prev(end) + 1);
    run.gone.erase(run.gone.begin(), end);
  }
}

/// Not below what is covered.
void FloodLog::give_up_to(Run& run, std::uint64_t given_up) {
  for (auto piece = run.pieces.upper_bound(run.covered); piece != run.pieces.end() && piece->first <= given_up;
       ++piece) {
    run.beyond -= std::min(piece->second, given_up) - piece->first + 1;
  }
  run.given_up = run.covered = given_up;
  run.floor = std::max(run.floor, given_up + 1);
  run.gone.erase(run.gone.begin(), run.gone.upper_bound(given_up));
  cover(run);
}

/// Whoever sends numbers from anywhere takes no more memory than this. True if a gap came of it.
bool FloodLog::bound(Run& run) {
  bool gap = false;
  while (run.beyond > (gap ? most_beyond / 2 : most_beyond) || (run.pieces.size() > most_pieces && run.beyond > 0)) {
    give_up_to(run, run.pieces.upper_bound(run.covered)->first - 1);
    gap = true;
  }
  while (run.pieces.size() > most_pieces) {
    // All before the last are followed by holes. The one just before it is the least likely to be true; should it be,
    // it is applied anew.
    run.pieces.erase(std::prev(run.pieces.end(), 2));
  }
  return gap;
}

/// What is missing of what is given up: the first hole, and the rest as one. Pieces within it are applied, and are only
/// sent again.
std::vector<SequenceRange> FloodLog::holes(const Run& run) {
  std::vector<SequenceRange> found;
  std::uint64_t next = 1;
  for (auto piece = run.pieces.begin(); next <= run.given_up; ++piece) {
    const bool is_last = piece == run.pieces.end() || piece->first > run.given_up;
    const std::uint64_t end = is_last ? run.given_up : piece->first - 1;
    if (next <= end) {
      found.push_back({next, found.empty() ? end : run.given_up});
    }
    if (is_last || found.size() == most_holes) {
      break;
    }
    next = piece->second + 1;
  }
  return found;
}

FloodLog::Run& FloodLog::run_of(const Origin& origin, base::Millis idle) {
  const auto [entry, is_new] = m_runs.try_emplace(origin);
  entry->second.used = ++m_uses;
  entry->second.digest.reset();  // whoever asks for it changes it
  m_summary.reset();
  if (is_new) {
    entry->second.heard = m_now - idle;
  }
  if (m_runs.size() > most_kept_origins) {
    make_room(origin);
  }
  return entry->second;
}

/// Claims of which nothing came go first, then what has been idle for longest.
void FloodLog::make_room(const Origin& kept) {
  const auto rank = [](const Run& run) { return std::tuple(!run.pieces.empty(), run.heard, run.used); };
  auto first = m_runs.end();
  for (auto run = m_runs.begin(); run != m_runs.end(); ++run) {
    if (run->first != kept && (first == m_runs.end() || rank(run->second) < rank(first->second))) {
      first = run;
    }
  }
  if (!first->second.pieces.empty() && is_young(first->second)) {
    ++m_forgotten;
    m_forgot = m_now;
  }
  m_size -= first->second.entries.size();
  m_runs.erase(first);  // its names in m_order go when they are the oldest: nobody can make each new origin dear
}

/// True if a gap came of it.
bool FloodLog::evict() {
  bool gap = false;
  while (m_size > most_entries || m_order.size() > 2 * most_entries) {
    const TombstoneName oldest = m_order.front();
    m_order.pop_front();
    const auto run = m_runs.find(oldest.origin);
    if (run != m_runs.end() && run->second.entries.erase(oldest.sequence) > 0) {
      --m_size;
      if (oldest.sequence <= run->second.covered) {
        run->second.floor = std::max(run->second.floor, oldest.sequence + 1);
      } else {
        run->second.gone.insert(oldest.sequence);
        gap = bound_gone() || gap;
      }
    }
  }
  return gap;
}

/// What so many wait for does not come any more: where most do, it is given up.
bool FloodLog::bound_gone() {
  std::size_t all = 0;
  auto most = m_runs.begin();
  for (auto run = m_runs.begin(); run != m_runs.end(); ++run) {
    all += run->second.gone.size();
    most = run->second.gone.size() > most->second.gone.size() ? run : most;
  }
  if (all <= most_gone) {
    return false;
  }
  give_up_to(most->second, *most->second.gone.rbegin());
  most->second.digest.reset();
  m_summary.reset();
  return true;
}

std::vector<LogExtent> FloodLog::extents() const {
  constexpr std::size_t rest_of_message = 64;
  std::vector<LogExtent> result;
  std::size_t room = longest_message - rest_of_message;
  for (const auto& [origin, run] : m_runs) {
    const base::Millis idle = std::min(m_now - run.heard, longest_fresh);
    result.push_back({origin.peer, origin.incarnation, std::min(run.floor, run.covered + 1), run.covered, {}, idle});
    room -= size_of(result.back());
  }
  for (LogExtent& extent : result) {  // numbers that are this long are nobody's own, and young they may be
    const std::size_t size = size_of(extent.holes) + size_of(static_cast<std::uint64_t>(extent.idle.count()));
    extent.idle = size <= room ? extent.idle : base::Millis{0};
    room -= extent.idle.count() > 0 ? size : 0;
  }
  auto extent = result.begin();
  for (const auto& [origin, run] : m_runs) {
    std::vector<SequenceRange> missing = holes(run);
    const std::size_t size = size_of(missing);
    if (!missing.empty() && size <= room) {
      room -= size;
      extent->holes = std::move(missing);
    } else if (!missing.empty()) {
      extent->last = missing.front().first - 1;
      extent->first = std::min(extent->first, extent->last + 1);
    }
    ++extent;
  }
  return result;
}

base::Digest FloodLog::digest_of(const Origin& origin, const Run& run) {
  base::Sha256 hash;
  const auto add = [&](std::uint64_t number) {
    std::array<char, sizeof number> bytes{};
    for (char& byte : bytes) {
      byte = static_cast<char>(number & 0xff);
      number >>= 8;
    }
    hash.update({bytes.data(), bytes.size()});
  };
  for (const std::uint8_t byte : origin.peer.key) {
    const char letter = static_cast<char>(byte);
    hash.update({&letter, 1});
  }
  add(origin.incarnation);
  for (const auto& [first, last] : run.pieces) {
    add(first);
    add(last);
  }
  if (!holes(run).empty()) {
    add(run.given_up);
  }
  return hash.finish();
}

std::uint64_t FloodLog::summary() {
  if (m_summary && m_now < m_summary_until) {
    return *m_summary;
  }
  base::Sha256 hash;
  m_summary_until = base::MonoTime::max();
  for (auto& [origin, run] : m_runs) {
    if (!is_young(run)) {
      continue;
    }
    if (!run.digest) {
      run.digest = digest_of(origin, run);
    }
    const std::string bytes(run.digest->bytes.begin(), run.digest->bytes.end());
    hash.update(bytes);
    m_summary_until = std::min(m_summary_until, run.heard + longest_fresh);
  }
  const base::Digest whole = hash.finish();
  std::uint64_t sum = 0;
  for (std::size_t byte = sizeof sum; byte-- > 0;) {
    sum = sum << 8 | whole.bytes[byte];
  }
  m_summary = sum;
  return sum;
}

bool FloodLog::give_up(std::span<const LogExtent> theirs, const Origin& own) {
  bool gap = false;
  for (const LogExtent& extent : theirs) {
    const Origin origin{extent.origin, extent.incarnation};
    const auto found = m_runs.find(origin);
    const std::uint64_t covered = found == m_runs.end() ? 0 : found->second.covered;
    if (origin == own || extent.idle >= longest_fresh || extent.last <= covered || extent.first <= covered + 1) {
      continue;
    }
    if (found != m_runs.end() || has_room()) {
      give_up_to(run_of(origin, extent.idle), extent.first - 1);
    }
    gap = true;
  }
  return gap;
}

/// What somebody says to have been pushes out nothing that was.
bool FloodLog::has_room() const {
  return m_runs.size() < most_kept_origins ||
         std::any_of(m_runs.begin(), m_runs.end(), [&](const auto& entry) { return !is_young(entry.second); });
}

FloodLog::Missing FloodLog::missing_there(std::span<const LogExtent> theirs) const {
  std::map<Origin, const LogExtent*> known;
  for (const LogExtent& extent : theirs) {
    known[{extent.origin, extent.incarnation}] = &extent;
  }
  Missing missing;
  for (const auto& [origin, run] : m_runs) {
    if (!is_young(run)) {
      continue;
    }
    const auto found = known.find(origin);
    const LogExtent* extent = found == known.end() ? nullptr : found->second;
    const auto name_all = [&, &of = origin, &entries = run.entries](std::uint64_t first, std::uint64_t last) {
      for (auto entry = entries.lower_bound(first); entry != entries.end() && entry->first <= last; ++entry) {
        missing.names.push_back({of, entry->first});
      }
    };
    if (extent != nullptr) {
      for (const SequenceRange& hole : extent->holes) {
        name_all(hole.first, hole.last);
      }
    }
    const std::uint64_t last = extent == nullptr ? 0 : extent->last;
    missing.gap = missing.gap || (run.covered > last && run.floor > last + 1);
    name_all(last + 1, std::numeric_limits<std::uint64_t>::max());
  }
  return missing;
}

std::optional<Tombstone> FloodLog::find(const TombstoneName& name) const {
  const auto run = m_runs.find(name.origin);
  if (run == m_runs.end()) {
    return std::nullopt;
  }
  const auto entry = run->second.entries.find(name.sequence);
  if (entry == run->second.entries.end()) {
    return std::nullopt;
  }
  return Tombstone{name.origin.peer, name.origin.incarnation, name.sequence, entry->second};
}

}  // namespace ghoard::mesh
