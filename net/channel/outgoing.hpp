#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/channel/frame.hpp"

namespace ghoard::channel {

/// A message of the layer above: opaque bytes and perhaps a body.
struct Message {
  std::string payload;                      ///< at most 16 KiB
  std::shared_ptr<const std::string> body;  ///< at most 16 MiB; null: none, which is not the same as an empty one
};

/// Names a message that was sent, for this channel.
using MessageId = std::uint64_t;

/// Control frames waiting for the socket, in bytes, and messages waiting for a stream: more of either closes the
/// channel, since the peer does not read what it asks for.
inline constexpr std::size_t max_queued_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t max_waiting_messages = 1024;

/// The sending half of a channel: frames waiting to leave, open streams with their windows, and messages that wait for
/// a stream. Frames other than DATA leave first, in order; bodies share the rest, a record at a time each. Nothing is
/// on the heap while nothing waits. One thread.
class Outgoing {
 public:
  /// `first_stream`: 1 for the handshake's initiator, 2 for the responder.
  explicit Outgoing(std::uint32_t first_stream) : m_next_stream(first_stream) {}

  /// False when too much waits. The message is within its limits.
  [[nodiscard]] bool send(MessageId id, Message message);
  /// Each is false when too much waits.
  [[nodiscard]] bool send_window(std::uint32_t stream, std::uint32_t increment);
  [[nodiscard]] bool send_cancel(std::uint32_t stream, CancelReason reason);
  /// Nothing else leaves any more, except frames already waiting if `after_queue`.
  void send_close(CloseReason reason, bool after_queue);

  /// Gives up on a message; false if its last byte has left, or it has no body. Frames that wait still leave.
  [[nodiscard]] bool withdraw(MessageId id, CancelReason reason, bool& overflow);
  /// The peer's WINDOW. False: a violation.
  [[nodiscard]] bool widen(std::uint32_t stream, std::uint32_t increment);
  /// The peer's CANCEL of one of our streams: tells the message, or nothing when its end and the CANCEL crossed.
  [[nodiscard]] std::optional<MessageId> cancelled_by_peer(std::uint32_t stream, CancelReason reason, bool& overflow);
  /// Whether such a stream of ours was ever opened.
  [[nodiscard]] bool was_opened(std::uint32_t stream) const;

  /// Appends whole frames, `limit` bytes at most; says how many bytes. `limit` is a record's plaintext.
  std::size_t fill(std::string& plaintext, std::size_t limit);
  /// Bytes of frames that could leave now as far as the windows let them.
  [[nodiscard]] std::size_t pending() const;
  /// Bytes of bodies that are held for the peer, waiting ones included.
  [[nodiscard]] std::uint64_t body_bytes() const { return m_body_bytes; }
  void clear();

 private:
  struct Stream {
    MessageId id;
    std::shared_ptr<const std::string> body;
    std::size_t sent = 0;
    std::uint32_t window = stream_window;
  };
  struct Waiting {
    MessageId id;
    Message message;
  };
  using Streams = std::map<std::uint32_t, Stream>;

  [[nodiscard]] bool queue(FrameType type, std::uint32_t stream, std::string_view prefix, std::string_view payload);
  [[nodiscard]] bool open_stream(MessageId id, Message message);
  void open_waiting();
  void end_stream(Streams::iterator stream);
  [[nodiscard]] std::size_t sendable(const Stream& stream) const;
  std::size_t fill_control(std::string& plaintext, std::size_t limit);
  [[nodiscard]] bool fill_data(std::string& plaintext, std::size_t limit);
  [[nodiscard]] Streams::iterator next_sendable();

  std::string m_control;  ///< whole frames, from m_control_sent on
  std::size_t m_control_sent = 0;
  Streams m_streams;
  std::list<Waiting> m_waiting;
  std::size_t m_waiting_bytes = 0;
  std::uint64_t m_body_bytes = 0;
  std::uint32_t m_window = connection_window;
  std::uint32_t m_next_stream;
  std::uint32_t m_last_served = 0;
};

}  // namespace ghoard::channel
