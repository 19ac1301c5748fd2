// What the registry asks GitHub, and what the answers mean.

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/github/rate.hpp"
#include "core/http/date.hpp"
#include "core/http/link.hpp"
#include "core/mesh/registry.hpp"
#include "core/mesh/registry_limits.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::string_view explanation =
    "Agents of ghoard find each other here. Each comment is the address of one agent, sealed so that only agents with "
    "the same network key can read it; the programs keep their comments up to date themselves.\n\nSetting: "
    "`github_repo` (man ghoard-config). If there are several issues of this title, the one with the lowest number is "
    "used, and the others can be closed.\n";

std::string_view text_of(const RegistryAnswer& answer) {
  return answer.body ? std::string_view(*answer.body) : std::string_view();
}

/// An ETag does not cover the Link field, so that after a 304 it may be of yesterday: a full page always has a next one
/// (github-rules: app-sre/github-mirror#113).
bool goes_on(const RegistryAnswer& answer, std::size_t items) {
  return items >= registry::page_size || http::find_link(answer.headers.joined("Link"), "next").has_value();
}

std::string two_digits(unsigned value) {
  return {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
}

/// Comments that nobody touched for one to two weeks are of peers that are gone. By whole weeks: a target that changed
/// more often would be a new resource each time, and its first read would not be free.
std::string since(base::WallTime now) {
  constexpr std::chrono::days week{7};
  const auto weeks = std::chrono::floor<std::chrono::days>(now).time_since_epoch() / week;
  const std::chrono::year_month_day day{std::chrono::sys_days{weeks * week - week}};
  const int year = static_cast<int>(day.year());
  return std::to_string(year) + '-' + two_digits(static_cast<unsigned>(day.month())) + '-' +
         two_digits(static_cast<unsigned>(day.day())) + "T00%3A00%3A00Z";
}

/// Retry-After (RFC 9110 section 10.2.3), else the end of an exhausted window.
std::optional<base::Millis> stated_wait(const http::Headers& headers, base::WallTime now) {
  if (const std::string_view text = http::trim(headers.get("Retry-After")); !text.empty()) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc() && end == text.data() + text.size()) {
      return base::Seconds{std::clamp<std::int64_t>(seconds, 0, registry::longest_block.count() / 1'000)};
    }
    if (const std::optional<base::WallTime> date = http::parse_http_date(text)) {
      return std::max(base::Millis{0}, *date - now);
    }
  }
  const std::optional<github::RateObservation> rate = github::parse_rate(headers);
  return rate && rate->remaining == 0 ? std::optional(base::Millis{rate->reset - now + base::Seconds{1}})
                                      : std::nullopt;
}

}  // namespace

// ---- asking --------------------------------------------------------------------------------------

void Registry::ask(std::string method, std::string target, std::string body, Next next) {
  m_busy = true;
  m_api.ask(std::move(method), "/repos/" + m_place.repository + target, std::move(body),
            [this, alive = std::weak_ptr(m_alive), next](const RegistryAnswer& answer) {
              if (alive.expired()) {
                return;
              }
              m_busy = false;
              (this->*next)(answer);
            });
}

void Registry::write(std::string method, std::string target, const std::string& body, Next next) {
  m_writes.push_back(m_clock.mono());
  m_next_write = m_clock.mono() + registry::write_pause;
  ask(std::move(method), std::move(target), body, next);
}

bool Registry::accept(const RegistryAnswer& answer, bool missing_is_news) {
  const std::optional<github::RateObservation> rate = github::parse_rate(answer.headers);
  if (rate && rate->resource == "core" && rate->remaining < registry::reserve) {
    const base::Millis wait = rate->reset - m_clock.wall() + base::Seconds{1};
    m_blocked_until =
        std::max(m_blocked_until, m_clock.mono() + std::clamp(wait, base::Millis{0}, registry::longest_block));
  }
  if (answer.status >= 200 && answer.status < 300) {
    m_penalty = registry::first_pause;
    m_problem.clear();
    return true;
  }
  if (github::is_limited(answer.status, answer.headers, text_of(answer))) {
    back_off(answer, true);
    return false;
  }
  switch (answer.status) {
    case 401: stop("GitHub refuses the agent's token (401): give it a valid one and restart it"); return false;
    case 403:
    case 404:
    case 410:
      if (!missing_is_news) {
        stop("GitHub answers " + std::to_string(answer.status) + " for the issues of " + m_place.repository +
             ": the agent's token needs to see the repository, with permission to write issues, and the repository "
             "needs to have issues");
      }
      return false;
    case 422: stop("GitHub does not accept what is published in " + m_place.repository + " (422)"); return false;
    default: back_off(answer, false); return false;
  }
}

