#include "net/channel/channel.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ghoard::channel {

Channel::Channel(noise::Role role, noise::HandshakeState::Transport transport, ChannelEvents& events,
                 BodyBudget& budget)
    : m_sealer(std::move(transport.send)), m_opener(std::move(transport.receive)), m_streams(role, events, budget) {}

std::optional<base::MonoTime> Channel::receive(std::string_view bytes, base::MonoTime now) {
  m_messages = 0;
  if (!m_partial.empty() && !is_closed()) {
    bytes.remove_prefix(take_partial(bytes));
  }
  // Records that came whole are opened where they lie.
  while (!is_closed() && m_partial.empty() && bytes.size() >= record_head_bytes) {
    const std::size_t length = ciphertext_length(bytes);
    if (length == 0) {
      close(CloseReason::protocol);
      break;
    }
    if (bytes.size() - record_head_bytes < length) {
      break;
    }
    take_record(bytes.substr(record_head_bytes, length));
    bytes.remove_prefix(record_head_bytes + length);
  }
  if (is_closed()) {
    m_partial = std::string();
    return std::nullopt;
  }
  if (!bytes.empty() && m_partial.empty()) {
    if (bytes.size() >= record_head_bytes) {
      m_partial.reserve(record_head_bytes + ciphertext_length(bytes));
    }
    m_partial.append(bytes);
  }
  return m_rate.take(m_messages, now);
}

std::size_t Channel::take_partial(std::string_view bytes) {
  std::size_t used = 0;
  if (m_partial.size() < record_head_bytes) {
    used = std::min(bytes.size(), record_head_bytes - m_partial.size());
    m_partial.append(bytes.substr(0, used));
    bytes.remove_prefix(used);
  }
  if (m_partial.size() < record_head_bytes) {
    return used;
  }
  const std::size_t length = ciphertext_length(m_partial);
  if (length == 0) {
    close(CloseReason::protocol);
    return used;
  }
  const std::size_t whole = record_head_bytes + length;
  const std::size_t size = std::min(bytes.size(), whole - m_partial.size());
  m_partial.reserve(whole);
  m_partial.append(bytes.substr(0, size));
  if (m_partial.size() == whole) {
    // Let go of first: it is empty again, and its memory given back, whatever the record does.
    const std::string record = std::exchange(m_partial, std::string());
    take_record(std::string_view(record).substr(record_head_bytes));
  }
  return used + size;
}

void Channel::take_record(std::string_view ciphertext) {
  std::array<std::uint8_t, max_record_plaintext> plaintext;
  if (!m_opener.open(ciphertext, plaintext.data())) {
    close(CloseReason::corrupted);
    return;
  }
  const noise::ByteView text = noise::ByteView(plaintext).first(ciphertext.size() - noise::tag_bytes);
  m_messages += m_streams.receive(noise::text_of(text));
}

void Channel::end_of_input() {
  m_partial = std::string();
  close(CloseReason::truncated);
}

void Channel::next_output(std::string& out, std::size_t max) {
  const std::size_t limit = std::max(max, max_record_bytes);
  const std::size_t before = out.size();
  while (out.size() - before + max_record_bytes <= limit) {
    const std::size_t begin = out.size();
    out.append(record_head_bytes, '\0');
    const std::size_t size = m_streams.fill(out, max_record_plaintext);
    if (size == 0) {
      out.resize(begin);
      return;
    }
    if (!m_sealer.seal(out, begin, size)) {
      out.resize(begin);
      close(CloseReason::exhausted);
      return;
    }
  }
}

}  // namespace ghoard::channel
