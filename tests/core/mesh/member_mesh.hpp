#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/mesh/flood.hpp"
#include "core/mesh/members.hpp"
#include "tests/core/mesh/virtual_links.hpp"

namespace ghoard::testing {

/// Notes what it is told to apply and to keep; can be made to fail.
class RecordingHost final : public cache::PeerHost {
 public:
  std::optional<cache::SharedValue> find_shared(const cache::Resource&, const cache::ResourceKey&,
                                                const cache::Fingerprint&,
                                                std::optional<base::Seconds> max_age) override {
    const bool wanted = keeps && !kept.empty() && (!max_age.has_value() || kept.back().age <= *max_age);
    return wanted ? std::optional(kept.back()) : shared;
  }
  void keep_shared(const cache::Resource&, const cache::ResourceKey&, const cache::SharedValue& value) override {
    kept.push_back(value);
  }
  base::Result<void> apply(const std::vector<cache::Change>& changes) override {
    if (failing) {
      return base::fail(base::ErrorCode::system, "disk full");
    }
    ++batches;
    applied.insert(applied.end(), changes.begin(), changes.end());
    return {};
  }
  void distrust_older(bool distrust) override {
    distrusts = distrust;
    ++told;
  }
  [[nodiscard]] long times(const cache::Change& change) const {
    return std::count(applied.begin(), applied.end(), change);
  }

  std::optional<cache::SharedValue> shared;  ///< has this of everything
  std::vector<cache::SharedValue> kept;
  bool keeps = false;  ///< and hands out what it kept last, as if that were what anybody asks for
  bool failing = false;
  bool distrusts = false;
  int told = 0;
  int batches = 0;
  std::vector<cache::Change> applied;
};

/// The n-th test peer. Ids are uniform, as keys are.
inline mesh::PeerId test_peer(std::uint64_t number) {
  SeededRandom random(number * 7919 + 1);
  mesh::PeerId id;
  for (std::uint8_t& byte : id.key) {
    byte = static_cast<std::uint8_t>(random());
  }
  return id;
}

inline peer::Multiaddr test_address(std::uint64_t number) {
  return {peer::Multiaddr::Kind::ip4, "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1),
          "", 9100, std::nullopt};
}

/// Membership and flood of one process, without leases.
class MemberProcess final : public VirtualProcess {
 public:
  MemberProcess(VirtualNetwork& network, mesh::MemberOptions options)
      : incarnation(options.incarnation),
        id(options.self.id),
        members(std::move(options), network.attach(id), network.clock, [&network] { return network.random(); }),
        flood(id, incarnation, members, network.attach(id), host, network.clock,
              [&network] { return network.random(); }) {
    members.on_lost = [this](const mesh::PeerId& peer, bool dead) { (dead ? died : lost).push_back(peer); };
    members.on_joined = [this](const mesh::PeerId& peer) { joined.push_back(peer); };
    members.start();
    network.run(id, *this);
  }
  void link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_address) override {
    members.link_up(peer, inbound, remote_address);
    flood.link_up(peer);
  }
  void link_down(const mesh::PeerId& peer, mesh::LinkEnd end) override {
    members.link_down(peer, end);
    flood.link_down(peer);
  }
  void dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) override { members.dial_failed(peer, end); }
  void receive(const mesh::PeerId& from, const mesh::Message& message) override {
    members.heard(from);
    std::visit(
        [&](const auto& kind) {
          if constexpr (requires { members.receive(from, kind); }) {
            members.receive(from, kind);
          } else if constexpr (requires { flood.receive(from, kind); }) {
            flood.receive(from, kind);
          }
        },
        message);
  }
  void tick() override {
    members.tick();
    flood.tick();
  }
  [[nodiscard]] base::MonoTime next_deadline() const override {
    return std::min(members.next_deadline(), flood.next_deadline());
  }
  [[nodiscard]] bool owns(const mesh::PeerId& peer) const {
    const std::vector<mesh::PeerId> owners = members.owners(mesh::SlotKey{}, 1'000);
    return std::find(owners.begin(), owners.end(), peer) != owners.end();
  }

  std::uint64_t incarnation;
  mesh::PeerId id;
  RecordingHost host;
  mesh::Members members;
  mesh::Flood flood;
  std::vector<mesh::PeerId> lost;
  std::vector<mesh::PeerId> died;
  std::vector<mesh::PeerId> joined;
};

/// A mesh whose later processes know the first one.
class MemberMesh {
 public:
  explicit MemberMesh(std::uint64_t seed = 1) : network(seed) {}

  [[nodiscard]] mesh::MemberOptions options(std::uint64_t number, const std::vector<std::uint64_t>& bootstrap) const {
    mesh::MemberOptions result;
    result.self.id = test_peer(number);
    result.self.addresses = {test_address(number)};
    result.self.sequence = 1;
    result.software = "ghoard/test";
    result.incarnation = number + 1'000 * (m_starts + 1);
    result.listen_port = 9100;
    result.announce_observed = false;
    for (const std::uint64_t other : bootstrap) {
      peer::Multiaddr address = test_address(other);
      address.peer = test_peer(other);
      result.bootstrap.push_back({test_peer(other), {address}});
    }
    return result;
  }
  MemberProcess& start(mesh::MemberOptions options) {
    ++m_starts;
    const mesh::PeerId id = options.self.id;
    network.attach(id);
    processes[id] = std::make_unique<MemberProcess>(network, std::move(options));
    return *processes.at(id);
  }
  MemberProcess& start(std::uint64_t number, const std::vector<std::uint64_t>& bootstrap = {}) {
    return start(options(number, bootstrap));
  }
  /// Processes 0 to count - 1; true once all are linked to all and agree.
  bool grow(std::uint64_t count) {
    for (std::uint64_t number = 0; number < count; ++number) {
      start(number, number == 0 ? std::vector<std::uint64_t>{} : std::vector<std::uint64_t>{0});
      network.run_for(base::Millis{20});
    }
    return network.run_until([&] { return is_whole(); }, base::Millis{120'000}, base::Millis{100}).has_value();
  }
  MemberProcess& at(std::uint64_t number) { return *processes.at(test_peer(number)); }
  void kill(std::uint64_t number) {
    network.kill(test_peer(number));
    processes.erase(test_peer(number));
  }
  void vanish(std::uint64_t number) {
    network.vanish(test_peer(number));
    processes.erase(test_peer(number));
  }
  [[nodiscard]] bool agrees() const {
    return std::all_of(processes.begin(), processes.end(), [&](const auto& entry) {
      return entry.second->members.view_digest() == processes.begin()->second->members.view_digest();
    });
  }
  [[nodiscard]] bool is_whole() const {
    return agrees() && std::all_of(processes.begin(), processes.end(), [&](const auto& entry) {
             return entry.second->members.linked().size() == processes.size() - 1 &&
                    entry.second->members.owners(mesh::SlotKey{}, 1'000).size() == processes.size();
           });
  }
  [[nodiscard]] bool all_know_dead(std::uint64_t number) const {
    const mesh::PeerId id = test_peer(number);
    return std::all_of(processes.begin(), processes.end(), [&](const auto& entry) {
      return std::find(entry.second->died.begin(), entry.second->died.end(), id) != entry.second->died.end();
    });
  }
  [[nodiscard]] std::size_t deaths() const {
    std::size_t count = 0;
    for (const auto& [id, process] : processes) {
      count += process->died.size();
    }
    return count;
  }

  VirtualNetwork network;
  std::map<mesh::PeerId, std::unique_ptr<MemberProcess>> processes;

 private:
  std::uint64_t m_starts = 0;
};

}  // namespace ghoard::testing
