#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/mesh/message_fields.hpp"
#include "core/mesh/shared_headers.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::uint64_t most_u32 = std::numeric_limits<std::uint32_t>::max();

std::uint32_t read_u32(Reader& from) {
  return static_cast<std::uint32_t>(from.number(most_u32));
}

base::Millis read_age(Reader& from) {
  return base::Millis{static_cast<std::int64_t>(from.number(longest_age_ms))};
}

base::Millis read_wait(Reader& from) {
  return base::Millis{static_cast<std::int64_t>(from.number(longest_wait_ms))};
}

/// May be left out, or null.
std::optional<base::Millis> read_latency(Reader& from) {
  return from.at_end() || from.none() ? std::nullopt : std::optional(read_wait(from));
}

/// A string of HTTP: no control characters.
std::string read_field(Reader& from, std::size_t longest) {
  std::string value = from.bytes(longest);
  if (!is_field_value(value)) {
    from.fail();
    value.clear();
  }
  return value;
}

/// Reads the list that comes next, item by item.
template <typename Item, typename ReadItem>
void read_list(Reader& from, std::size_t most, std::vector<Item>& to, ReadItem read_item) {
  const nlohmann::json& list = from.list(most);
  to.reserve(list.size());
  for (const nlohmann::json& item : list) {
    Reader fields(item);
    if constexpr (std::is_invocable_v<ReadItem, Reader&, const nlohmann::json&>) {
      to.push_back(read_item(fields, item));  // whose form depends on what there is
    } else {
      to.push_back(read_item(fields));
    }
    if (!fields.ok()) {
      from.fail();
      return;
    }
  }
}

/// Reads the array that comes next as one item.
template <typename ReadItem>
auto read_nested(Reader& from, ReadItem read_item) {
  Reader fields(from.list(std::numeric_limits<std::size_t>::max()));
  auto item = read_item(fields);
  if (!fields.ok()) {
    from.fail();
  }
  return item;
}

