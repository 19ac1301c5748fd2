#include "net/channel/incoming.hpp"

#include <algorithm>

namespace ghoard::channel {

namespace {

/// A body is charged with this much at first and then fourfold, up to its size.
constexpr std::size_t first_reserve = std::size_t{64} * 1024;
/// One that has shown so much gets its address space at once: growing on would copy a third of it, and touch that much
/// memory besides. Untouched pages take none.
constexpr std::size_t shown = std::size_t{256} * 1024;

}  // namespace

Incoming::Verdict Incoming::open(const Frame& frame) {
  // A number may be skipped but never come back, and there are as many at a time as the peer may have open.
  if (frame.stream % 2 != m_next_stream % 2 || frame.stream < m_next_stream || m_streams.size() >= max_streams) {
    return Verdict::violation;
  }
  if (frame.stream > 0xffff'fffd) {
    return Verdict::violation;
  }
  m_next_stream = frame.stream + 2;
  std::string payload(frame.payload.substr(body_size_bytes));
  if (frame.number() == 0) {
    m_whole = {frame.stream, std::move(payload), std::make_shared<const std::string>()};
    return Verdict::whole;
  }
  Stream& stream = m_streams.emplace(frame.stream, Stream(frame.number(), m_budget)).first->second;
  if (!stream.share.grow_to(payload.size())) {
    return Verdict::no_room;
  }
  stream.payload = std::move(payload);
  stream.body = std::make_shared<std::string>();
  return Verdict::fine;
}

bool Incoming::reserve(Stream& stream) {
  if (stream.received > stream.room) {
    const std::size_t room =
        std::min<std::size_t>(stream.size, std::max({first_reserve, std::size_t{stream.received}, 4 * stream.room}));
    if (!stream.share.grow_to(stream.payload.size() + room)) {
      return false;
    }
    stream.room = room;
  }
  if (stream.received > stream.body->capacity()) {
    const bool is_whole = stream.received > shown && stream.ahead.grow(stream.size - stream.room);
    stream.body->reserve(is_whole ? stream.size : stream.room);
  }
  return true;
}

Incoming::Verdict Incoming::data(const Frame& frame) {
  const auto found = m_streams.find(frame.stream);
  const std::size_t size = frame.payload.size();
  if (found == m_streams.end()) {
    return Verdict::violation;
  }
  Stream& stream = found->second;
  const bool completes = size == stream.size - stream.received;
  if (size > stream.window || size > m_window || size > stream.size - stream.received || completes != frame.is_end) {
    return Verdict::violation;
  }
  stream.received += static_cast<std::uint32_t>(size);
  stream.window -= static_cast<std::uint32_t>(size);
  m_window -= static_cast<std::uint32_t>(size);
  Verdict verdict = Verdict::fine;
  if (stream.body && !reserve(stream)) {
    stream.give_up();
    verdict = Verdict::no_room;
  } else if (stream.body) {
    stream.body->append(frame.payload);
  }
  if (completes && stream.body) {
    m_whole = {frame.stream, std::move(stream.payload), std::move(stream.body)};
    verdict = Verdict::whole;
  }
  if (completes) {
    m_streams.erase(found);
  }
  return verdict;
}

bool Incoming::cancelled_by_peer(std::uint32_t stream) {
  const auto found = m_streams.find(stream);
  if (found == m_streams.end()) {
    return false;
  }
  const bool was_wanted = found->second.body != nullptr;
  m_streams.erase(found);
  return was_wanted;
}

void Incoming::Stream::give_up() {
  body.reset();
  payload = std::string();
  share.release();
  ahead.release();
}

bool Incoming::cancel(std::uint32_t stream) {
  const auto found = m_streams.find(stream);
  if (found == m_streams.end() || !found->second.body) {
    return false;
  }
  found->second.give_up();
  return true;
}

bool Incoming::was_opened(std::uint32_t stream) const {
  return stream != 0 && stream % 2 == m_next_stream % 2 && stream < m_next_stream;
}

std::uint32_t Incoming::take_credit(std::uint32_t stream) {
  if (stream == 0) {
    const std::uint32_t credit = connection_window - m_window;
    if (credit < connection_window / 2) {
      return 0;
    }
    m_window = connection_window;
    return credit;
  }
  const auto found = m_streams.find(stream);
  if (found == m_streams.end() || !found->second.body) {
    return 0;
  }
  Stream& open = found->second;
  const std::uint32_t credit = stream_window - open.window;
  // Half a window at a time, and nothing that the rest of the body does not need.
  if (credit < stream_window / 2 || open.size - open.received <= open.window) {
    return 0;
  }
  open.window = stream_window;
  return credit;
}

void Incoming::clear() {
  m_streams.clear();
  m_whole = {};
}

}  // namespace ghoard::channel
