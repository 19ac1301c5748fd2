#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/cache/peer_network.hpp"
#include "core/mesh/lease_parts.hpp"
#include "core/mesh/members.hpp"
#include "core/mesh/timers.hpp"

namespace ghoard::mesh {

/// The owner's side of the leases (overlay.md section 4): who fetches what, and who waits for it. Every slot has one
/// running fetch per token; while the first token's fetch of a shareable resource runs, other tokens queue for it and
/// then prove themselves in parallel, as callers of one machine do (cache::Fetcher). sans-I/O; one thread.
class LeaseTable {
 public:
  LeaseTable(const LeaseParts& parts, Members& members, cache::PeerHost& host);

  /// Answers a question as the slot's owner.
  void ask(const PeerId& from, const Get& get);
  /// Answers it with what this machine has; as any owner may. False: nothing that would do.
  [[nodiscard]] bool serve(const PeerId& from, const Get& get);
  void receive(const PeerId& from, const Forget& forget);
  void receive(const PeerId& from, const Note& note);
  void receive(const PeerId& from, const NoteKept& kept);
  /// The backup has what is about to be fetched. False: no answer to a note (any more).
  bool receive(const PeerId& from, const Value& value);
  void receive(const PeerId& from, const Beat& beat);
  void receive(const PeerId& from, const Put& put);
  void receive(const PeerId& from, const Failed& failed);
  void receive(const PeerId& from, const Pass& pass);
  void receive(const PeerId& from, const Alive& alive);

  void lost(const PeerId& peer, bool dead);
  /// Running fetches that the changes concern are joined by nobody any more.
  void changed(const std::vector<cache::Change>& changes);
  void remember(const SlotKey& slot, const cache::Fingerprint& fingerprint, const PeerId& holder, LeaseId lease);

  [[nodiscard]] std::size_t leases() const { return m_leases.size(); }
  [[nodiscard]] std::size_t waiting() const { return m_places.size(); }

 private:
  struct Asker {
    PeerId peer;
    QuestionId question = 0;
    cache::Fingerprint fingerprint;
    base::MonoTime asked{};  ///< when the question arrived
    base::MonoTime until{};
    std::optional<base::Seconds> max_age;
    bool renew = false;

    [[nodiscard]] bool accepts(const cache::SharedValue& known) const {
      return !renew && fingerprint == known.fingerprint && (!max_age.has_value() || known.age <= *max_age);
    }
  };
  struct Lease {
    LeaseId id = 0;
    SlotKey slot;
    cache::Fingerprint fingerprint;
    PeerId holder;
    std::optional<Asker> asker;  ///< the holder, when it asked; absent if the lease was taken up from another owner
    base::MonoTime began{};      ///< zero if taken up
    base::MonoTime ends{};
    base::MonoTime silent_at{};
    bool granted = false;  ///< false while the backup has not noted it
    bool joinable = true;  ///< false once a change came
    std::optional<cache::SharedValue> basis;
    std::vector<Asker> waiters;
    std::vector<Asker> next;  ///< want a fetch that begins after their question
    Timers::Id timer = Timers::none;
  };
  struct Slot {
    cache::Resource resource;
    cache::ResourceKey key;
    bool shared_route = false;
    std::vector<LeaseId> leases;
    std::optional<LeaseId> leader;
    std::vector<Asker> queue;  ///< other tokens, waiting for the leader
    int refusals = 0;
  };
  struct Noted {
    PeerId holder;
    LeaseId lease = 0;
    base::MonoTime until{};
  };
  struct Passed {
    PeerId by;
    base::MonoTime until{};
  };
  struct Passer {
    int passes = 0;
    base::MonoTime until{};  ///< counted
  };
  struct Squat {
    int terms = 0;  ///< wasted
    base::MonoTime until{};
  };
  using Pair = std::pair<SlotKey, cache::Fingerprint>;
  enum class Lesson { shareable, refused, opaque };

  // ---- lease_table.cpp: questions
  [[nodiscard]] std::optional<cache::SharedValue> find(const Get& get, const cache::ResourceKey& key);
  void post_value(const PeerId& to, QuestionId question, cache::SharedValue value);
  Slot& slot_of(const SlotKey& key, const Get& get);
  Lease* joinable(const Slot& slot, const cache::Fingerprint& fingerprint);
  [[nodiscard]] std::pair<std::optional<Noted>, cache::Fingerprint> noted_for(const Slot& slot, const SlotKey& key,
                                                                              const cache::Fingerprint& asking) const;
  bool take_up(Slot& slot, const SlotKey& key, const Asker& asker, const Get& get);
  void wait_for(Lease& lease, std::vector<Asker>& list, Asker asker);
  void enqueue(Slot& slot, const SlotKey& key, Asker asker);
  void answered(const Asker& asker) { m_places.erase({asker.peer, asker.question}); }
  [[nodiscard]] bool passes(const SlotKey& key) const;
  void tidy(const SlotKey& key);

  // ---- lease_grant.cpp: who fetches
  void ask_backup(Lease& lease, const PeerId& backup);
  std::optional<LeaseId> take_noting(const PeerId& from, QuestionId question);
  void serve_instead(LeaseId id, const cache::SharedValue& value);
  [[nodiscard]] std::optional<PeerId> other_owner(const SlotKey& key) const;
  void grant(const SlotKey& key, std::vector<Asker> group, std::optional<cache::SharedValue> basis);
  void send_grant(LeaseId id);
  void watch(Lease& lease);
  void check(LeaseId id);
  void note_squat(const Lease& lease);
  [[nodiscard]] bool squats(const SlotKey& slot, const PeerId& peer) const;

  // ---- lease_settle.cpp: how a lease ends
  Lease remove(LeaseId id);
  std::optional<Lease> take(LeaseId id, const PeerId& holder, const SlotKey& slot,
                            const cache::Fingerprint& fingerprint);
  bool step_down(const Lease& lease);
  bool succeed(Lease& lease);
  void settle_value(Lease lease, const cache::SharedValue& value);
  void settle_outcome(Lease lease, const cache::SharedOutcome& outcome);
  [[nodiscard]] bool remember_pass(const SlotKey& key, const PeerId& by);
  [[nodiscard]] bool may_pass(const PeerId& peer);
  void settle_pass(Lease lease);
  void settle_lost(Lease lease);
  void release_queue(const SlotKey& key, Lesson lesson, const cache::SharedValue* value);
  void tell_release(const std::vector<Asker>& askers);
  std::vector<Asker> take_group(std::vector<Asker>& askers);
  void drop_unfit(const SlotKey& slot, std::vector<Asker>& askers);

  // ---- lease_lost.cpp: what befalls them from outside
  void leave_places(const PeerId& peer);
  void lose_held(const PeerId& peer, bool dead);

  const LeaseParts m_parts;
  Members& m_members;
  cache::PeerHost& m_host;
  std::unordered_map<SlotKey, Slot, base::DigestHash> m_slots;
  std::unordered_map<LeaseId, Lease> m_leases;
  std::map<std::pair<PeerId, QuestionId>, SlotKey> m_places;  // of everybody who waits or holds
  std::map<std::pair<PeerId, QuestionId>, LeaseId> m_probes;
  std::map<std::pair<PeerId, QuestionId>, LeaseId> m_noting;  // by the backup that is to answer
  std::map<Pair, Noted> m_notes;
  std::map<std::pair<SlotKey, PeerId>, Squat> m_squats;
  std::unordered_map<SlotKey, Passed, base::DigestHash> m_passed;
  std::map<PeerId, Passer> m_passers;
};

}  // namespace ghoard::mesh
