#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/channel/body_budget.hpp"
#include "net/channel/handshake.hpp"
#include "net/overlay/key_ring.hpp"
#include "net/overlay/limits.hpp"
#include "net/overlay/quiet_log.hpp"

namespace ghoard::overlay {

class Link;

/// What all connections of one overlay share, and keep for as long as they live. One thread, the loop's.
struct Shared {
  boost::asio::io_context& loop;
  const Limits limits;
  const base::Clock& clock;
  QuietLog log;
  std::shared_ptr<const channel::Self> self;
  KeyRing keys;
  channel::ReplayGuard replays{};
  channel::BodyBudget bodies{limits.body_bytes};
  /// What was just read, and what is just about to be written: an idle connection holds no buffer of its own.
  std::vector<char> input = std::vector<char>(std::size_t{64} * 1024);
  std::string output{};
  /// All that live, those that only wait for their end included.
  std::set<Link*> links{};
};

/// For sockets that just came up: nothing is held back, and little waits in the kernel where a ping could not overtake
/// it. A peer that takes nothing for 20 s, or is gone without a word, ends in an error.
void prepare(boost::asio::ip::tcp::socket& socket);
/// Closes so that the other side gets a reset, whatever it sent.
void reset(boost::asio::ip::tcp::socket& socket);

}  // namespace ghoard::overlay
