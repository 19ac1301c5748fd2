#include "net/server/body_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ghoard::server {

cache::BodySource::Read BodyStream::read(std::span<char> into) {
  if (m_final == State::lost) {
    return {State::lost, 0};  // what is left of it is of no use
  }
  if (into.empty()) {
    return {State::data, 0};
  }
  const std::size_t size = std::min(into.size(), held());
  if (size == 0) {
    m_waiting = m_final == State::data;
    return {m_waiting ? State::wait : m_final, 0};
  }
  std::memcpy(into.data(), m_bytes.data() + m_taken, size);
  m_taken += size;
  if (held() == 0) {
    m_bytes.clear();
    m_taken = 0;
  }
  if (m_room) {
    m_room();
  }
  return {State::data, size};
}

void BodyStream::push(std::string bytes) {
  if (held() == 0) {
    m_bytes = std::move(bytes);
  } else {
    m_bytes.erase(0, m_taken);
    m_bytes += bytes;
  }
  m_taken = 0;
  if (held() > 0) {
    wake();
  }
}

void BodyStream::finish(State how) {
  if (m_final != State::data) {
    return;
  }
  m_final = how;
  wake();
}

void BodyStream::wake() {
  if (std::exchange(m_waiting, false) && m_readable) {
    const std::function<void()> call = m_readable;  // it may set another
    call();
  }
}

}  // namespace ghoard::server