void Registry::back_off(const RegistryAnswer& answer, bool limited) {
  base::Millis wait = m_penalty + jitter(m_penalty / 4);
  m_penalty = std::min(m_penalty * 2, registry::last_pause);
  if (limited) {
    wait = std::max(wait, stated_wait(answer.headers, m_clock.wall()).value_or(base::Millis{0}));
    m_problem = "GitHub limits the requests of the agent's token for now";
  } else {
    m_problem = answer.status == 0 ? "GitHub cannot be reached"
                                   : "GitHub answers " + std::to_string(answer.status) + " for " + m_place.repository;
  }
  m_blocked_until = std::max(m_blocked_until, m_clock.mono() + std::min(wait, registry::longest_block));
}

void Registry::stop(std::string reason) {
  m_problem = std::move(reason);
  m_blocked_until = std::max(m_blocked_until, m_clock.mono() + registry::standstill);
}

void Registry::read_later(base::Millis pause) {
  m_next_read = m_clock.mono() + pause + jitter(pause / 4);
}

// ---- the issue -----------------------------------------------------------------------------------

void Registry::read() {
  m_page = 1;
  m_found.clear();
  m_found_own.reset();
  m_found_full = false;
  m_to_read.clear();
  if (m_issue == 0 || m_confirmations > 0 || m_clock.mono() >= m_next_listing) {
    list_issues();
  } else {
    m_reading = m_issue;
    list_comments();
  }
}

/// The oldest first: the lowest number is found first, and pages that are full hardly change any more.
void Registry::list_issues() {
  ask("GET", "/issues?state=open&sort=created&direction=asc&per_page=100&page=" + std::to_string(m_page), {},
      &Registry::on_issues);
}

void Registry::on_issues(const RegistryAnswer& answer) {
  if (!accept(answer, false)) {
    return;
  }
  const std::optional<IssuePage> page = read_issue_page(text_of(answer), registry_title);
  if (!page) {
    back_off(answer, false);
    return;
  }
  if (page->numbers.empty()) {
    if (!goes_on(answer, page->items)) {
      absent();
    } else if (++m_page <= registry::most_issue_pages) {
      list_issues();
    } else {
      stop(m_place.repository + " has too many open issues to find ghoard's among them: use a repository of its own");
    }
    return;
  }
  if (m_issue != page->numbers.front()) {
    forget_issue();
    m_issue = page->numbers.front();
  }
  m_absent = false;
  m_confirmations = std::max(0, m_confirmations - 1);
  m_next_listing = m_clock.mono() + registry::refresh_after;
  // Who published in one that lost may not have noticed yet.
  if (page->numbers.size() > 1 && m_read_once.size() < registry::most_foreign &&
      m_read_once.insert(page->numbers[1]).second) {
    m_to_read.push_back(page->numbers[1]);
  }
  m_reading = m_issue;
  m_page = 1;
  list_comments();
}

/// Peers that start together would all make one: each looks again after a time of its own.
void Registry::absent() {
  forget_issue();
  const bool may_create = !m_members.own_record().addresses.empty() && has_budget(m_clock.mono());
  if (may_create && std::exchange(m_absent, true)) {
    create_issue();
  } else if (may_create) {
    m_next_read = m_clock.mono() + base::Seconds{1} + jitter(2 * registry::patience);
  } else {
    read_later(registry::first_pause);
  }
}

void Registry::create_issue() {
  m_absent = false;
  write("POST", "/issues", nlohmann::json{{"title", registry_title}, {"body", explanation}}.dump(),
        &Registry::on_issue_created);
}

void Registry::on_issue_created(const RegistryAnswer& answer) {
  if (!accept(answer, false)) {
    return;
  }
  const std::optional<std::uint64_t> number = read_created(text_of(answer), "number");
  if (!number) {
    back_off(answer, false);
    return;
  }
  m_issue = *number;
  m_has_read = true;  // nobody has commented on it yet
  m_confirmations = 2;
  m_next_write = m_clock.mono() + base::Seconds{1};  // GitHub wants a second between writes
  read_later(registry::first_pause);
}

void Registry::forget_issue() {
  m_issue = 0;
  m_own.reset();
  m_has_read = false;
  m_full = false;
}

// ---- comments ------------------------------------------------------------------------------------

void Registry::list_comments() {
  ask("GET",
      "/issues/" + std::to_string(m_reading) + "/comments?per_page=100&since=" + since(m_clock.wall()) +
          "&page=" + std::to_string(m_page),
      {}, &Registry::on_comments);
}

