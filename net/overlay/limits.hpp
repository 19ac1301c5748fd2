#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.hpp"

namespace ghoard::overlay {

/// Bounds on what strangers and peers may hold (overlay.md section 1, "Denial of service"), and the times after which
/// things are given up. Tests take smaller ones.
struct Limits {
  base::Millis handshake_deadline{5'000};  ///< of one that came in, from its acceptance; nothing makes it later
  base::Millis dial_deadline{15'000};      ///< names, TCP and handshake, all addresses of a peer together
  std::size_t dials = 16;                  ///< at a time; others wait
  std::size_t waiting_dials = 1'024;
  std::size_t proven = 256;             ///< half-open connections that have shown a network key
  std::size_t proven_per_address = 16;  ///< of those, by IPv4 address or IPv6 /64
  bool loopback_is_exempt = true;       ///< from that
  std::size_t unproven = 1'024;         ///< all other half-open ones; a further one evicts any of them
  std::size_t links = 512;              ///< a further peer's is closed
  std::size_t links_per_peer = 4;       ///< while one replaces another
  base::Millis drain{10'000};           ///< for the link that is replaced to send what it holds
  base::Millis linger{2'000};           ///< for CLOSE to leave and the other side's end to come
  base::Millis handshake_again = std::chrono::hours(24);
  base::Millis handshake_overdue = std::chrono::hours(25);     ///< the side that dialled has not done it: it ends
  base::Millis upkeep{60'000};                                 ///< how often ages and keys of links are looked at
  base::Millis body_deadline{60'000};                          ///< for a body to come in whole, from its beginning
  std::uint64_t body_bytes = std::uint64_t{64} * 1024 * 1024;  ///< being gathered, over all links
  base::Millis log_interval{10'000};                           ///< one line per cause
};

}  // namespace ghoard::overlay
