#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/cache/peer_network.hpp"
#include "core/mesh/lease_parts.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

/// The asking side of the leases (overlay.md section 4): this machine's own questions to the owners of their slots.
/// Every question ends: by an answer, or, when no owner acknowledges it in time or its patience is over, by going
/// upstream without a lease. sans-I/O; one thread.
class Asker {
 public:
  using Callback = std::function<void(cache::PeerAnswer)>;
  /// Makes the right to fetch out of a grant.
  using Hold =
      std::function<std::unique_ptr<cache::FetchLease>(const PeerId& owner, const Grant&, const cache::PeerQuestion&)>;

  Asker(const LeaseParts& parts, Members& members, Hold hold);

  /// `alone`: not a question for peers; its answer is to go ahead.
  QuestionId ask(cache::PeerQuestion question, bool alone, Callback answer);
  void give_up(QuestionId question);

  /// Each: false if the question is none of ours (any more).
  bool receive(const PeerId& from, const Pending& pending);
  bool receive(const PeerId& from, const Wait& wait);
  bool receive(const PeerId& from, const Value& value);
  bool receive(const PeerId& from, const Grant& grant);
  bool receive(const PeerId& from, const NotOwner& refusal);
  bool receive(const PeerId& from, const Outcome& outcome);
  bool receive(const PeerId& from, const Release& release);

  void lost(const PeerId& peer, bool dead);
  [[nodiscard]] std::size_t open() const { return m_open.size(); }
  /// Told which peer a value came from, for `peers`.
  std::function<void(const PeerId& from)> on_value;

 private:
  struct Open {
    cache::PeerQuestion question;
    Callback answer;
    SlotKey slot;
    base::MonoTime asked{};
    base::MonoTime deadline{};
    std::set<PeerId> asking;   ///< was sent the question and has not refused it
    std::set<PeerId> refused;  ///< is not asked again until the next try
    bool alone = false;
    bool acknowledged = false;
    std::optional<Prior> prior;
    Timers::Id second = Timers::none;  ///< ask the other owner, too, or try again
    Timers::Id budget = Timers::none;
    Timers::Id patience = Timers::none;
  };

  void start_round(QuestionId id);
  bool ask_next(QuestionId id);
  void try_again(QuestionId id);
  [[nodiscard]] bool may_settle(const Open& open) const;
  [[nodiscard]] std::optional<PeerId> next_owner(const Open& open) const;
  void missed(QuestionId id);
  void acknowledge(Open& open);
  void stop_asking(Open& open, QuestionId id, const PeerId* except);
  void finish(QuestionId id, cache::PeerAnswer answer, const PeerId* by);
  void go_ahead(QuestionId id);
  Open* open_of(QuestionId id, const PeerId& from);

  const LeaseParts m_parts;
  Members& m_members;
  Hold m_hold;
  std::map<QuestionId, Open> m_open;
  std::map<PeerId, base::MonoTime> m_lost;  // when links broke, of late
};

}  // namespace ghoard::mesh
