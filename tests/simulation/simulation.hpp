#pragma once

// A network of nodes in one thread under a virtual clock: everything that happens follows from the seed. The nodes are
// the product's own (mesh::Node); links, engines and GitHub are models. Times are virtual milliseconds.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/mesh/node.hpp"

namespace ghoard::testing {

using base::Millis;
using base::MonoTime;

struct SimulationOptions {
  std::uint64_t seed = 1;
  std::size_t nodes = 2;
  Millis least_latency{1};
  Millis most_latency{3};
  double loss = 0;         ///< share of messages that take a retransmission longer
  double duplication = 0;  ///< share of messages that arrive twice
  Millis retransmission{200};
  Millis skew{0};            ///< wall clocks differ by up to so much, both ways
  Millis upstream{200};      ///< how long GitHub takes
  std::size_t contacts = 1;  ///< bootstrap peers that each node is given
};

class SimulatedNode;

/// GitHub, as far as counting goes: each path has a version that writes raise.
struct SimulatedGitHub {
  std::map<std::string, std::uint64_t> versions;
  std::map<std::string, std::set<cache::Fingerprint>> private_to;  ///< who may see a path; absent: everybody
  std::map<std::string, int> calls;                                ///< answers that cost quota
  std::map<std::string, int> confirmations;                        ///< 304s
  std::set<std::string> unshareable;                               ///< too large, say: nobody else can use its answer
  bool failing = false;

  [[nodiscard]] int total() const {
    int sum = 0;
    for (const auto& [path, count] : calls) {
      sum += count;
    }
    return sum;
  }
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options);
  ~Simulation();

  SimulatedNode& node(std::size_t index) { return *m_nodes.at(index); }
  [[nodiscard]] std::size_t size() const { return m_nodes.size(); }
  SimulatedGitHub& github() { return m_github; }
  [[nodiscard]] MonoTime now() const { return m_now; }
  std::mt19937_64& random() { return m_random; }
  [[nodiscard]] const SimulationOptions& options() const { return m_options; }

