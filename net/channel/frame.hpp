#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ghoard::channel {

/// A record's plaintext is one or more whole frames: `u8 type ‖ u8 flags ‖ u32be stream ‖ u24be length ‖ payload`.
/// Streams run one way: those of the handshake's initiator have odd numbers, those of the responder even ones, each
/// greater than the one before. Number 0 is the connection.
enum class FrameType : std::uint8_t {
  message = 1,  ///< of the layer above; on a stream, its payload begins with u32be size of the body that follows
  data = 2,     ///< a part of the body; the last one, and only that, has the flag END
  window = 3,   ///< u32be: so many more bytes of data are welcome on this stream, or on the connection
  cancel = 4,   ///< u8 reason: this side gives up on the stream, whichever end of it it is
  close = 5,    ///< u8 reason; nothing follows
};

inline constexpr std::size_t frame_head_bytes = 9;
inline constexpr std::uint8_t flag_end = 1;
inline constexpr std::size_t max_message_bytes = 16 * 1024;
inline constexpr std::uint32_t max_body_bytes = 16 * 1024 * 1024;
inline constexpr std::size_t body_size_bytes = 4;
inline constexpr std::uint32_t stream_window = 256 * 1024;
inline constexpr std::uint32_t connection_window = 4 * 1024 * 1024;
/// Streams that a side may have open at a time. One is open from its MESSAGE until END, or until its sender's CANCEL.
inline constexpr std::size_t max_streams = 64;

/// Why a stream was given up, on the wire.
enum class CancelReason : std::uint8_t {
  unspecified = 0,
  unwanted = 1,   ///< the receiver does not need it any more
  withdrawn = 2,  ///< the sender cannot or will not go on
  no_room = 3,    ///< the receiver has no memory for it
};
/// Unknown numbers are `unspecified`.
[[nodiscard]] CancelReason cancel_reason(std::uint8_t wire);

/// Why a channel ended. Those below 128 are on the wire.
enum class CloseReason : std::uint8_t {
  unspecified = 0,
  leaving = 1,      ///< the process ends
  replaced = 2,     ///< another connection with this peer stays, or a newer handshake takes its place
  slow = 3,         ///< more waits for the peer than may
  protocol = 4,     ///< the peer broke the rules of frames and streams
  denied = 5,       ///< the peer has been put on the deny list, or its network key withdrawn
  corrupted = 128,  ///< a record did not open
  truncated = 129,  ///< the peer's bytes ended without CLOSE
  exhausted = 130,  ///< the nonces are used up
};
/// Unknown numbers, and those that are not for the wire, are `unspecified`.
[[nodiscard]] CloseReason close_reason(std::uint8_t wire);
[[nodiscard]] std::string_view name_of(CloseReason reason);

struct Frame {
  FrameType type = FrameType::message;
  bool is_end = false;
  std::uint32_t stream = 0;
  std::string_view payload;  ///< points into the plaintext

  /// The first four bytes of the payload of WINDOW, or of a MESSAGE on a stream.
  [[nodiscard]] std::uint32_t number() const;
  /// The only byte of the payload of CANCEL and CLOSE.
  [[nodiscard]] std::uint8_t reason() const { return static_cast<std::uint8_t>(payload.front()); }
};

/// Takes the first frame off the plaintext. Empty when it runs over the end, its type or flags are unknown, or its
/// stream and size do not suit its type: a violation.
[[nodiscard]] std::optional<Frame> take_frame(std::string_view& plaintext);

void append_frame_head(std::string& out, FrameType type, std::uint8_t flags, std::uint32_t stream, std::size_t length);
void append_u32(std::string& out, std::uint32_t value);
/// The whole size of the well-formed frame at the front of `bytes`.
[[nodiscard]] std::size_t frame_size(std::string_view bytes);

}  // namespace ghoard::channel
