#include "core/cache/fetcher.hpp"

#include <algorithm>

#include "core/cache/answer.hpp"
#include "core/cache/upstream_request.hpp"

namespace ghoard::cache {

namespace {

constexpr base::Seconds pass_memory{60};
constexpr base::Seconds queue_patience{30};
/// The peers promise an answer within the patience that a question names; this is for a network that breaks it.
constexpr base::Seconds peer_margin{1};
constexpr std::size_t pass_capacity = 4096;
constexpr int refusals_before_release = 2;

/// A fetch begun before this request must not satisfy a refresh, nor one begun longer ago than the caller's max-age
/// (RFC 9111 section 5.2.1).
bool wants_new_fetch(const http::RequestDirectives& wants, base::Millis age) {
  return wants.no_cache || wants.max_age == base::Seconds{0} || (wants.max_age.has_value() && age > *wants.max_age);
}

/// Callers that left stay in the list of their flight until it ends; a crowd of them does not.
constexpr std::size_t crowd = 64;

void add_waiter(std::vector<Waiter>& waiters, Waiter waiter) {
  if (waiters.size() >= crowd) {
    std::erase_if(waiters, [](const Waiter& known) { return known.joined && known.sink->gone(); });
  }
  waiters.push_back(std::move(waiter));
}

}  // namespace

Fetcher::~Fetcher() {
  // An exchange keeps its observer, and a flight its exchange: somebody has to let go.
  for (auto& [key, group] : m_groups) {
    for (auto& [fingerprint, flight] : group.flights) {
      flight->abandon();
    }
    for (const std::shared_ptr<Flight>& flight : group.overtaken) {
      flight->abandon();
    }
  }
  for (const auto& weak : m_relays) {
    if (const auto relay = weak.lock()) {
      relay->abandon();
    }
  }
}

void Fetcher::join(const github::CanonicalRequest& request, Waiter waiter, std::shared_ptr<const Entry> own) {
  Group& group = m_groups[request.key];
  const auto found = group.flights.find(request.credential.fingerprint);
  if (found == group.flights.end()) {
    launch(group, request, {std::move(waiter)}, std::move(own));
    return;
  }
  const std::shared_ptr<Flight> flight = found->second;
  const bool under_way = flight->started() || flight->is_asking();
  const base::MonoTime since = flight->started() ? flight->began_mono : flight->asked;
  if (is_overtaken(*flight)) {
    group.overtaken.push_back(flight);
    group.flights.erase(found);
    std::vector<Waiter> waiters = std::exchange(flight->trailing, {});
    waiter.joined = !waiters.empty();
    waiters.push_back(std::move(waiter));
    launch(group, request, std::move(waiters), std::move(own));
  } else if (under_way && wants_new_fetch(waiter.directives, m_state.clock.mono() - since)) {
    waiter.joined = !flight->trailing.empty();
    add_waiter(flight->trailing, std::move(waiter));
  } else {
    waiter.joined = true;
    add_waiter(flight->waiters, std::move(waiter));
  }
}

void Fetcher::launch(Group& group, const github::CanonicalRequest& request, std::vector<Waiter> waiters,
                     std::shared_ptr<const Entry> own) {
  auto flight = std::make_shared<Flight>(*this, m_state.budgets, m_state.options.object_limit, request);
  flight->waiters = std::move(waiters);
  flight->own = std::move(own);
  group.flights.emplace(request.credential.fingerprint, flight);

  if (group.leader != nullptr && is_overtaken(*group.leader)) {
    group.leader = nullptr;  // its bytes are from before a write: nobody waits for them any more
  }
  const bool shared_route = !github::classify(request.resource).identity_relative && !passes(request.key);
  if (shared_route && group.leader != nullptr) {
    group.queue.push_back({std::move(flight), m_state.clock.mono()});
    return;
  }
  if (shared_route) {
    group.leader = flight;
  } else if (group.leader == nullptr) {
    release_queue(group, Lesson::opaque);
  }
  start(flight);
}

void Fetcher::start(const std::shared_ptr<Flight>& flight) {
  if (!ask_peers(flight)) {
    begin(flight, nullptr);
  }
}

void Fetcher::begin(const std::shared_ptr<Flight>& flight, std::shared_ptr<const Entry> found) {
  // Whoever wanted a fetch that begins after his request while peers were asked gets this one.
  for (Waiter& waiter : std::exchange(flight->trailing, {})) {
    waiter.joined = true;
    add_waiter(flight->waiters, std::move(waiter));
  }
  flight->began = m_state.clock.wall();
  flight->began_mono = m_state.clock.mono();
  flight->log_position = m_state.log.position();
  choose_basis(*flight, std::move(found));
  UpstreamRequest request = fetch_request(flight->request, m_state.options.user_agent);
  if (!flight->sent_etag.empty()) {
    request.headers.add("If-None-Match", flight->sent_etag);
  } else if (flight->basis != nullptr) {
    request.headers.add("If-Modified-Since", flight->basis->response.last_modified);
  }
  flight->own_exchange(m_state.upstream.start(std::move(request), flight));
}

/// What this token was granted before comes first, here or, if that is newer, at a peer; without it, another token's
/// answer.
void Fetcher::choose_basis(Flight& flight, std::shared_ptr<const Entry> found) {
  const Fingerprint& fingerprint = flight.request.credential.fingerprint;
  const auto has_validator = [](const Entry& entry) {
    return entry.response.status == 200 && (!entry.grant.etag.empty() || !entry.response.last_modified.empty());
  };
  const bool found_own = found != nullptr && found->grant.fingerprint == fingerprint;
  if (found_own && has_validator(*found) &&
      (flight.own == nullptr || flight.own->response.fetched_at < found->response.fetched_at)) {
    flight.sent_etag = found->grant.etag;
    flight.basis = std::move(found);
    flight.basis_from_peer = true;
    return;
  }
  if (flight.own != nullptr) {
    if (has_validator(*flight.own)) {
      flight.basis = flight.own;
      flight.sent_etag = flight.own->grant.etag;
      flight.basis_from_peer = m_state.from_peers.has(flight.request.key, fingerprint);
    }
    return;
  }
  if (found != nullptr && !found_own && prove_by(flight, std::move(found))) {
    flight.basis_from_peer = true;
    return;
  }
  auto stored = m_state.store.candidates(flight.request.key, 1);
  if (stored.has_value() && !stored->empty() &&
      prove_by(flight, std::make_shared<const Entry>(std::move(stored->front())))) {
    flight.basis_from_peer = m_state.from_peers.has(flight.request.key, flight.basis->grant.fingerprint);
  }
}

/// Makes another token's answer the basis if its ETag can be told for this one: derived from the bytes, or a git
/// object's name (github-rules: conditional requests).
bool Fetcher::prove_by(Flight& flight, std::shared_ptr<const Entry> candidate) {
  const Response& response = candidate->response;
  if (!response.shareable || response.status != 200 || response.body == nullptr) {
    return false;
  }
  switch (response.etag_class) {
    case github::EtagClass::derivable: {
      if (!m_state.drift.may_derive(m_state.clock.mono())) {
        return false;
      }
      const github::EtagInputs inputs{flight.request.resource.accept, flight.request.credential.authorization, {}};
      flight.sent_etag = '"' + github::derive_etag(response.vary, inputs, *response.body) + '"';
      break;
    }
    case github::EtagClass::object_sha: flight.sent_etag = candidate->grant.etag; break;
    case github::EtagClass::opaque: return false;
  }
  if (flight.sent_etag.empty()) {
    return false;
  }
  flight.basis = std::move(candidate);
  return true;
}

bool Fetcher::is_overtaken(const Flight& flight) const {
  if (flight.is_asking()) {
    return m_state.log.concerns(flight.asked_position, flight.request.resource, flight.request.credential.fingerprint);
  }
  return flight.started() &&
         (m_state.distrusts(flight.began_mono) ||
          m_state.log.concerns(flight.log_position, flight.request.resource, flight.request.credential.fingerprint));
}

bool Fetcher::passes(const ResourceKey& key) {
  const auto found = m_pass_until.find(key);
  if (found == m_pass_until.end()) {
    return false;
  }
  if (found->second > m_state.clock.mono()) {
    return true;
  }
  m_pass_until.erase(found);
  return false;
}

void Fetcher::flight_ended(const std::shared_ptr<Flight>& flight) {
  m_state.account(flight->request.origin, flight->request.credential, flight->request.resource.path,
                  flight->head.has_value() ? &*flight->head : nullptr, flight->body);
  const Lesson lesson = conclude(*flight);
  end_lease(*flight);
  finish(flight, lesson);
}

void Fetcher::flight_overflowed(const std::shared_ptr<Flight>& flight) {
  std::vector<Waiter> waiters = std::exchange(flight->waiters, {});
  const auto stays =
      std::stable_partition(waiters.begin(), waiters.end(), [](const Waiter& waiter) { return !waiter.sink->gone(); });
  for (auto gone = stays == waiters.begin() ? std::next(stays) : stays; gone != waiters.end(); ++gone) {
    m_state.count(*gone->sink, Outcome::bypassed);
  }
  waiters.erase(stays == waiters.begin() ? std::next(stays) : stays, waiters.end());
  forget(flight->request);
  if (const auto lease = std::move(flight->lease)) {
    lease->pass();
  }
  flight->hand_over(make_relay(flight->request, waiters.front()));
  for (std::size_t i = 1; i < waiters.size(); ++i) {
    relay(flight->request, waiters[i]);
  }
  finish(flight, Lesson::opaque);
}

std::shared_ptr<Relay> Fetcher::make_relay(const github::CanonicalRequest& request, const Waiter& waiter) {
  http::CacheStatus status;
  status.fwd = http::Forward::bypass;
  status.detail = "too-large";
  m_state.count(*waiter.sink, Outcome::bypassed);
  auto made = std::make_shared<Relay>(waiter.sink, m_state.budgets, http::format_cache_status(status),
                                      [this, origin = request.origin, credential = request.credential,
                                       path = request.resource.path](const RelayResult& result) {
                                        m_state.account(origin, credential, path,
                                                        result.head.has_value() ? &*result.head : nullptr, result.body);
                                      });
  std::erase_if(m_relays, [](const std::weak_ptr<Relay>& weak) { return weak.expired(); });
  m_relays.push_back(made);
  return made;
}

void Fetcher::relay(const github::CanonicalRequest& request, const Waiter& waiter) {
  const std::shared_ptr<Relay> passing = make_relay(request, waiter);
  passing->own(m_state.upstream.start(fetch_request(request, m_state.options.user_agent), passing));
}

/// What this token was granted is older than the answer it is getting now, which cannot be kept.
void Fetcher::forget(const github::CanonicalRequest& request) {
  m_state.memory.drop(request.key, request.credential.fingerprint);
  if (const auto done = m_state.store.revoke(request.key, request.credential.fingerprint); !done.has_value()) {
    m_state.note("cannot forget an older answer: " + done.error().message);
  }
}

/// Takes the flight out of its group, starts what was waiting for its end, and forgets the group when nothing is left.
void Fetcher::finish(const std::shared_ptr<Flight>& flight, Lesson lesson) {
  const ResourceKey key = flight->request.key;
  Group& group = m_groups[key];
  const auto joinable = group.flights.find(flight->request.credential.fingerprint);
  if (joinable != group.flights.end() && joinable->second == flight) {
    group.flights.erase(joinable);
  }
  std::erase(group.overtaken, flight);
  if (lesson == Lesson::opaque) {
    if (m_pass_until.size() >= pass_capacity) {
      m_pass_until.clear();
    }
    m_pass_until[key] = m_state.clock.mono() + pass_memory;
  }
  if (group.leader == flight) {
    group.leader = nullptr;
    release_queue(group, lesson);
  }
  if (!flight->trailing.empty()) {
    launch(group, flight->request, std::exchange(flight->trailing, {}),
           m_state.memory.find(key, flight->request.credential.fingerprint));
  }
  const auto left = m_groups.find(key);
  if (left != m_groups.end() && left->second.flights.empty() && left->second.overtaken.empty()) {
    m_groups.erase(left);
  }
}

void Fetcher::release_queue(Group& group, Lesson lesson) {
  if (group.queue.empty()) {
    group.refusals = 0;
    return;
  }
  if (lesson == Lesson::refused && ++group.refusals < refusals_before_release) {
    const std::shared_ptr<Flight> next = group.queue.front().flight;
    group.queue.erase(group.queue.begin());
    group.leader = next;
    start(next);
    return;
  }
  group.refusals = 0;
  for (const Queued& waiting : std::exchange(group.queue, {})) {
    start(waiting.flight);
  }
}

void Fetcher::tick() {
  const base::MonoTime now = m_state.clock.mono();
  for (auto& [key, group] : m_groups) {
    while (!group.queue.empty() && now - group.queue.front().since > queue_patience) {
      const std::shared_ptr<Flight> impatient = group.queue.front().flight;
      group.queue.erase(group.queue.begin());
      start(impatient);
    }
    for (auto& [fingerprint, flight] : group.flights) {
      if (flight->is_asking() && now - flight->asked > peer_patience + peer_margin) {
        flight->question.reset();
        begin(flight, nullptr);
      }
    }
  }
}

std::size_t Fetcher::flights() const {
  std::size_t count = 0;
  for (const auto& [key, group] : m_groups) {
    count += group.flights.size() + group.overtaken.size();
  }
  return count;
}

}  // namespace ghoard::cache