void Registry::on_comments(const RegistryAnswer& answer) {
  const bool is_main = m_reading == m_issue;
  if (!accept(answer, true)) {
    if (is_main && (answer.status == 404 || answer.status == 410)) {
      forget_issue();
      read_later(registry::first_pause);
    } else if (is_main && answer.status == 403 && m_blocked_until <= m_clock.mono()) {
      stop("GitHub does not let the agent's token read the issues of " + m_place.repository + " (403)");
    } else if (m_blocked_until <= m_clock.mono()) {
      comments_read();
    }
    return;
  }
  const std::optional<CommentPage> page = read_comment_page(text_of(answer));
  if (!page) {
    back_off(answer, false);
    return;
  }
  for (const CommentText& comment : page->comments) {
    take(comment);
  }
  const bool more = goes_on(answer, page->items);
  if (more && m_page < registry::most_comment_pages) {
    ++m_page;
    list_comments();
    return;
  }
  m_found_full = m_found_full || (is_main && more);
  if (!m_to_read.empty()) {
    m_reading = m_to_read.back();
    m_to_read.pop_back();
    m_page = 1;
    list_comments();
    return;
  }
  comments_read();
}

/// Whatever does not open, or was not signed by the peer it is about, is a stranger's and nobody's business.
void Registry::take(const CommentText& comment) {
  std::optional<OpenedRecord> opened = read_comment(m_place, m_keys, comment.body);
  if (!opened) {
    return;
  }
  PublishedRecord& published = opened->published;
  if (published.record.id == m_members.self()) {
    // A copy that somebody made has a higher number than the comment itself.
    const bool is_first = !m_found_own || comment.id < m_found_own->id;
    if (m_reading == m_issue && is_first && !m_foreign.contains(comment.id)) {
      m_found_own = OwnComment{comment.id, published, opened->key == 0};
    }
  } else if (!is_current(published)) {
    return;
  }
  const auto [found, is_new] = m_found.try_emplace(published.record.id, published);
  if (!is_new && is_later(published, found->second)) {
    found->second = std::move(published);
  }
}

void Registry::comments_read() {
  const base::MonoTime now = m_clock.mono();
  m_last_read = now;
  m_has_read = true;
  m_own = std::move(m_found_own);
  m_full = m_found_full;
  if (m_full && !m_own) {
    m_problem = "the issue of " + m_place.repository + " has too many comments: close it, and peers make another one";
  }
  if (m_members.linked().empty()) {
    m_next_read = now + m_pause + jitter(m_pause / 4);
    m_pause = std::min(m_pause * 2, registry::last_pause);
  } else {
    m_next_read =
        now + (m_confirmations > 0 ? registry::first_pause : registry::last_pause) + jitter(registry::first_pause / 4);
  }
  std::erase_if(m_seen, [&](const auto& entry) {
    return !is_current(entry.second) || (m_seen.size() > registry::most_seen && !m_found.contains(entry.first));
  });
  for (auto& [id, published] : std::exchange(m_found, {})) {
    const auto [seen, is_new] = m_seen.try_emplace(id, published);
    if (!is_new && is_later(published, seen->second)) {
      seen->second = published;
    }
    m_members.discover(seen->second.record);  // its latest word, even if somebody put an older one there
  }
}

void Registry::publish() {
  m_writing = {m_members.own_record(), m_clock.wall()};
  fit(m_writing);
  std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  for (std::size_t i = 0; i < nonce.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = m_random();
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&word), sizeof word, nonce.begin() + static_cast<long>(i));
  }
  const std::optional<std::string> comment = format_comment(m_place, m_keys.front(), *m_identity, m_writing, nonce);
  if (!comment) {
    stop("the network key cannot seal");
    return;
  }
  const std::string body = nlohmann::json{{"body", *comment}}.dump();
  if (m_own) {
    write("PATCH", "/issues/comments/" + std::to_string(m_own->id), body, &Registry::on_published);
  } else {
    write("POST", "/issues/" + std::to_string(m_issue) + "/comments", body, &Registry::on_published);
  }
}

void Registry::on_published(const RegistryAnswer& answer) {
  if (!accept(answer, true)) {
    const bool refused = answer.status == 403 || answer.status == 404 || answer.status == 410;
    if (!refused || m_blocked_until > m_clock.mono()) {
      return;
    }
    if (m_own) {
      // Deleted, or somebody else's who copied this peer's words: the next read tells.
      if (answer.status == 403 && m_foreign.size() < registry::most_foreign) {
        m_foreign.insert(m_own->id);
      }
      m_own.reset();
      m_has_read = false;
      read_later(registry::first_pause);
    } else if (answer.status == 403) {
      stop("GitHub does not let the agent's token comment on issue " + std::to_string(m_issue) + " of " +
           m_place.repository + " (403): it needs permission to write issues");
    } else {
      forget_issue();
      read_later(registry::first_pause);
    }
    return;
  }
  const std::optional<std::uint64_t> id = m_own ? std::optional(m_own->id) : read_created(text_of(answer), "id");
  if (id) {
    m_own = OwnComment{*id, m_writing, true};
  } else {
    m_has_read = false;
  }
}

}  // namespace ghoard::mesh