std::vector<peer::Multiaddr> read_addresses(Reader& from) {
  std::vector<peer::Multiaddr> addresses;
  const nlohmann::json& list = from.list(most_addresses);
  Reader items(list);
  for (std::size_t i = 0; i < list.size(); ++i) {
    base::Result<peer::Multiaddr> address =
        peer::parse_multiaddr(items.text(peer::longest_multiaddr), peer::PeerPart::optional);
    if (!address || address->peer) {
      from.fail();
      break;
    }
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

PeerRecord read_record(Reader& from) {
  PeerRecord record;
  read(from, record);
  return record;
}

cache::Resource read_resource(Reader& from) {
  cache::Resource resource;
  resource.host = read_field(from, longest_host);
  resource.path = read_field(from, longest_message);
  resource.query = read_field(from, longest_message);
  resource.accept = read_field(from, longest_message);
  resource.api_version = from.text(longest_api_version);
  if (resource.host.empty() || !resource.path.starts_with('/')) {
    from.fail();
  }
  return resource;
}

http::Headers read_headers(Reader& from) {
  http::Headers headers;
  for (const nlohmann::json& item : from.list(most_header_fields)) {
    Reader pair(item);
    std::string name = pair.text(longest_header_name);
    std::string value = read_field(pair, longest_header_value);
    if (!pair.ok() || http::iequals(name, "Set-Cookie")) {
      from.fail();
      return {};
    }
    headers.add(std::move(name), std::move(value));
  }
  return headers;
}

int read_status(Reader& from) {
  const std::uint64_t status = from.number(599);
  if (status < 100) {
    from.fail();
  }
  return static_cast<int>(status);
}

cache::SharedValue read_value(Reader& from) {
  cache::SharedValue value;
  value.status = read_status(from);
  value.headers = shareable_headers(read_headers(from));
  value.etag_class = static_cast<github::EtagClass>(from.number(static_cast<std::uint64_t>(github::EtagClass::opaque)));
  value.vary = read_field(from, longest_header_value);
  value.last_modified = read_field(from, longest_header_value);
  value.shareable = from.flag();
  value.fingerprint = from.digest();
  value.etag = read_field(from, longest_header_value);
  value.age = read_age(from);
  value.proof_age = read_age(from);
  value.origin = from.digest();
  value.overtaken = from.flag();
  return value;
}

cache::ResponseHead read_head(Reader& from) {
  cache::ResponseHead head;
  head.status = read_status(from);
  head.headers = outcome_headers(read_headers(from));
  return head;
}

base::Error read_error(Reader& from) {
  base::Error error;
  error.code = static_cast<base::ErrorCode>(from.number(static_cast<std::uint64_t>(base::ErrorCode::system)));
  error.message = from.text(longest_error);
  return error;
}

cache::SharedOutcome read_outcome(Reader& from) {
  cache::SharedOutcome outcome;
  if (from.none()) {
    outcome.error = read_nested(from, read_error);
    return outcome;
  }
  outcome.head = read_nested(from, read_head);
  if (!from.none()) {
    from.fail();
  }
  return outcome;
}

std::optional<base::Seconds> read_max_age(Reader& from) {
  if (from.none()) {
    return std::nullopt;
  }
  return base::Seconds{static_cast<std::int64_t>(from.number(longest_seconds))};
}

Wanted read_wanted(Reader& from) {
  Wanted wanted;
  wanted.resource = read_nested(from, read_resource);
  wanted.max_age = read_max_age(from);
  return wanted;
}

Prior read_prior(Reader& from) {
  Prior prior;
  prior.holder = from.peer();
  prior.lease = from.number();
  return prior;
}

github::Tag read_tag(Reader& from) {
  github::Tag tag;
  tag.host = read_field(from, longest_host);
  tag.prefix = read_field(from, longest_prefix);
  if (tag.host.empty() || (!tag.prefix.empty() && !tag.prefix.starts_with('/'))) {
    from.fail();
  }
  return tag;
}

std::uint64_t read_sequence(Reader& from) {
  const std::uint64_t sequence = from.number(highest_sequence);
  if (sequence == 0) {
    from.fail();
  }
  return sequence;
}

/// A list is a tag, a byte string a fingerprint.
Tombstone read_tombstone(Reader& from, const nlohmann::json& item) {
  Tombstone stone;
  stone.origin = from.peer();
  stone.incarnation = from.number();
  stone.sequence = read_sequence(from);
  if (item.size() > 3 && item[3].is_array()) {
    stone.change = read_nested(from, read_tag);
  } else {
    stone.change = from.digest();
  }
  return stone;
}

/// Pairs of first and last, each above the one before.
std::vector<SequenceRange> read_holes(Reader& from, std::uint64_t last) {
  const nlohmann::json& list = from.list(2 * most_holes);
  Reader numbers(list);
  std::vector<SequenceRange> holes;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    const SequenceRange hole{numbers.number(last), numbers.number(last)};
    if (hole.first <= before || hole.last < hole.first) {
      from.fail();
      return {};
    }
    before = hole.last;
    holes.push_back(hole);
  }
  if (!numbers.ok() || list.size() % 2 != 0) {
    from.fail();
  }
  return holes;
}

LogExtent read_extent(Reader& from, const nlohmann::json& item) {
  LogExtent extent;
  extent.origin = from.peer();
  extent.incarnation = from.number();
  extent.first = read_sequence(from);
  extent.last = from.number(highest_sequence);
  if (extent.first > extent.last + 1) {
    from.fail();
  }
  if (item.size() > 4) {
    extent.holes = read_holes(from, extent.last);
  }
  if (item.size() > 5) {
    const auto most = static_cast<std::uint64_t>(longest_fresh.count());  // nobody asks for what is older
    extent.idle = base::Millis{static_cast<std::int64_t>(std::min(from.number(), most))};
  }
  return extent;
}

}  // namespace

// ---- membership ----------------------------------------------------------------------------------

void read(Reader& from, PeerRecord& to) {
  to.id = from.peer();
  to.sequence = from.number(highest_sequence);
  to.addresses = read_addresses(from);
  to.reachable = from.flag();
  to.slow = !from.at_end() && from.flag();
}

void read(Reader& from, Hello& to) {
  to.record = read_nested(from, read_record);
  to.observed = from.text(longest_observed);
  to.incarnation = from.number();
  to.software = from.text(longest_software);
}

