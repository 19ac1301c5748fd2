#pragma once

#include <unistd.h>
#include <utility>

namespace ghoard::server {

/// Move-only owner of a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : m_number(number) {}
  Descriptor(Descriptor&& other) noexcept : m_number(std::exchange(other.m_number, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      m_number = std::exchange(other.m_number, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const { return m_number; }
  [[nodiscard]] bool open() const { return m_number >= 0; }
  [[nodiscard]] int release() { return std::exchange(m_number, -1); }
  void reset() {
    if (m_number >= 0) {
      ::close(std::exchange(m_number, -1));
    }
  }

 private:
  int m_number = -1;
};

}  // namespace ghoard::server
