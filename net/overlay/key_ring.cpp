#include "net/overlay/key_ring.hpp"

#include <algorithm>
#include <sodium.h>
#include <utility>

namespace ghoard::overlay {

void KeyRing::set(std::span<const peer::NetworkKey> keys) {
  std::vector<noise::Secret> next;
  std::vector<Serial> serials;
  for (const peer::NetworkKey& key : keys.first(std::min(keys.size(), channel::max_psks))) {
    if (key.noise_psk.size() == noise::Secret::size) {
      next.push_back(noise::Secret::copy_of(key.noise_psk.bytes().first<noise::Secret::size>()));
      serials.push_back(serial_for(next.back()));
    }
  }
  m_accepted =
      std::make_shared<const Accepted>(Accepted{channel::AcceptedKeys(next, m_static_key), std::move(serials)});
  m_keys = std::move(next);
}

KeyRing::Serial KeyRing::serial_for(const noise::Secret& key) {
  for (std::size_t i = 0; i < m_keys.size(); ++i) {
    if (sodium_memcmp(m_keys[i].bytes().data(), key.bytes().data(), noise::Secret::size) == 0) {
      return m_accepted->serials[i];
    }
  }
  return ++m_last;
}

std::optional<std::size_t> KeyRing::index_of(Serial serial) const {
  const std::vector<Serial>& serials = m_accepted->serials;
  const auto found = std::find(serials.begin(), serials.end(), serial);
  return found == serials.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(std::distance(serials.begin(), found)));
}

}  // namespace ghoard::overlay