void read(Reader& from, Records& to) {
  read_list(from, most_records, to.records, read_record);
}

void read(Reader& from, View& to) {
  const nlohmann::json& list = from.list(most_members);
  Reader items(list);
  to.members.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    to.members.push_back(items.peer());
  }
  if (!items.ok()) {
    from.fail();
  }
}

void read(Reader& from, Ping& to) {
  to.number = read_u32(from);
  to.view = from.number();
  to.latency = read_latency(from);
}

void read(Reader& from, Pong& to) {
  to.number = read_u32(from);
  to.view = from.number();
  to.latency = read_latency(from);
}

void read(Reader& from, Suspect& to) {
  to.id = from.peer();
  to.sequence = from.number(highest_sequence);
}

void read(Reader&, DialBack&) {}

// ---- leases --------------------------------------------------------------------------------------

void read(Reader& from, Get& to) {
  to.question = read_u32(from);
  to.resource = read_nested(from, read_resource);
  to.fingerprint = from.digest();
  to.max_age = read_max_age(from);
  to.renew = from.flag();
  to.patience = read_wait(from);
  to.hop = static_cast<std::uint8_t>(from.number(most_hops));
  if (!from.none()) {
    to.prior = read_nested(from, read_prior);
  }
}

void read(Reader& from, Pending& to) {
  to.question = read_u32(from);
}

void read(Reader& from, Wait& to) {
  to.question = read_u32(from);
  to.holder = from.peer();
  to.lease = from.number();
}

void read(Reader& from, Value& to) {
  to.question = read_u32(from);
  to.value = read_nested(from, read_value);
  to.began_before = read_age(from);
}

void read(Reader& from, Grant& to) {
  to.question = read_u32(from);
  to.lease = from.number();
  to.slot = from.digest();
  to.term = read_wait(from);
  if (!from.none()) {
    to.backup = from.peer();
  }
  if (!from.none()) {
    to.basis = read_nested(from, read_value);
  }
}

void read(Reader& from, NotOwner& to) {
  to.question = read_u32(from);
  to.view = from.number();
}

void read(Reader& from, Outcome& to) {
  to.question = read_u32(from);
  to.outcome = read_nested(from, read_outcome);
}

void read(Reader& from, Release& to) {
  to.question = read_u32(from);
}

void read(Reader& from, Forget& to) {
  to.question = read_u32(from);
}

void read(Reader& from, Note& to) {
  to.question = read_u32(from);
  to.slot = from.digest();
  to.fingerprint = from.digest();
  to.holder = from.peer();
  to.lease = from.number();
  if (!from.none()) {
    to.wanted = read_nested(from, read_wanted);
  }
}

void read(Reader& from, NoteKept& to) {
  to.question = read_u32(from);
}

void read(Reader& from, Beat& to) {
  to.lease = from.number();
  to.slot = from.digest();
  to.fingerprint = from.digest();
}

void read(Reader& from, Put& to) {
  to.lease = from.number();
  to.resource = read_nested(from, read_resource);
  to.value = read_nested(from, read_value);
}

void read(Reader& from, Failed& to) {
  to.lease = from.number();
  to.slot = from.digest();
  to.fingerprint = from.digest();
  to.outcome = read_nested(from, read_outcome);
}

void read(Reader& from, Pass& to) {
  to.lease = from.number();
  to.slot = from.digest();
  to.fingerprint = from.digest();
}

void read(Reader& from, Probe& to) {
  to.question = read_u32(from);
  to.lease = from.number();
}

void read(Reader& from, Alive& to) {
  to.question = read_u32(from);
  to.alive = from.flag();
}

// ---- invalidation --------------------------------------------------------------------------------

void read(Reader& from, Tombstones& to) {
  to.number = read_u32(from);
  read_list(from, most_tombstones, to.tombstones, read_tombstone);
}

void read(Reader& from, Acknowledge& to) {
  to.number = read_u32(from);
}

void read(Reader& from, LogDigest& to) {
  read_list(from, most_origins, to.extents, read_extent);
  to.answer = from.flag();
  to.brief = from.flag();
  to.summary = from.number();
}

void read(Reader& from, LogEnd& to) {
  to.gap = from.flag();
}

}  // namespace ghoard::mesh
