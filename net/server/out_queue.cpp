#include "net/server/out_queue.hpp"

#include <algorithm>
#include <utility>

namespace ghoard::server {

namespace {

/// Sent bytes at the front are dropped once they are worth moving the rest for.
constexpr std::size_t compact_above = 64 * 1024;

}  // namespace

void OutQueue::append(http::Body body, std::size_t offset) {
  m_body = std::move(body);
  m_body_sent = offset;
}

std::size_t OutQueue::gather(std::span<iovec, 2> into) const {
  std::size_t count = 0;
  if (m_sent < m_bytes.size()) {
    into[count++] = entry_of(std::string_view(m_bytes).substr(m_sent));
  }
  if (m_body && m_body_sent < m_body->size()) {
    into[count++] = entry_of(std::string_view(*m_body).substr(m_body_sent));
  }
  return count;
}

void OutQueue::consume(std::size_t size) {
  const std::size_t copied = std::min(size, m_bytes.size() - m_sent);
  m_sent += copied;
  m_body_sent += size - copied;
  if (empty()) {
    clear();
  } else if (m_sent > compact_above && m_sent > m_bytes.size() / 2) {
    m_bytes.erase(0, m_sent);
    m_sent = 0;
  }
}

void OutQueue::clear() {
  std::string().swap(m_bytes);
  m_sent = 0;
  m_body.reset();
  m_body_sent = 0;
}

}  // namespace ghoard::server
