#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/mesh/lease_parts.hpp"
#include "core/mesh/members.hpp"

namespace ghoard::mesh {

/// What the second owner of a slot does with questions of those who cannot reach the first: it passes them on once and
/// relays both ways for as long as the lease lives, so that a broken path between two machines makes no second owner
/// (overlay.md section 4, steps 5 and 6). Without an answer of the first owner within 100 ms it acts itself.
class Forwarder {
 public:
  /// `act`: answer the question as its owner.
  Forwarder(const LeaseParts& parts, Members& members, std::function<void(const PeerId&, const Get&)> act);

  /// Passes the question on to `first`.
  void forward(const PeerId& from, const Get& get, const PeerId& first);

  /// An answer of the first owner to a question passed on. False: none of ours.
  bool answer(const PeerId& from, QuestionId question, const Message& message);
  /// What a holder says of a lease that was relayed to it, or an asker of its question. False: none of ours.
  bool relay_up(const PeerId& from, LeaseId lease, const Message& message, bool ends);
  bool forget(const PeerId& from, QuestionId question);

  void lost(const PeerId& peer, bool dead);
  /// Called for each lease whose first owner was lost while it was relayed.
  std::function<void(const SlotKey&, const cache::Fingerprint&, const PeerId& holder, LeaseId)> on_orphan;

 private:
  struct Passed {
    PeerId asker;
    Get get;
    PeerId first;
    base::MonoTime until{};           ///< its asker waits no longer
    Timers::Id timer = Timers::none;  ///< for the first owner's word, then for `until`
    std::optional<LeaseId> lease;     ///< that its asker was granted
  };
  struct Held {
    PeerId holder;
    PeerId first;
    QuestionId question = 0;  ///< ours, to the first owner
    SlotKey slot;
    cache::Fingerprint fingerprint;
  };
  void give_up(QuestionId question);
  void acknowledged(QuestionId question, Passed& passed);
  [[nodiscard]] bool keep_lease(const PeerId& from, QuestionId question, Passed& passed, const Grant& grant);
  void done(QuestionId question);

  const LeaseParts m_parts;
  Members& m_members;
  std::function<void(const PeerId&, const Get&)> m_act;
  std::map<QuestionId, Passed> m_passed;                           // by our own question
  std::map<std::pair<PeerId, QuestionId>, QuestionId> m_by_asker;  // theirs to ours
  std::map<LeaseId, Held> m_held;
};

}  // namespace ghoard::mesh