  void start(std::size_t index);
  void start_all();
  /// Until every living pair is linked and all views agree; false after `limit`.
  bool settle(Millis limit = Millis{60'000});
  void run_for(Millis time);
  /// Until `done`, at most for `limit`; whether it came about.
  bool run_until(const std::function<bool()>& done, Millis limit);
  void at(Millis later, std::function<void()> action);

  void kill(std::size_t index);                 ///< kill -9: its peers' connections are reset
  void vanish(std::size_t index);               ///< the host is gone: silence
  void freeze(std::size_t index, bool frozen);  ///< SIGSTOP and SIGCONT
  /// Nothing gets from one to the other (one way), or does again.
  void block(std::size_t from, std::size_t to, bool blocked);
  void split(const std::set<std::size_t>& side, bool apart);
  void break_link(std::size_t one, std::size_t other);
  /// What becomes of the next message from one to the other.
  enum class Mishap { lost, doubled };
  void mishap(std::size_t from, std::size_t to, Mishap kind);
  /// Whatever is sent from one to the other from now on arrives so much later, in order.
  void stall(std::size_t from, std::size_t to, Millis time);
  /// Whatever it sends, and is sent, takes so much longer: 0 makes its line as fast as the others.
  void set_line(std::size_t index, Millis time) { m_lines[index] = time; }
  /// A message that `from` did not mean to send, as if it had. Nothing if they are not linked.
  void inject(std::size_t from, std::size_t to, mesh::Message message);
  /// Told of every message that is sent.
  std::function<void(std::size_t from, const mesh::Message&)> on_send;

  std::uint64_t messages = 0;  ///< sent in all
  std::uint64_t bytes = 0;     ///< the same, encoded, with record and frame around each, if count_bytes
  bool count_bytes = false;

 private:
  friend class SimulatedNode;
  struct Event {
    MonoTime when;
    std::uint64_t number;
    std::function<void()> action;
    bool operator>(const Event& other) const { return std::pair(when, number) > std::pair(other.when, other.number); }
  };
  struct Direction {
    MonoTime last_arrival{};
    std::vector<mesh::Message> held;  // sent while the way was blocked
  };
  struct Link {
    std::uint64_t number = 0;
    std::map<std::size_t, Direction> from;
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  static Pair pair(std::size_t a, std::size_t b) { return {std::min(a, b), std::max(a, b)}; }

  Millis latency();
  Millis latency(std::size_t from, std::size_t to) { return latency() + m_lines[from] + m_lines[to]; }
  void send(std::size_t from, std::size_t to, mesh::Message message);
  void transmit(std::size_t from, std::size_t to, Link& link, mesh::Message message);
  void deliver(std::size_t from, std::size_t to, std::uint64_t number, MonoTime arrival, mesh::Message message);
  void dial(std::size_t from, std::size_t to, bool back);
  void close(std::size_t from, std::size_t to);
  void drop(std::size_t one, std::size_t other, mesh::LinkEnd end, std::optional<std::size_t> told_only);
  [[nodiscard]] std::uint64_t link_number(std::size_t one, std::size_t other) const;
  [[nodiscard]] bool is_blocked(std::size_t from, std::size_t to) const { return m_blocked.contains({from, to}); }
  std::optional<std::size_t> index_of(const mesh::PeerId& id) const;
  bool step(MonoTime limit);

  SimulationOptions m_options;
  std::mt19937_64 m_random;
  MonoTime m_now{Millis{1'000'000}};
  std::uint64_t m_event = 0;
  std::uint64_t m_link = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> m_events;
  std::vector<std::unique_ptr<SimulatedNode>> m_nodes;
  std::map<mesh::PeerId, std::size_t> m_index;
  std::map<Pair, Link> m_links;
  std::set<Pair> m_dialling;  // ordered: from, to
  std::set<Pair> m_blocked;
  std::map<Pair, Mishap> m_mishaps;  // ordered: from, to
  std::map<std::size_t, Millis> m_lines;
  SimulatedGitHub m_github;
};

/// A machine: the product's node with a model of an engine around it, which keeps to the engine's rules.
class SimulatedNode final : public mesh::Links, public cache::PeerHost, public base::Clock {
 public:
  struct Result {
    bool ended = false;
    std::optional<std::uint64_t> version;  ///< absent: refused or failed
    MonoTime asked{};
    MonoTime at{};
  };

  SimulatedNode(Simulation& world, std::size_t index, std::vector<peer::BootstrapPeer> bootstrap);

  /// Somebody on this machine asks for a path under a token.
  std::shared_ptr<Result> request(const std::string& path, const cache::Fingerprint& token,
                                  Millis patience = Millis{30'000});
  /// What is stored here of a path is dropped, as when room is needed.
  void forget(const std::string& path);
  /// Somebody on this machine writes to a path; `done` is called when the caller sees the end, with the machines that
  /// have acknowledged the change.
  void write(const std::string& path, std::function<void(const std::set<std::size_t>&)> done);

  [[nodiscard]] mesh::Node& mesh() { return *m_node; }
  [[nodiscard]] const mesh::PeerId& id() const { return m_id; }
  [[nodiscard]] bool is_alive() const { return m_alive; }
  [[nodiscard]] bool is_frozen() const { return m_frozen; }
  [[nodiscard]] bool is_fetching() const { return m_fetching > 0; }

  // mesh::Links
  void send(const mesh::PeerId& to, mesh::Message message) override;
  void dial(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) override;
  void dial_back(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) override;
  void close(const mesh::PeerId& to) override;
  void wake() override;

  // cache::PeerHost
  std::optional<cache::SharedValue> find_shared(const cache::Resource& resource, const cache::ResourceKey& key,
                                                const cache::Fingerprint& fingerprint,
                                                std::optional<base::Seconds> max_age) override;
  void keep_shared(const cache::Resource& resource, const cache::ResourceKey& key,
                   const cache::SharedValue& value) override;
  base::Result<void> apply(const std::vector<cache::Change>& changes) override;
  void distrust_older(bool distrust) override;

  // base::Clock
  [[nodiscard]] base::WallTime wall() const override;
  [[nodiscard]] MonoTime mono() const override;

 private:
  friend class Simulation;
  using Key = std::pair<cache::ResourceKey, cache::Fingerprint>;
  struct Stored {
    cache::Resource resource;
    std::uint64_t version = 0;
    MonoTime fetched{};
    bool must_revalidate = false;
  };
  struct Flight {
    cache::Resource resource;
    std::vector<std::shared_ptr<Result>> callers;
    std::unique_ptr<cache::PeerNetwork::Question> question;
    std::unique_ptr<cache::FetchLease> lease;
    MonoTime asked{};
    MonoTime began{};
  };
  struct Logged {
    cache::Change change;
    MonoTime at{};
  };

  void run(const std::function<void()>& action);  // now, or when it is thawed
  void schedule();
  void answered(const Key& key, cache::PeerAnswer answer);
  void fetch(const Key& key, std::optional<std::uint64_t> basis);
  void fetched(const Key& key, std::optional<std::uint64_t> version, bool confirmed);
  void conclude(const Key& key, std::optional<std::uint64_t> version);
  [[nodiscard]] bool is_fresh(const Stored& stored) const;
  /// Before `until`.
  [[nodiscard]] std::optional<MonoTime> last_change(const cache::Resource& resource, const cache::Fingerprint& token,
                                                    MonoTime until = MonoTime::max()) const;
  [[nodiscard]] cache::SharedValue shared(const Key& key, const Stored& stored) const;

  Simulation& m_world;
  const std::size_t m_index;
  mesh::PeerId m_id;
  Millis m_skew{0};
  bool m_alive = false;
  bool m_frozen = false;
  bool m_vanished = false;
  Millis m_offset{0};  // monotonic clocks begin anywhere
  int m_fetching = 0;
  std::vector<std::function<void()>> m_backlog;  // what arrived while frozen
  MonoTime m_tick_at = MonoTime::max();
  std::map<Key, Stored> m_cache;
  std::map<Key, Flight> m_flights;
  std::vector<Logged> m_log;
  std::vector<std::pair<std::shared_ptr<Result>, std::shared_ptr<Result>>> m_followed;  // of whose end another hears
  std::optional<MonoTime> m_distrusted;
  std::unique_ptr<mesh::Node> m_node;
};

/// A path of the model's GitHub, as a resource.
[[nodiscard]] cache::Resource simulated_resource(const std::string& path);
[[nodiscard]] cache::Fingerprint simulated_token(int number);

}  // namespace ghoard::testing
