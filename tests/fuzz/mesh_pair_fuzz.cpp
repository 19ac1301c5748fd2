// Two nodes on a virtual clock. The input says what happens: questions, writes, what GitHub answers, links that break,
// stall or lose, frozen processes, time, and messages that no node would send. Whatever it was, once all is well again
// every question has been answered, nobody holds a lease, and the two fall silent. Unless there was a lie, nothing
// shown as fresh is older than a change that its machine had acknowledged.
//
// links: ghoard_simulation

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/mesh/message.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/simulation/simulation.hpp"

namespace {

using namespace ghoard;
using namespace ghoard::testing;
using fuzz::require;

constexpr std::size_t most_events = 96;
constexpr std::size_t most_captured = 256;
constexpr Millis patience{30'000};
constexpr std::array<const char*, 3> paths{"/repos/o/r0", "/repos/o/r1", "/user"};

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : m_rest(data, size) {}
  [[nodiscard]] bool empty() const { return m_rest.empty(); }
  std::uint8_t byte() {
    if (m_rest.empty()) {
      return 0;
    }
    const std::uint8_t value = m_rest.front();
    m_rest = m_rest.subspan(1);
    return value;
  }
  std::size_t number() {
    const std::size_t high = byte();
    return high << 8 | byte();
  }
  std::string bytes(std::size_t size) {
    size = std::min(size, m_rest.size());
    const std::string taken(fuzz::text_of(m_rest.data(), size));
    m_rest = m_rest.subspan(size);
    return taken;
  }

 private:
  std::span<const std::uint8_t> m_rest;
};

class Pair {
 public:
  Pair() : m_world(SimulationOptions{}) {
    m_world.on_send = [this](std::size_t from, const mesh::Message& message) {
      if (m_captured.at(from).size() < most_captured) {
        m_captured.at(from).push_back(message);
      }
    };
    m_world.start_all();
    require(m_world.settle(), "two nodes link up");
  }

