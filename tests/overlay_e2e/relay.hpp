#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/base/time.hpp"

namespace ghoard::testing {

/// What a relay does to all that it carries. A lost packet is, to those who speak TCP, a pause until it is sent again.
struct Weather {
  base::Millis delay{0};   ///< each way
  unsigned lossy = 0;      ///< of 100 pieces so many are lost at first
  base::Millis resend{0};  ///< how much later such a piece, and all behind it, arrives
};

/// Carries TCP connections from ports of its own to others on 127.0.0.1, on a thread of its own. Failures to begin
/// throw std::runtime_error.
class Relay {
 public:
  explicit Relay(Weather weather = {});
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// A port of 127.0.0.1, a free one if `port` is 0, in the network namespace that `within` names (a file; empty: this
  /// one). Returns the port. What comes there goes to `target`, which may be told later.
  std::uint16_t open(std::uint16_t target, const std::string& within = {}, std::uint16_t port = 0);
  void aim(std::uint16_t port, std::uint16_t target);
  /// `action` is called on the relay's thread once, before the `count`-th record from now on is passed on; records are
  /// those of the link between peers (u16be length and so many bytes).
  void strike_at(std::uint64_t count, std::function<void()> action);

 private:
  struct Way;
  struct Pair;
  struct Port {
    int listener = -1;
    std::uint16_t number = 0;
    std::uint16_t target = 0;
  };

  void run();
  void turn();
  void accept(const Port& port);
  void read(Way& way, std::chrono::steady_clock::time_point now);
  void write(Way& way, std::chrono::steady_clock::time_point now);
  void count_records(Way& way, const std::string& bytes);

  const Weather m_weather;
  std::mutex m_mutex;  // of m_ports, m_countdown, m_action
  std::vector<Port> m_ports;
  std::uint64_t m_countdown = 0;
  std::function<void()> m_action;
  std::list<std::unique_ptr<Pair>> m_pairs;
  std::mt19937 m_random{20261122};
  std::atomic<bool> m_stop = false;
  std::thread m_thread;
};

}  // namespace ghoard::testing
