#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>

#include "core/http/message.hpp"

namespace ghoard::server {

/// Bytes that a socket did not take at once: copied ones, then what is left of one shared body. Holds no memory when
/// empty.
class OutQueue {
 public:
  /// Appends copied bytes; only while no shared body is queued.
  void append(std::string_view bytes) { m_bytes.append(bytes); }
  /// Queues `body` from `offset` on behind everything else.
  void append(http::Body body, std::size_t offset);

  [[nodiscard]] std::size_t size() const {
    return m_bytes.size() - m_sent + (m_body ? m_body->size() - m_body_sent : 0);
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// Fills at most two entries and returns how many.
  std::size_t gather(std::span<iovec, 2> into) const;
  void consume(std::size_t size);
  void clear();

 private:
  std::string m_bytes;
  std::size_t m_sent = 0;
  http::Body m_body;
  std::size_t m_body_sent = 0;
};

/// An entry for reading calls only; the kernel's type has no const.
[[nodiscard]] inline iovec entry_of(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace ghoard::server
