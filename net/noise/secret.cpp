#include "net/noise/secret.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sodium.h>

namespace ghoard::noise {

namespace {

/// Slots of 32 bytes cut from pages of sodium_malloc. A free slot holds the pointer to the next one; all its other
/// bytes are zero. Pages are never given back: their number is bounded by the most secrets there ever were at once.
class Pool {
 public:
  std::uint8_t* take() {
    const std::lock_guard<std::mutex> lock(m_mutex);
    if (m_free == nullptr) {
      grow();
    }
    std::uint8_t* slot = m_free;
    std::memcpy(&m_free, slot, link_bytes);
    std::memset(slot, 0, link_bytes);
    return slot;
  }

  void give_back(std::uint8_t* slot) {
    sodium_memzero(slot, Secret::size);
    const std::lock_guard<std::mutex> lock(m_mutex);
    std::memcpy(slot, &m_free, link_bytes);
    m_free = slot;
  }

 private:
  static constexpr std::size_t link_bytes = sizeof(std::uint8_t*);
  /// Four pages, less the canary that sodium_malloc puts in front.
  static constexpr std::size_t slab_bytes = std::size_t{4} * 4096 - 32;

  void grow() {
    // sodium_init chooses the fastest implementations and may be called any number of times.
    void* slab = sodium_init() < 0 ? nullptr : sodium_malloc(slab_bytes);
    if (slab == nullptr) {
      // Without memory or entropy nothing secret can be done, and going on without secrecy is no choice.
      std::abort();
    }
    std::memset(slab, 0, slab_bytes);
    for (std::size_t offset = 0; offset + Secret::size <= slab_bytes; offset += Secret::size) {
      std::uint8_t* slot = static_cast<std::uint8_t*>(slab) + offset;
      std::memcpy(slot, &m_free, link_bytes);
      m_free = slot;
    }
  }

  std::mutex m_mutex;
  std::uint8_t* m_free = nullptr;
};

Pool& pool() {
  // Never destroyed: secrets in other static objects may outlive any order of destruction.
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

Secret Secret::zeros() {
  return Secret(pool().take());
}

Secret Secret::copy_of(ConstBytes bytes) {
  Secret secret = zeros();
  std::copy(bytes.begin(), bytes.end(), secret.m_slot);
  return secret;
}

Secret Secret::random() {
  Secret secret = zeros();
  randombytes_buf(secret.m_slot, size);
  return secret;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    m_slot = other.m_slot;
    other.m_slot = nullptr;
  }
  return *this;
}

Secret Secret::clone() const {
  return is_empty() ? Secret() : copy_of(bytes());
}

void Secret::wipe() {
  if (m_slot != nullptr) {
    pool().give_back(m_slot);
    m_slot = nullptr;
  }
}

KeyPair KeyPair::generate() {
  return from_secret(Secret::random());
}

KeyPair KeyPair::from_secret(Secret secret) {
  KeyPair pair{std::move(secret), {}};
  crypto_scalarmult_base(pair.public_key.data(), pair.secret.bytes().data());
  return pair;
}

}  // namespace ghoard::noise
