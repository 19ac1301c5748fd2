#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/peer/network_key.hpp"
#include "net/channel/handshake.hpp"

namespace ghoard::overlay {

/// The network keys that are accepted at present, the first of which sends. A key keeps its serial number for as long
/// as it stays, whatever its place, so that links know whether theirs is still good. One thread.
class KeyRing {
 public:
  using Serial = std::uint64_t;

  /// What one handshake is judged by, also if the keys change while it is under way.
  struct Accepted {
    channel::AcceptedKeys keys;
    std::vector<Serial> serials;  ///< by psk index
  };

  explicit KeyRing(std::shared_ptr<const noise::KeyPair> static_key) : m_static_key(std::move(static_key)) { set({}); }

  /// Beyond the first four, keys are left out.
  void set(std::span<const peer::NetworkKey> keys);
  [[nodiscard]] const std::shared_ptr<const Accepted>& accepted() const { return m_accepted; }
  [[nodiscard]] bool empty() const { return m_keys.empty(); }
  /// The one that sends; only if there is any.
  [[nodiscard]] const noise::Secret& first() const { return m_keys.front(); }
  [[nodiscard]] Serial first_serial() const { return m_accepted->serials.front(); }
  /// Its place now, or nothing if it was dropped.
  [[nodiscard]] std::optional<std::size_t> index_of(Serial serial) const;

 private:
  [[nodiscard]] Serial serial_for(const noise::Secret& key);

  std::shared_ptr<const noise::KeyPair> m_static_key;
  std::vector<noise::Secret> m_keys;
  std::shared_ptr<const Accepted> m_accepted;
  Serial m_last = 0;
};

}  // namespace ghoard::overlay
