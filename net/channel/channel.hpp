#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"
#include "net/channel/message_rate.hpp"
#include "net/channel/record.hpp"
#include "net/channel/streams.hpp"

namespace ghoard::channel {

/// The encrypted link between two peers after their handshake: whole messages in, whole messages out. Sans-I/O; the
/// owner moves the bytes. One thread, not movable.
///
/// Memory of an idle one: its own size (under 512 bytes), 64 locked bytes for its two keys, and nothing on the heap
/// (tests/bench/handshake_cost prints it). Receiving holds at most one record of 32 KiB, and bodies within `budget`;
/// sending holds at most 1 MiB of frames besides the shared bodies.
class Channel {
 public:
  /// `transport` and `role` are the handshake's outcome. `events` and `budget` outlive it.
  Channel(noise::Role role, noise::HandshakeState::Transport transport, ChannelEvents& events, BodyBudget& budget);

  /// Takes bytes as they came, in any pieces. The result is when to read on, if the peer asks for more than 2,000
  /// messages a second: all bytes given were taken nevertheless, so give no more than some 64 KiB at a time.
  [[nodiscard]] std::optional<base::MonoTime> receive(std::string_view bytes, base::MonoTime now);
  /// The peer's bytes have ended. Unless CLOSE came before, that is `truncated`.
  void end_of_input();

  /// As Streams has them.
  std::optional<MessageId> send(Message message) { return m_streams.send(std::move(message)); }
  bool withdraw(MessageId id) { return m_streams.withdraw(id); }
  bool cancel(std::uint32_t stream) { return m_streams.cancel(stream); }
  void close(CloseReason reason) { m_streams.close(reason); }
  [[nodiscard]] bool is_closed() const { return m_streams.is_closed(); }

  /// Bytes that could leave now, records' overhead aside; 0: nothing to write. After closing that is what remains to be
  /// written before the connection is shut.
  [[nodiscard]] std::size_t pending() const { return m_streams.pending(); }
  /// Appends whole sealed records to `out`, at most `max` bytes, but one record in any case if there is anything. To
  /// be called when the socket is writable, so that what matters most goes into the very next record.
  void next_output(std::string& out, std::size_t max);
  /// Bytes of bodies held for the peer.
  [[nodiscard]] std::uint64_t outgoing_body_bytes() const { return m_streams.outgoing_body_bytes(); }

 private:
  std::size_t take_partial(std::string_view bytes);
  void take_record(std::string_view ciphertext);

  RecordCipher m_sealer;
  RecordCipher m_opener;
  Streams m_streams;
  MessageRate m_rate;
  std::string m_partial;  ///< the front of a record, its two bytes of length included
  std::size_t m_messages = 0;
};

}  // namespace ghoard::channel
