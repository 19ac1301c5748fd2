#include "net/channel/outgoing.hpp"

#include <algorithm>
#include <array>

namespace ghoard::channel {

namespace {

/// A body's part smaller than this waits for the next record unless it is the body's end or all that the window takes.
constexpr std::size_t smallest_part = 4 * 1024;
/// Sent frames at the front of the queue are cut off once they are this many.
constexpr std::size_t compact_from = std::size_t{64} * 1024;
constexpr std::uint32_t last_stream = 0xffff'fffe;

/// What a message with a body takes in the queue.
std::size_t frame_bytes_of(const Message& message) {
  return frame_head_bytes + body_size_bytes + message.payload.size();
}

}  // namespace

bool Outgoing::queue(FrameType type, std::uint32_t stream, std::string_view prefix, std::string_view payload) {
  const std::size_t size = frame_head_bytes + prefix.size() + payload.size();
  if (m_control.size() - m_control_sent + m_waiting_bytes + size > max_queued_bytes) {
    return false;
  }
  append_frame_head(m_control, type, 0, stream, prefix.size() + payload.size());
  m_control.append(prefix).append(payload);
  return true;
}

bool Outgoing::send(MessageId id, Message message) {
  if (!message.body) {
    return queue(FrameType::message, 0, {}, message.payload);
  }
  // Numbers are not used twice: after 2^31 bodies, a month at 800 a second, the channel has long been replaced.
  if (m_next_stream >= last_stream - 2 * (m_waiting.size() + 1)) {
    return false;
  }
  if (m_streams.size() < max_streams && m_waiting.empty()) {
    return open_stream(id, std::move(message));
  }
  if (m_waiting.size() >= max_waiting_messages ||
      m_control.size() - m_control_sent + m_waiting_bytes + frame_bytes_of(message) > max_queued_bytes) {
    return false;
  }
  m_waiting_bytes += frame_bytes_of(message);
  m_body_bytes += message.body->size();
  m_waiting.push_back({id, std::move(message)});
  return true;
}

bool Outgoing::send_window(std::uint32_t stream, std::uint32_t increment) {
  std::string payload;
  append_u32(payload, increment);
  return queue(FrameType::window, stream, {}, payload);
}

bool Outgoing::send_cancel(std::uint32_t stream, CancelReason reason) {
  const char payload = static_cast<char>(reason);
  return queue(FrameType::cancel, stream, {}, {&payload, 1});
}

void Outgoing::send_close(CloseReason reason, bool after_queue) {
  std::string kept = after_queue ? m_control.substr(m_control_sent) : std::string();
  clear();
  m_control = std::move(kept);
  // Not by queue(): a full queue must not keep the reason back.
  append_frame_head(m_control, FrameType::close, 0, 0, 1);
  m_control.push_back(static_cast<char>(reason));
}

bool Outgoing::open_stream(MessageId id, Message message) {
  std::string size;
  append_u32(size, static_cast<std::uint32_t>(message.body->size()));
  if (!queue(FrameType::message, m_next_stream, size, message.payload)) {
    return false;
  }
  if (!message.body->empty()) {
    m_body_bytes += message.body->size();
    m_streams.emplace(m_next_stream, Stream{id, std::move(message.body)});
  }
  m_next_stream += 2;
  return true;
}

void Outgoing::open_waiting() {
  while (!m_waiting.empty() && m_streams.size() < max_streams) {
    Waiting next = std::move(m_waiting.front());
    m_waiting.pop_front();
    m_waiting_bytes -= frame_bytes_of(next.message);
    m_body_bytes -= next.message.body->size();
    // Cannot fail: the frame was counted when the message began to wait, and a number was left for it.
    static_cast<void>(open_stream(next.id, std::move(next.message)));
  }
}

void Outgoing::end_stream(Streams::iterator stream) {
  m_body_bytes -= stream->second.body->size();
  m_streams.erase(stream);
}

bool Outgoing::withdraw(MessageId id, CancelReason reason, bool& overflow) {
  const auto waiting =
      std::find_if(m_waiting.begin(), m_waiting.end(), [&](const Waiting& entry) { return entry.id == id; });
  if (waiting != m_waiting.end()) {
    m_waiting_bytes -= frame_bytes_of(waiting->message);
    m_body_bytes -= waiting->message.body->size();
    m_waiting.erase(waiting);
    return true;
  }
  const auto stream =
      std::find_if(m_streams.begin(), m_streams.end(), [&](const auto& entry) { return entry.second.id == id; });
  if (stream == m_streams.end()) {
    return false;
  }
  const std::uint32_t number = stream->first;
  end_stream(stream);
  overflow = !send_cancel(number, reason);
  open_waiting();
  return true;
}

bool Outgoing::widen(std::uint32_t stream, std::uint32_t increment) {
  const auto grow = [&](std::uint32_t& window, std::uint32_t limit) {
    // The peer gives back what it took and never more, so a window is never wider than it was at first.
    const bool fits = increment <= limit - window;
    window += fits ? increment : 0;
    return fits;
  };
  if (stream == 0) {
    return grow(m_window, connection_window);
  }
  const auto found = m_streams.find(stream);
  return found != m_streams.end() ? grow(found->second.window, stream_window) : was_opened(stream);
}

bool Outgoing::was_opened(std::uint32_t stream) const {
  return stream != 0 && stream % 2 == m_next_stream % 2 && stream < m_next_stream;
}

std::optional<MessageId> Outgoing::cancelled_by_peer(std::uint32_t stream, CancelReason reason, bool& overflow) {
  const auto found = m_streams.find(stream);
  if (found == m_streams.end()) {
    return std::nullopt;
  }
  const MessageId id = found->second.id;
  end_stream(found);
  // The answer tells the peer that no more data is on its way: until then it counts the stream as open.
  overflow = !send_cancel(stream, reason);
  open_waiting();
  return id;
}

std::size_t Outgoing::sendable(const Stream& stream) const {
  return std::min({stream.body->size() - stream.sent, std::size_t{stream.window}, std::size_t{m_window}});
}

std::size_t Outgoing::pending() const {
  std::size_t bytes = m_control.size() - m_control_sent;
  std::size_t window = m_window;
  for (const auto& [number, stream] : m_streams) {
    const std::size_t part = std::min(sendable(stream), window);
    window -= part;
    bytes += part > 0 ? part + frame_head_bytes : 0;
  }
  return bytes;
}

std::size_t Outgoing::fill(std::string& plaintext, std::size_t limit) {
  const std::size_t before = plaintext.size();
  std::size_t left = limit - fill_control(plaintext, limit);
  // Nothing overtakes a frame that did not fit.
  while (m_control.empty() && fill_data(plaintext, left)) {
    left = limit - (plaintext.size() - before);
  }
  return plaintext.size() - before;
}

std::size_t Outgoing::fill_control(std::string& plaintext, std::size_t limit) {
  std::size_t end = m_control_sent;
  while (end < m_control.size()) {
    const std::size_t size = frame_size(std::string_view(m_control).substr(end));
    if (end - m_control_sent + size > limit) {
      break;
    }
    end += size;
  }
  const std::size_t taken = end - m_control_sent;
  plaintext.append(m_control, m_control_sent, taken);
  m_control_sent = end;
  if (m_control_sent == m_control.size()) {
    m_control = std::string();
    m_control_sent = 0;
  } else if (m_control_sent >= compact_from) {
    m_control.erase(0, m_control_sent);
    m_control_sent = 0;
  }
  return taken;
}

Outgoing::Streams::iterator Outgoing::next_sendable() {
  auto stream = m_streams.upper_bound(m_last_served);
  for (std::size_t i = 0; i < m_streams.size(); ++i) {
    if (stream == m_streams.end()) {
      stream = m_streams.begin();
    }
    if (sendable(stream->second) > 0) {
      return stream;
    }
    ++stream;
  }
  return m_streams.end();
}

bool Outgoing::fill_data(std::string& plaintext, std::size_t limit) {
  const auto found = next_sendable();
  if (found == m_streams.end() || limit <= frame_head_bytes) {
    return false;
  }
  Stream& stream = found->second;
  const std::size_t wanted = sendable(stream);
  const std::size_t size = std::min(wanted, limit - frame_head_bytes);
  if (size < wanted && size < smallest_part) {
    return false;
  }
  const bool is_end = stream.sent + size == stream.body->size();
  append_frame_head(plaintext, FrameType::data, is_end ? flag_end : 0, found->first, size);
  plaintext.append(*stream.body, stream.sent, size);
  stream.sent += size;
  stream.window -= static_cast<std::uint32_t>(size);
  m_window -= static_cast<std::uint32_t>(size);
  m_last_served = found->first;
  if (is_end) {
    end_stream(found);
    open_waiting();
  }
  return true;
}

void Outgoing::clear() {
  m_control = std::string();
  m_control_sent = 0;
  m_streams.clear();
  m_waiting.clear();
  m_waiting_bytes = 0;
  m_body_bytes = 0;
}

}  // namespace ghoard::channel
