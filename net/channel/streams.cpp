#include "net/channel/streams.hpp"

namespace ghoard::channel {

Streams::Streams(noise::Role role, ChannelEvents& events, BodyBudget& budget)
    : m_events(events),
      m_outgoing(role == noise::Role::initiator ? 1 : 2),
      m_incoming(role == noise::Role::initiator ? 2 : 1, budget) {}

std::size_t Streams::receive(std::string_view plaintext) {
  std::size_t messages = 0;
  // An empty record is a violation, too: the first turn finds no frame.
  do {
    const std::optional<Frame> frame = take_frame(plaintext);
    if (!frame || (frame->type == FrameType::close && !plaintext.empty())) {
      close(CloseReason::protocol);
      return messages;
    }
    messages += frame->type == FrameType::message ? 1 : 0;
    take(*frame);
  } while (!m_closed && !plaintext.empty());
  return messages;
}

void Streams::take(const Frame& frame) {
  switch (frame.type) {
    case FrameType::message: take_message(frame); return;
    case FrameType::data: take_data(frame); return;
    case FrameType::window:
      if (!m_outgoing.widen(frame.stream, frame.number())) {
        close(CloseReason::protocol);
      }
      return;
    case FrameType::cancel: take_cancel(frame); return;
    case FrameType::close: end(close_reason(frame.reason()), true); return;
  }
}

void Streams::take_message(const Frame& frame) {
  if (frame.stream == 0) {
    m_events.on_message(0, {std::string(frame.payload), nullptr});
    return;
  }
  const Incoming::Verdict verdict = m_incoming.open(frame);
  const bool is_open = verdict == Incoming::Verdict::fine;
  const bool is_told = is_open || verdict == Incoming::Verdict::no_room;
  if (is_told && !m_events.on_body(frame.stream, frame.payload.substr(body_size_bytes), frame.number()) && is_open) {
    cancel(frame.stream);
    return;
  }
  deliver(verdict, frame.stream);
}

void Streams::take_data(const Frame& frame) {
  deliver(m_incoming.data(frame), frame.stream);
  if (!m_closed) {
    give_credit(0);
    give_credit(frame.stream);
  }
}

void Streams::deliver(Incoming::Verdict verdict, std::uint32_t stream) {
  switch (verdict) {
    case Incoming::Verdict::fine: return;
    case Incoming::Verdict::whole: {
      Incoming::Whole whole = m_incoming.take_whole();
      m_events.on_message(whole.stream, {std::move(whole.payload), std::move(whole.body)});
      return;
    }
    case Incoming::Verdict::no_room:
      check(m_outgoing.send_cancel(stream, CancelReason::no_room));
      if (!m_closed) {
        m_events.on_body_lost(stream, CancelReason::no_room);
      }
      return;
    case Incoming::Verdict::violation: close(CloseReason::protocol); return;
  }
}

void Streams::give_credit(std::uint32_t stream) {
  if (const std::uint32_t credit = m_incoming.take_credit(stream); credit > 0 && !m_closed) {
    check(m_outgoing.send_window(stream, credit));
  }
}

void Streams::take_cancel(const Frame& frame) {
  const CancelReason reason = cancel_reason(frame.reason());
  if (m_incoming.was_opened(frame.stream)) {
    if (m_incoming.cancelled_by_peer(frame.stream)) {
      m_events.on_body_lost(frame.stream, reason);
    }
    return;
  }
  if (!m_outgoing.was_opened(frame.stream)) {
    close(CloseReason::protocol);
    return;
  }
  bool overflow = false;
  const std::optional<MessageId> id = m_outgoing.cancelled_by_peer(frame.stream, reason, overflow);
  check(!overflow);
  if (id && !m_closed) {
    m_events.on_cancelled(*id, reason);
  }
}

std::optional<MessageId> Streams::send(Message message) {
  if (m_closed || message.payload.size() > max_message_bytes ||
      (message.body && message.body->size() > max_body_bytes)) {
    return std::nullopt;
  }
  const MessageId id = m_next_id++;
  check(m_outgoing.send(id, std::move(message)));
  return m_closed ? std::nullopt : std::optional<MessageId>(id);
}

bool Streams::withdraw(MessageId id) {
  bool overflow = false;
  const bool done = !m_closed && m_outgoing.withdraw(id, CancelReason::withdrawn, overflow);
  check(!overflow);
  return done;
}

bool Streams::cancel(std::uint32_t stream) {
  if (m_closed || !m_incoming.cancel(stream)) {
    return false;
  }
  check(m_outgoing.send_cancel(stream, CancelReason::unwanted));
  return true;
}

void Streams::check(bool has_room) {
  if (!has_room) {
    close(CloseReason::slow);
  }
}

void Streams::close(CloseReason reason) {
  end(reason, false);
}

void Streams::end(CloseReason reason, bool by_peer) {
  if (m_closed) {
    return;
  }
  m_closed = true;
  m_incoming.clear();
  switch (reason) {
    case CloseReason::unspecified:
    case CloseReason::leaving:
    case CloseReason::replaced:
    case CloseReason::denied:
    case CloseReason::slow:
    case CloseReason::protocol:
      if (!by_peer) {
        m_outgoing.send_close(reason, reason != CloseReason::slow && reason != CloseReason::protocol);
        break;
      }
      m_outgoing.clear();
      break;
    case CloseReason::corrupted:
    case CloseReason::truncated:
    case CloseReason::exhausted: m_outgoing.clear(); break;
  }
  m_events.on_closed(reason, by_peer);
}

}  // namespace ghoard::channel
