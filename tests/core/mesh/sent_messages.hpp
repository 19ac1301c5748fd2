#pragma once

#include <utility>
#include <vector>

#include "core/mesh/links.hpp"

namespace ghoard::testing {

/// Links of which nothing arrives anywhere: every message that is sent is kept.
class SentMessages final : public mesh::Links {
 public:
  void send(const mesh::PeerId& to, mesh::Message message) override { sent.emplace_back(to, std::move(message)); }
  void dial(const mesh::PeerId&, std::vector<peer::Multiaddr>) override {}
  void dial_back(const mesh::PeerId&, std::vector<peer::Multiaddr>) override {}
  void close(const mesh::PeerId&) override {}
  void wake() override {}

  /// Those of one kind to one peer, in order.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> to(const mesh::PeerId& peer) const {
    std::vector<Kind> found;
    for (const auto& [receiver, message] : sent) {
      if (const auto* kind = std::get_if<Kind>(&message); kind != nullptr && receiver == peer) {
        found.push_back(*kind);
      }
    }
    return found;
  }

  std::vector<std::pair<mesh::PeerId, mesh::Message>> sent;
};

}  // namespace ghoard::testing
