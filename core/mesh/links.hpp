#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// Why a link or an attempt at one ended.
enum class LinkEnd {
  closed,   ///< the other side said good-bye
  reset,    ///< reset or end of file without a good-bye: its process is probably gone
  refused,  ///< nobody listens there
  silent,   ///< no answer within the deadline
  failed,   ///< no authenticated link came of it: another key, another peer, not routable
};

/// Moves messages between processes: net/overlay over Noise, the simulator over its virtual network. Links between two
/// peers are in order and lose nothing while they last. No call back into the mesh from within these.
class Links {
 public:
  virtual ~Links() = default;
  /// Queues a message; without a link it is dropped.
  virtual void send(const PeerId& to, Message message) = 0;
  /// Tries the addresses one after the other; ends in Node::link_up or Node::dial_failed, within 15 s. A link that
  /// there is already, or a dial under way, makes it do nothing.
  virtual void dial(const PeerId& to, std::vector<peer::Multiaddr> addresses) = 0;
  /// Connects whether there is a link or not, so that `to` learns that it can be reached. When the handshake is done,
  /// the side that was dialled calls Node::link_up(inbound), even if this connection then goes because there is another
  /// one already. Here nothing but such a new link is reported.
  virtual void dial_back(const PeerId& to, std::vector<peer::Multiaddr> addresses) = 0;
  /// Says good-bye. No link_down follows.
  virtual void close(const PeerId& to) = 0;
  /// Node::tick is wanted as soon as the current call has returned.
  virtual void wake() = 0;
};

/// Uniform 64-bit numbers; unpredictable ones in the product, seeded ones in the simulator.
using Random = std::function<std::uint64_t()>;

}  // namespace ghoard::mesh
