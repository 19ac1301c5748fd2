#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/channel/incoming.hpp"
#include "net/channel/outgoing.hpp"
#include "net/noise/handshake_state.hpp"

namespace ghoard::channel {

/// What a channel tells the layer above, from within `receive`, `end_of_input`, `next_output`, `send` or `close`. A
/// handler may call `send`, `withdraw`, `cancel` and `close`, and nothing else; it may not destroy the channel.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;

  /// A body of `size` bytes begins to come in on `stream`. False cancels it. `payload` is valid during the call.
  virtual bool on_body(std::uint32_t stream, std::string_view payload, std::uint32_t size) = 0;
  /// A body will not be complete: the peer gave up on it, or there is no room for it.
  virtual void on_body_lost(std::uint32_t stream, CancelReason reason) = 0;
  /// A whole message. `stream` is 0 for one without a body, else the number of `on_body`. Messages with a body may be
  /// overtaken by later ones.
  virtual void on_message(std::uint32_t stream, Message message) = 0;
  /// The peer does not want the body of a message that was sent.
  virtual void on_cancelled(MessageId id, CancelReason reason) = 0;
  /// The end, once; nothing else is told after it.
  virtual void on_closed(CloseReason reason, bool by_peer) = 0;
};

/// Frames and streams, without encryption: a record's plaintext goes in, plaintext for records comes out. One thread.
class Streams {
 public:
  /// `role` is the one this side had in the handshake. `events` and `budget` outlive it.
  Streams(noise::Role role, ChannelEvents& events, BodyBudget& budget);
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// Takes the whole frames of a record and says how many messages they began, for the peer's rate.
  std::size_t receive(std::string_view plaintext);

  /// Sends or queues a message. Empty, if the channel is closed, the message too large, or more waits than may: that
  /// last closes the channel.
  std::optional<MessageId> send(Message message);
  /// Gives up on a message with a body that has not left completely; false if there is nothing to give up.
  bool withdraw(MessageId id);
  /// Gives up on a body that comes in; false if it is not open.
  bool cancel(std::uint32_t stream);
  /// Ends it. What waits in front of the bodies still leaves, then CLOSE; after `protocol` and what is worse CLOSE
  /// alone, if anything.
  void close(CloseReason reason);

  std::size_t fill(std::string& plaintext, std::size_t limit) { return m_outgoing.fill(plaintext, limit); }
  [[nodiscard]] std::size_t pending() const { return m_outgoing.pending(); }
  [[nodiscard]] std::uint64_t outgoing_body_bytes() const { return m_outgoing.body_bytes(); }
  [[nodiscard]] bool is_closed() const { return m_closed; }

 private:
  void take(const Frame& frame);
  void take_message(const Frame& frame);
  void take_data(const Frame& frame);
  void take_cancel(const Frame& frame);
  void deliver(Incoming::Verdict verdict, std::uint32_t stream);
  void give_credit(std::uint32_t stream);
  void end(CloseReason reason, bool by_peer);
  void check(bool has_room);

  ChannelEvents& m_events;
  Outgoing m_outgoing;
  Incoming m_incoming;
  MessageId m_next_id = 1;
  bool m_closed = false;
};

}  // namespace ghoard::channel
