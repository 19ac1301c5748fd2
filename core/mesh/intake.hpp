#pragma once

#include <map>
#include <optional>
#include <span>

#include "core/mesh/allowance.hpp"
#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// How many changes of peers are applied at once, each being a write to the disk and a request to GitHub for whatever
/// it names: any member may send as many as it likes, of any peer. What is over this has to wait, which comparison of
/// logs sees to.
class Intake {
 public:
  /// Of one link, its peer's own changes and those that it passes on, so that nobody's own wait for another's.
  static constexpr std::size_t most_at_once = 2'000;
  static constexpr base::Millis refill{5};
  /// Of these, such as name a whole host or all repositories. GitHub takes 80 writes that make something a minute and
  /// 500 an hour from one account, and each is told of twice.
  static constexpr std::size_t most_wide_at_once = 160;
  static constexpr base::Millis wide_refill{3'600};
  /// Of all links together, of what they pass on: a member may tell every peer of something else, which they all pass
  /// on.
  static constexpr std::size_t most_passed_on = 8'000;
  static constexpr base::Millis passed_on_refill{1};
  static constexpr std::size_t most_wide_passed_on = 320;
  static constexpr base::Millis wide_passed_on_refill{1'800};
  /// Of all newcomers together, of their own: the key lets anybody have as many ids as it likes.
  static constexpr base::Millis newcomer{3'600'000};  ///< whoever is linked for less
  static constexpr std::size_t most_of_newcomers = 4'000;
  static constexpr Allowance::Micros newcomer_refill{2'500};
  /// Of all links together, for what was asked for by a comparison: a whole log, when an agent joins.
  static constexpr std::size_t most_caught_up = 65'536;
  static constexpr base::Millis catch_up_refill{10};
  static constexpr std::size_t weight_of_wide = 32;
  static constexpr std::size_t most_peers = 1'024;
  /// Lists of what a peer has that answer none of ours: each makes a list, and work on every origin. The second is for
  /// a link that was replaced.
  static constexpr std::size_t most_lists_at_once = 2;
  static constexpr base::Millis list_refill{1'000};
  static constexpr base::Millis gap_pause{15'000};

  struct Sender {
    PeerId id;
    base::Millis linked_for{};
    bool asked = false;  ///< this side waits for what it misses of that peer's log
  };
  /// Whether these may be applied now; then they count.
  [[nodiscard]] bool admit(const Sender& from, std::span<const Tombstone> stones, base::MonoTime now);
  /// Whether a list that nobody here asked for is read now; then it counts.
  [[nodiscard]] bool admit_list(const PeerId& from, base::MonoTime now);
  /// From when on what that peer says to be gone makes everything older distrusted: now, unless it has just said so.
  /// Until then no further one of it counts.
  [[nodiscard]] base::MonoTime take_gap(const PeerId& from, base::MonoTime now);
  /// What a peer has used up is known for as long as it matters, beyond its link, of the 1,024 heard of last: a new
  /// link is no new allowance. A new id is one, within what newcomers share.
  void forget_full(base::MonoTime now);
  [[nodiscard]] std::size_t peers() const { return m_peers.size(); }

 private:
  struct Share {
    Allowance all{most_at_once, refill};
    Allowance wide{most_wide_at_once, wide_refill};
  };
  struct Shares {
    Share own;
    Share passed_on;
    base::MonoTime used{};
    Allowance lists{most_lists_at_once, list_refill};
    std::optional<base::MonoTime> gap;  ///< the latest that counts, or will
  };
  struct Size {
    std::size_t all = 0;
    std::size_t wide = 0;
  };
  static bool has(const Share& share, const Size& size, base::MonoTime now);
  static void take(Share& share, const Size& size, base::MonoTime now);
  static bool is_full(const Share& share, base::MonoTime now);
  static bool is_full(const Shares& shares, base::MonoTime now);
  Shares& shares_of(const PeerId& peer, base::MonoTime now);

  std::map<PeerId, Shares> m_peers;
  Share m_passed_on{{most_passed_on, passed_on_refill}, {most_wide_passed_on, wide_passed_on_refill}};
  Share m_newcomers{{most_of_newcomers, newcomer_refill}, {most_wide_at_once, wide_refill}};
  Allowance m_catch_up{most_caught_up, catch_up_refill};
};

/// True for a change that names a whole host, or as good as that: all of an enterprise server's API, all repositories.
/// Some writes do (`github::affected_by_write`): a fork appears under an owner that its path does not name.
[[nodiscard]] bool is_wide(const cache::Change& change);

}  // namespace ghoard::mesh
