#pragma once

#include <cstdint>
#include <functional>

#include "core/base/time.hpp"
#include "core/mesh/links.hpp"
#include "core/mesh/message.hpp"
#include "core/mesh/timers.hpp"

namespace ghoard::mesh {

/// For `stats` and `peers`: how the leases went, since the process started.
struct LeaseCounters {
  std::uint64_t granted = 0;          ///< by this owner
  std::uint64_t promoted = 0;         ///< of those: since a holder was lost or declined
  std::uint64_t waited = 0;           ///< askers that this owner let wait
  std::uint64_t values_served = 0;    ///< values sent to other peers
  std::uint64_t taken_up = 0;         ///< leases continued after another owner's end
  std::uint64_t forwarded = 0;        ///< questions passed on to the first owner
  std::uint64_t held = 0;             ///< leases this machine was granted
  std::uint64_t values_received = 0;  ///< answers from peers to this machine's questions
  std::uint64_t released = 0;         ///< questions that an owner sent upstream without a lease
  std::uint64_t budgets_missed = 0;   ///< questions that went upstream since no owner answered in time
};

/// What the parts of the lease protocol share. Owned by Node.
struct LeaseParts {
  PeerId self;
  std::function<void(const PeerId&, Message)> post;  ///< to a peer or to this very node
  std::function<QuestionId()> next_question;
  const base::Clock& clock;
  Timers& timers;
  Random random;
  LeaseCounters& counters;

  [[nodiscard]] base::MonoTime now() const { return clock.mono(); }
};

/// Bounds in time (overlay.md section 4). All but terms and memories stretch with the process's own lateness.
inline constexpr base::Millis silence_ends_lease{3'000};
inline constexpr base::Millis beat_interval{1'000};
inline constexpr base::Millis longest_term{30'000};
inline constexpr base::Millis note_patience{50};
inline constexpr base::Millis forward_patience{100};
inline constexpr base::Millis confirm_patience{500};
inline constexpr base::Millis least_budget{25};
inline constexpr base::Millis whole_budget{250};
inline constexpr base::Millis pass_memory{60'000};
inline constexpr base::Millis squat_memory{60'000};
inline constexpr base::Millis probe_patience{250};

/// Bounds in space. Beyond them, askers are released: they ask upstream themselves.
inline constexpr std::size_t most_questions_per_peer = 1'024;
/// Of questions passed on, in all and for each asker: to the first owner they count as the second one's own, and
/// whoever floods must leave room for those.
inline constexpr std::size_t most_passed = most_questions_per_peer / 2;
inline constexpr std::size_t most_passed_per_peer = 128;
inline constexpr std::size_t most_slots = 65'536;
inline constexpr std::size_t most_notes = 65'536;
inline constexpr std::size_t longest_resource = 8 * 1024;  ///< bytes of all its texts; longer ones are not shared
inline constexpr int refusals_before_release = 2;
/// Of what the second owner may answer to a note: more would not arrive in time.
inline constexpr std::size_t most_noted_body = 256 * 1024;
/// Fetches of a slot that one holder kept to itself while others waited, until their term was over or so long before it
/// let go; then it gets no other for a minute.
inline constexpr int most_terms_wasted = 2;
inline constexpr base::Millis long_term{10'000};
/// Of one peer, remembered in a minute; and peers of which that is counted.
inline constexpr int most_passes_per_peer = 120;
inline constexpr std::size_t most_passers = 1'024;

/// What is leased for a question; recomputed by every receiver.
[[nodiscard]] SlotKey slot_key(const cache::Resource& resource, const cache::ResourceKey& key,
                               const cache::Fingerprint& fingerprint);
[[nodiscard]] bool may_be_leased(const cache::Resource& resource);

}  // namespace ghoard::mesh
