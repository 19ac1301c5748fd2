#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/mesh/message.hpp"

namespace ghoard::mesh {

inline constexpr std::size_t watchers_of_one = 6;
inline constexpr base::Millis silence{3'000};  ///< nothing for so long makes a suspect

/// What this process knows of one other peer.
struct Member {
  PeerRecord record;
  std::uint64_t seed = 0;              ///< rank_seed of its id
  std::uint64_t incarnation = 0;       ///< from its Hello
  std::string software;                ///< from its Hello
  std::optional<PeerId> teller;        ///< who named it, until it was linked
  std::vector<PeerId> vouchers;        ///< linked peers that say it lives; a few
  std::vector<peer::Multiaddr> fixed;  ///< from the settings
  int words_told = 0;                  ///< its own words that were passed on since then
  base::MonoTime words_since{};
  bool bootstrap = false;  ///< dialled for ever, on a schedule of its own
  base::MonoTime learned{};

  // ---- link
  bool linked = false;
  bool inbound = false;  ///< it dialled
  bool greeted = false;  ///< its Hello came on this link
  base::MonoTime heard{};

  // ---- life
  bool trusted = false;  ///< linked since it was last dead
  bool lived = false;    ///< linked at any time: its death is news
  bool dead = false;
  base::MonoTime dead_since{};
  std::optional<base::MonoTime> quarantined_until;  ///< flap damping
  bool suspect = false;                             ///< as observed here
  struct Claim {
    PeerId by;
    base::MonoTime at;
  };
  std::vector<Claim> claims;                   ///< of its death; one per peer
  std::optional<base::MonoTime> verify_since;  ///< pinged because of a claim, and not heard since
  std::optional<base::MonoTime> claim_due;     ///< its link is lost: suspect it then
  int claims_left = 0;                         ///< so many times this loss may be told

  // ---- observation
  bool watched = false;
  int close_watchers = 0;
  base::MonoTime watched_since{};
  std::uint32_t ping_number = 0;  ///< of the last one sent
  base::MonoTime ping_sent{};
  std::optional<base::Millis> round_trip;  ///< smoothed
  base::MonoTime measured{};               ///< when the last sample of it came
  std::optional<base::Millis> latency;     ///< of its own round trips, as it told
  base::MonoTime latency_told{};
  std::optional<std::uint32_t> passed_over_until;  ///< the ping it has to answer

  // ---- dialling
  bool dialling = false;
  bool confirming = false;  ///< the dial tells whether it lives: at once, whatever else is under way
  base::MonoTime dial_began{};
  std::optional<base::MonoTime> next_dial;
  base::Millis backoff{1'000};
  int failures = 0;
  std::string last_failure;
  base::MonoTime dialled_back{};

  // ---- views
  int mismatches = 0;  ///< successive exchanges in which its view differed
  base::MonoTime reconcile_after{};
  base::Millis reconcile_pause{0};
  base::MonoTime view_sent{};
};

}  // namespace ghoard::mesh
