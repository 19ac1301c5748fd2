#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/cache/flight.hpp"
#include "core/cache/state.hpp"

namespace ghoard::cache {

/// Runs the flights (design: "A request's way", 3 and 5; "Data model", grants). Callers of one (resource, token) share
/// one fetch. While one token's fetch of a shareable resource is under way, other tokens wait for it and then prove
/// themselves with one conditional request each; they never get an answer that they were not proven entitled to.
///
/// Before a fetch the peers are asked (peer_fetch.cpp), if there are any: a flight is first *asking*, then *started*.
class Fetcher final : public FlightOwner {
 public:
  explicit Fetcher(State& state) : m_state(state) {}
  ~Fetcher() override;

  /// Brings `waiter` an answer from upstream. `own`: what its token was granted before, if anything.
  void join(const github::CanonicalRequest& request, Waiter waiter, std::shared_ptr<const Entry> own);

  /// Releases flights that have waited too long for another token's fetch or for the peers.
  void tick();
  /// Asks nobody any more: flights that are asking go upstream.
  void leave_peers();

  /// Takes back what this token was granted of the resource.
  void forget(const github::CanonicalRequest& request);

  /// Fetches under way, those waiting for another one included.
  [[nodiscard]] std::size_t flights() const;

  void flight_overflowed(const std::shared_ptr<Flight>& flight) override;
  void flight_ended(const std::shared_ptr<Flight>& flight) override;

 private:
  struct Queued {
    std::shared_ptr<Flight> flight;
    base::MonoTime since{};
  };
  /// Everything under way for one resource.
  struct Group {
    std::unordered_map<Fingerprint, std::shared_ptr<Flight>, base::DigestHash> flights;  // joinable ones
    std::vector<std::shared_ptr<Flight>> overtaken;  // a write came after they began: nobody joins them any more
    std::shared_ptr<Flight> leader;                  // other tokens wait for this one
    std::vector<Queued> queue;
    int refusals = 0;  // leaders in a row that brought nothing to share
  };
  /// What a finished flight means for the tokens that wait for it.
  enum class Lesson { shareable, refused, opaque };

  void launch(Group& group, const github::CanonicalRequest& request, std::vector<Waiter> waiters,
              std::shared_ptr<const Entry> own);
  void start(const std::shared_ptr<Flight>& flight);
  /// Asks upstream. `found`: an answer of a peer that may serve as basis.
  void begin(const std::shared_ptr<Flight>& flight, std::shared_ptr<const Entry> found);
  void choose_basis(Flight& flight, std::shared_ptr<const Entry> found);
  [[nodiscard]] bool prove_by(Flight& flight, std::shared_ptr<const Entry> candidate);
  [[nodiscard]] bool is_overtaken(const Flight& flight) const;
  [[nodiscard]] bool passes(const ResourceKey& key);

  [[nodiscard]] bool ask_peers(const std::shared_ptr<Flight>& flight);
  void peers_answered(const std::shared_ptr<Flight>& flight, PeerAnswer answer);
  void take(const std::shared_ptr<Flight>& flight, GoAhead answer);
  void take(const std::shared_ptr<Flight>& flight, SharedValue value);
  void take(const std::shared_ptr<Flight>& flight, SharedOutcome outcome);
  [[nodiscard]] std::shared_ptr<Entry> judged_anew(const Flight& flight, const SharedValue& value) const;
  [[nodiscard]] bool is_changed_since_asked(const Flight& flight) const;
  [[nodiscard]] bool is_current(const Flight& flight, const Entry& entry, base::MonoTime fetched) const;
  [[nodiscard]] bool satisfies(const Flight& flight, const Entry& entry, const Waiter& waiter) const;
  void answer_from_peer(Flight& flight, const Entry& entry);
  void end_lease(Flight& flight);

  Lesson conclude(Flight& flight);
  Lesson conclude_not_modified(Flight& flight);
  Lesson conclude_answer(Flight& flight);
  void keep(Flight& flight, const std::shared_ptr<Entry>& entry, bool renewed);
  [[nodiscard]] bool may_predate_write(const Flight& flight) const;

  void answer_all(const Flight& flight, const Entry& entry, bool revalidated);
  void answer_uncached(const Flight& flight);
  [[nodiscard]] bool answer_stale(const Flight& flight, const Waiter& waiter);
  void relay(const github::CanonicalRequest& request, const Waiter& waiter);
  [[nodiscard]] std::shared_ptr<Relay> make_relay(const github::CanonicalRequest& request, const Waiter& waiter);

  void finish(const std::shared_ptr<Flight>& flight, Lesson lesson);
  void release_queue(Group& group, Lesson lesson);

  static constexpr base::Seconds peer_patience{30};

  State& m_state;
  std::unordered_map<ResourceKey, Group, base::DigestHash> m_groups;
  std::unordered_map<ResourceKey, base::MonoTime, base::DigestHash> m_pass_until;  // resources no token can share
  std::vector<std::weak_ptr<Relay>> m_relays;
};

}  // namespace ghoard::cache
