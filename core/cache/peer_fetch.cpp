// The part of Fetcher that asks peers before it asks upstream, and tells them how a leased fetch ended (design: "A
// request's way", 4 to 6; overlay.md section 4).

#include <algorithm>

#include "core/cache/answer.hpp"
#include "core/cache/fetcher.hpp"
#include "core/cache/shared.hpp"

namespace ghoard::cache {

namespace {

/// An outcome says nothing of when its fetch began: under a lease of 30 s, which another owner may have taken up once.
constexpr base::Seconds oldest_outcome{60};

bool is_refresh(const http::RequestDirectives& wants) {
  return wants.no_cache || wants.max_age == base::Seconds{0};
}

/// The question that serves everyone who waits for the flight now.
PeerQuestion question_for(const Flight& flight) {
  PeerQuestion question;
  question.resource = flight.request.resource;
  question.key = flight.request.key;
  question.fingerprint = flight.request.credential.fingerprint;
  for (const Waiter& waiter : flight.waiters) {
    const std::optional<base::Seconds>& theirs = waiter.directives.max_age;
    question.renew = question.renew || is_refresh(waiter.directives);
    if (theirs.has_value()) {
      question.max_age = std::min(question.max_age.value_or(*theirs), *theirs);
    }
  }
  if (question.renew) {
    question.max_age.reset();  // that the fetch comes after the question says more
  }
  return question;
}

}  // namespace

bool Fetcher::ask_peers(const std::shared_ptr<Flight>& flight) {
  PeerNetwork* peers = m_state.peers_for(flight->request.credential.fingerprint);
  if (peers == nullptr) {
    return false;
  }
  PeerQuestion question = question_for(*flight);
  question.patience = peer_patience;
  flight->asked = m_state.clock.mono();
  flight->asked_position = m_state.log.position();
  flight->renews = question.renew;
  const std::weak_ptr<Flight> weak = flight;
  flight->question = peers->ask(std::move(question), [this, weak](PeerAnswer answer) {
    if (const auto asking = weak.lock()) {
      peers_answered(asking, std::move(answer));
    }
  });
  return flight->is_asking();
}

void Fetcher::peers_answered(const std::shared_ptr<Flight>& flight, PeerAnswer answer) {
  // Given up at the end of this call, since it may own the function that called.
  const std::unique_ptr<PeerNetwork::Question> answered = std::move(flight->question);
  if (answered != nullptr) {
    std::visit([&](auto&& held) { take(flight, std::move(held)); }, std::move(answer));
  }
}

void Fetcher::take(const std::shared_ptr<Flight>& flight, GoAhead answer) {
  flight->lease = std::move(answer.lease);
  std::shared_ptr<const Entry> basis;
  if (answer.basis.has_value()) {
    basis = judged_anew(*flight, *answer.basis);
  }
  begin(flight, std::move(basis));
}

/// Only what was granted to this very token is an answer; another token's is something to prove oneself by.
void Fetcher::take(const std::shared_ptr<Flight>& flight, SharedValue value) {
  const std::shared_ptr<Entry> entry = judged_anew(*flight, value);
  // Who asked before a change may be shown what was before it, but nobody is later (is_overtaken).
  const bool overtaken = is_changed_since_asked(*flight);
  if (entry == nullptr || value.fingerprint != flight->request.credential.fingerprint ||
      (value.overtaken && !overtaken) || !is_current(*flight, *entry, value.fetched_after) ||
      !satisfies(*flight, *entry, flight->waiters.front())) {
    begin(flight, entry);
    return;
  }
  answer_from_peer(*flight, *entry);
  entry->response.must_revalidate = overtaken;
  keep(*flight, entry, false);
  finish(flight, entry->response.shareable ? Lesson::shareable : Lesson::opaque);
}

/// Nothing came of another machine's fetch with the same token.
void Fetcher::take(const std::shared_ptr<Flight>& flight, SharedOutcome outcome) {
  const github::CanonicalRequest& request = flight->request;
  std::optional<SharedOutcome> sound = checked(std::move(outcome));
  // A 404 from before a write must not reach who asked after it.
  const auto last = m_state.log.last_concerning(request.resource, request.credential.fingerprint);
  const bool may_be_older = last.has_value() && m_state.clock.mono() - *last < oldest_outcome;
  if (!sound.has_value() || may_be_older || m_state.log.is_open_for(request.resource, request.credential.fingerprint)) {
    begin(flight, nullptr);
    return;
  }
  flight->told_by_peer = true;
  flight->head = std::move(sound->head);
  if (!flight->head.has_value()) {
    flight->failure = std::move(sound->error);
  } else if (sound->body != nullptr) {
    flight->body = *sound->body;
  }
  if (flight->head.has_value()) {
    m_state.withdraw_grants(request, *flight->head, flight->body);
  }
  answer_uncached(*flight);
  finish(flight, Lesson::refused);
}

/// The entry that a peer's value makes here; nothing if it is not to be used.
std::shared_ptr<Entry> Fetcher::judged_anew(const Flight& flight, const SharedValue& value) const {
  const github::CanonicalRequest& request = flight.request;
  const github::LifetimeContext context{m_state.options.default_ttl};
  std::optional<Entry> entry =
      entry_from(value, request.resource, context, m_state.clock.wall(), m_state.options.object_limit);
  if (!entry.has_value()) {
    m_state.note("a peer's answer was malformed or may not be kept, and is ignored");
    return nullptr;
  }
  if (value.fingerprint == request.credential.fingerprint &&
      !verify(*entry, request.resource, request.credential.authorization)) {
    m_state.note("a peer's answer does not match its ETag, and is ignored");
    return nullptr;
  }
  return std::make_shared<Entry>(std::move(*entry));
}

bool Fetcher::is_changed_since_asked(const Flight& flight) const {
  return m_state.log.concerns(flight.asked_position, flight.request.resource, flight.request.credential.fingerprint);
}

/// Whether it was surely fetched after everything that was known to have changed the resource when the peers were
/// asked, and shows nothing older than was shown here before. `fetched`: not fetched before that.
bool Fetcher::is_current(const Flight& flight, const Entry& entry, base::MonoTime fetched) const {
  const github::CanonicalRequest& request = flight.request;
  const auto last =
      m_state.log.last_concerning(request.resource, request.credential.fingerprint, flight.asked_position);
  // A write that was under way when they asked may have taken effect already.
  const bool was_open =
      m_state.log.is_open_for(request.resource, request.credential.fingerprint) && !is_changed_since_asked(flight);
  if (m_state.distrusts(fetched) || (last.has_value() && fetched <= *last) || was_open) {
    return false;
  }
  if (flight.own == nullptr) {
    return true;
  }
  const Response& own = flight.own->response;
  // A mark that an earlier process made, or a fetch during a write, has no known time.
  const bool mark_is_known = m_state.log.last_concerning(request.resource, request.credential.fingerprint).has_value();
  return own.fetched_at <= entry.response.fetched_at && (!own.must_revalidate || mark_is_known);
}

bool Fetcher::satisfies(const Flight& flight, const Entry& entry, const Waiter& waiter) const {
  http::RequestDirectives wants = waiter.directives;
  if (flight.renews) {
    // It was fetched after the question, and whom that would not do did not join.
    wants.no_cache = false;
    wants.max_age.reset();
  }
  return m_state.judged(entry, wants).verdict == Verdict::fresh;
}

void Fetcher::answer_from_peer(Flight& flight, const Entry& entry) {
  const Judgement judgement = judge(entry, {}, m_state.clock.wall());
  for (Waiter& waiter : std::exchange(flight.waiters, {})) {
    if (!satisfies(flight, entry, waiter)) {
      waiter.joined = !flight.trailing.empty();
      flight.trailing.push_back(std::move(waiter));
      continue;
    }
    m_state.count(*waiter.sink, waiter.joined ? Outcome::coalesced : Outcome::peer_hit);
    Reply reply = answer_from(entry, judgement, waiter.headers, waiter.head, "peer");
    m_state.holders.add_to(reply.headers, flight.request.credential.fingerprint);
    waiter.sink->send(std::move(reply));
  }
}

/// Tells the peers how the fetch ended that was leased to this machine.
void Fetcher::end_lease(Flight& flight) {
  const std::unique_ptr<FetchLease> lease = std::move(flight.lease);
  if (lease == nullptr) {
    return;
  }
  const ResponseHead* head = flight.head.has_value() ? &*flight.head : nullptr;
  const bool failed = flight.failure.has_value() || head == nullptr || head->status >= 400;
  if (failed) {
    http::Body body = flight.kept != nullptr ? flight.kept->response.body
                                             : std::make_shared<const std::string>(std::move(flight.body));
    lease->failed(to_outcome(head, std::move(body), flight.failure));
    return;
  }
  std::optional<SharedValue> value;
  if (flight.kept != nullptr && flight.kept->response.status == 200 &&
      flight.kept->response.lifetime > base::Seconds{0}) {
    const base::Millis age = m_state.clock.mono() - flight.began_mono;
    value = to_shared(*flight.kept, age, age);
  }
  if (value.has_value()) {
    value->overtaken = flight.kept->response.must_revalidate || is_overtaken(flight);
  }
  if (value.has_value()) {
    lease->done(std::move(*value));
  } else {
    lease->pass();
  }
}

void Fetcher::leave_peers() {
  for (auto& [key, group] : m_groups) {
    for (auto& [fingerprint, flight] : group.flights) {
      flight->lease.reset();
      if (flight->is_asking()) {
        flight->question.reset();
        begin(flight, nullptr);
      }
    }
    for (const std::shared_ptr<Flight>& flight : group.overtaken) {
      flight->lease.reset();
    }
  }
}

}  // namespace ghoard::cache