  void act(Input& input) {
    const std::uint8_t code = input.byte();
    const std::size_t side = code & 1;
    const std::size_t other = 1 - side;
    const std::size_t amount = code >> 5;
    switch (code >> 1 & 15) {
      case 0:
      case 1: ask(side, amount); return;
      case 2: write(side, amount); return;
      case 3: turn(amount); return;
      case 4: m_world.break_link(0, 1); return;
      case 5: block(side, other); return;
      case 6: m_world.run_for(Millis{static_cast<std::int64_t>(1 + amount * amount * 7)}); return;
      case 7: m_world.run_for(Millis{static_cast<std::int64_t>(amount * 1'500)}); return;
      case 8: m_world.mishap(side, other, Simulation::Mishap::lost); return;
      case 9: m_world.mishap(side, other, Simulation::Mishap::doubled); return;
      case 10: m_world.stall(side, other, Millis{static_cast<std::int64_t>(amount * 400)}); return;
      case 11: freeze(side); return;
      case 12: lie(side, input.bytes(input.number())); return;
      case 13:
      case 14: twist(side, input, amount); return;
      default: repeat(side, input.byte()); return;
    }
  }

  void finish() {
    heal();
    m_world.run_for(Millis{60'000});
    if (!m_lied) {
      require(m_world.settle(Millis{180'000}), "two honest nodes find each other again");
      m_world.run_for(Millis{40'000});  // logs are compared
    }
    require_quiet();
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::size_t path = 0; path < paths.size(); ++path) {
        ask(side, path);
        m_reads.back().at_least = m_world.github().versions[paths.at(path)];
      }
    }
    m_world.run_for(patience + Millis{10'000});
    require_quiet();
    for (const Read& read : m_reads) {
      require(read.result->ended, "every question is answered");
      require(m_lied || !read.result->version.has_value() || *read.result->version >= read.at_least,
              "nothing fresh is older than a change that its machine has acknowledged");
    }
    const std::uint64_t before = m_world.messages;
    m_world.run_for(Millis{20'000});
    require(m_world.messages - before < 400, "with nothing to do, hardly anything is said");
  }

 private:
  struct Read {
    std::shared_ptr<SimulatedNode::Result> result;
    std::uint64_t at_least = 0;
  };

  void ask(std::size_t side, std::size_t amount) {
    if (m_frozen.contains(side)) {
      return;
    }
    const std::string path = paths.at(amount % paths.size());
    const cache::Fingerprint token = simulated_token(static_cast<int>(amount / paths.size()) % 2);
    m_reads.push_back({m_world.node(side).request(path, token, patience), m_required.at(side)[path]});
  }

  void write(std::size_t side, std::size_t amount) {
    if (m_frozen.contains(side)) {
      return;
    }
    const std::string path = paths.at(amount % paths.size());
    m_world.node(side).write(path, [this, path](const std::set<std::size_t>& told) {
      for (const std::size_t node : told) {
        std::uint64_t& required = m_required.at(node)[path];
        required = std::max(required, m_world.github().versions[path]);
      }
    });
  }

  /// Another answer from GitHub from now on.
  void turn(std::size_t amount) {
    SimulatedGitHub& github = m_world.github();
    const std::string path = paths.at(amount % paths.size());
    if (amount < 3) {
      if (github.unshareable.erase(path) == 0) {
        github.unshareable.insert(path);
      }
    } else if (amount < 6) {
      if (github.private_to.erase(path) == 0) {
        github.private_to[path] = {simulated_token(1)};
      }
    } else {
      github.failing = !github.failing;
    }
  }

  void block(std::size_t from, std::size_t to) {
    const bool blocks = m_blocked.insert(from).second;
    if (!blocks) {
      m_blocked.erase(from);
    }
    m_world.block(from, to, blocks);
  }

  void freeze(std::size_t side) {
    const bool freezes = m_frozen.insert(side).second;
    if (!freezes) {
      m_frozen.erase(side);
    }
    m_world.freeze(side, freezes);
  }

  /// Bytes as a peer may send them: what cannot be decoded would end the link.
  void lie(std::size_t side, const std::string& bytes) {
    static const http::Body body = std::make_shared<const std::string>("7");
    if (base::Result<mesh::Message> message = mesh::decode(bytes, body)) {
      m_lied = true;
      m_world.inject(side, 1 - side, *std::move(message));
    } else {
      m_world.break_link(0, 1);
    }
  }

  /// What was once sent, with some bytes changed.
  void twist(std::size_t side, Input& input, std::size_t changes) {
    const std::vector<mesh::Message>& captured = m_captured.at(input.byte() & 1);
    if (captured.empty()) {
      return;
    }
    std::string bytes = mesh::encode(captured.at(input.byte() % captured.size()));
    for (std::size_t i = 0; i <= changes / 2; ++i) {
      char& changed = bytes.at(input.number() % bytes.size());
      changed = static_cast<char>(changed ^ input.byte());
    }
    lie(side, bytes);
  }

  void repeat(std::size_t side, std::size_t which) {
    const std::vector<mesh::Message>& captured = m_captured.at(side);
    if (!captured.empty()) {
      m_lied = true;
      m_world.inject(side, 1 - side, captured.at(which % captured.size()));
    }
  }

  void heal() {
    for (const std::size_t side : std::exchange(m_frozen, {})) {
      m_world.freeze(side, false);
    }
    for (const std::size_t side : std::exchange(m_blocked, {})) {
      m_world.block(side, 1 - side, false);
    }
    m_world.github().failing = false;
  }

  void require_quiet() {
    for (std::size_t side = 0; side < 2; ++side) {
      const mesh::Node& node = m_world.node(side).mesh();
      require(node.open_questions() == 0, "no question stays open");
      require(node.leases_held() == 0, "no lease stays held");
      require(node.leases_given() == 0, "no lease stays given");
      require(node.members().list().size() <= 300, "who is known is bounded");
    }
  }

  Simulation m_world;
  std::array<std::vector<mesh::Message>, 2> m_captured;
  std::array<std::map<std::string, std::uint64_t>, 2> m_required;
  std::vector<Read> m_reads;
  std::set<std::size_t> m_blocked;
  std::set<std::size_t> m_frozen;
  bool m_lied = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Pair pair;
  for (std::size_t event = 0; event < most_events && !input.empty(); ++event) {
    pair.act(input);
  }
  pair.finish();
  return 0;
}
