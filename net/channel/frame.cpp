#include "net/channel/frame.hpp"

namespace ghoard::channel {

namespace {

std::uint32_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t index) {
  return byte_at(bytes, index) << 24 | byte_at(bytes, index + 1) << 16 | byte_at(bytes, index + 2) << 8 |
         byte_at(bytes, index + 3);
}

bool is_well_formed(const Frame& frame) {
  const std::size_t size = frame.payload.size();
  switch (frame.type) {
    case FrameType::message:
      return frame.stream == 0 ? size <= max_message_bytes
                               : size >= body_size_bytes && size <= body_size_bytes + max_message_bytes &&
                                     frame.number() <= max_body_bytes;
    case FrameType::data: return frame.stream != 0 && size > 0;
    case FrameType::window: return size == 4 && frame.number() > 0;
    case FrameType::cancel: return frame.stream != 0 && size == 1;
    case FrameType::close: return frame.stream == 0 && size == 1;
  }
  return false;
}

}  // namespace

CancelReason cancel_reason(std::uint8_t wire) {
  switch (static_cast<CancelReason>(wire)) {
    case CancelReason::unspecified:
    case CancelReason::unwanted:
    case CancelReason::withdrawn:
    case CancelReason::no_room: return static_cast<CancelReason>(wire);
  }
  return CancelReason::unspecified;
}

CloseReason close_reason(std::uint8_t wire) {
  switch (static_cast<CloseReason>(wire)) {
    case CloseReason::leaving:
    case CloseReason::replaced:
    case CloseReason::slow:
    case CloseReason::protocol:
    case CloseReason::denied: return static_cast<CloseReason>(wire);
    case CloseReason::unspecified:
    case CloseReason::corrupted:
    case CloseReason::truncated:
    case CloseReason::exhausted: break;
  }
  return CloseReason::unspecified;
}

std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::unspecified: return "unspecified";
    case CloseReason::leaving: return "leaving";
    case CloseReason::replaced: return "replaced";
    case CloseReason::slow: return "slow";
    case CloseReason::protocol: return "protocol error";
    case CloseReason::denied: return "denied";
    case CloseReason::corrupted: return "corrupted";
    case CloseReason::truncated: return "truncated";
    case CloseReason::exhausted: return "exhausted";
  }
  return "unspecified";
}

std::uint32_t Frame::number() const {
  return u32_at(payload, 0);
}

std::size_t frame_size(std::string_view bytes) {
  return frame_head_bytes + (byte_at(bytes, 6) << 16 | byte_at(bytes, 7) << 8 | byte_at(bytes, 8));
}

std::optional<Frame> take_frame(std::string_view& plaintext) {
  if (plaintext.size() < frame_head_bytes || frame_size(plaintext) > plaintext.size()) {
    return std::nullopt;
  }
  const std::uint32_t type = byte_at(plaintext, 0);
  const std::uint32_t flags = byte_at(plaintext, 1);
  if (type < static_cast<std::uint32_t>(FrameType::message) || type > static_cast<std::uint32_t>(FrameType::close)) {
    return std::nullopt;
  }
  Frame frame{static_cast<FrameType>(type), flags == flag_end, u32_at(plaintext, 2),
              plaintext.substr(frame_head_bytes, frame_size(plaintext) - frame_head_bytes)};
  const bool flags_known = flags == 0 || (flags == flag_end && frame.type == FrameType::data);
  if (!flags_known || !is_well_formed(frame)) {
    return std::nullopt;
  }
  plaintext.remove_prefix(frame_size(plaintext));
  return frame;
}

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

void append_frame_head(std::string& out, FrameType type, std::uint8_t flags, std::uint32_t stream, std::size_t length) {
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  append_u32(out, stream);
  for (int shift = 16; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(length >> shift & 0xff));
  }
}

}  // namespace ghoard::channel
