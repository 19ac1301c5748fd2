#pragma once

#include <unistd.h>
#include <utility>

namespace ghoard::link {

/// Owns a file descriptor. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : m_value(value) {}
  Descriptor(Descriptor&& other) noexcept : m_value(std::exchange(other.m_value, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(m_value, other.m_value);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  [[nodiscard]] int get() const { return m_value; }
  [[nodiscard]] bool is_open() const { return m_value >= 0; }
  [[nodiscard]] int release() { return std::exchange(m_value, -1); }
  void close() {
    if (m_value >= 0) {
      ::close(std::exchange(m_value, -1));
    }
  }

 private:
  int m_value = -1;
};

}  // namespace ghoard::link
