// How many bytes of bodies go over one connection between two peers on loopback, each with a thread of its own: TCP,
// records and frames included. Prints MB/s (10^6) of each round, and the time of ping answers meanwhile.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "net/overlay/transport.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/net/overlay/rig.hpp"

namespace {

using namespace ghoard;
using Steady = std::chrono::steady_clock;

constexpr std::size_t body_bytes = std::size_t{4} << 20;
constexpr std::size_t bodies_per_round = 96;
constexpr std::size_t under_way = 8;  // within what a peer gathers at a time
constexpr int rounds = 7;

/// One side: a transport on a loop of its own.
class Side final : private overlay::TransportUser {
 public:
  Side(std::uint8_t seed, std::function<void(const mesh::PeerId&, const mesh::Message&)> on_message)
      : m_on_message(std::move(on_message)), m_identity(overlay::testing::identity_of(seed)) {
    auto acceptor = overlay::open_listener(m_loop, {"127.0.0.1", 0, true});
    if (!acceptor) {
      std::fprintf(stderr, "link_throughput: %s\n", acceptor.error().message.c_str());
      std::exit(1);
    }
    overlay::TransportOptions options;
    options.identity = m_identity;
    options.keys = overlay::testing::keys_of("a");
    options.software = "ghoard/bench";
    options.log = [](std::string_view line) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
    m_transport = std::make_unique<overlay::Transport>(m_loop, std::move(options), *std::move(acceptor),
                                                       static_cast<overlay::TransportUser&>(*this), m_clock);
    m_transport->start();
  }

  [[nodiscard]] const mesh::PeerId& id() const { return m_identity->id(); }
  overlay::Transport& transport() { return *m_transport; }
  boost::asio::io_context& loop() { return m_loop; }
  [[nodiscard]] bool is_linked() const { return m_linked; }

 private:
  void link_up(const mesh::PeerId&, bool, const std::string&) override { m_linked = true; }
  void link_down(const mesh::PeerId&, mesh::LinkEnd) override {
    std::fprintf(stderr, "link_throughput: the link broke\n");
    std::exit(1);
  }
  void dial_failed(const mesh::PeerId&, mesh::LinkEnd) override {
    std::fprintf(stderr, "link_throughput: no link\n");
    std::exit(1);
  }
  void receive(const mesh::PeerId& from, mesh::Message message) override { m_on_message(from, message); }
  void body_lost(const mesh::PeerId&, const mesh::Message&) override {}
  void undelivered(const mesh::PeerId&, const mesh::Message&) override {}
  void tick() override {}

  boost::asio::io_context m_loop{1};
  overlay::testing::SystemClock m_clock;
  std::function<void(const mesh::PeerId&, const mesh::Message&)> m_on_message;
  std::shared_ptr<const peer::Identity> m_identity;
  std::atomic<bool> m_linked = false;
  std::unique_ptr<overlay::Transport> m_transport;
};

double micros(Steady::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace

int main() {
  std::vector<double> speeds;
  std::vector<double> pings;
  Side* left_side = nullptr;
  Side* right_side = nullptr;
  std::size_t bodies = 0;
  Steady::time_point began;
  Steady::time_point pinged;
  std::atomic<bool> done = false;

  const auto body = std::make_shared<const std::string>(body_bytes, 'x');
  std::size_t sent = 0;
  const auto send_body = [&] {
    mesh::Value value;
    value.value.body = body;
    left_side->transport().send(right_side->id(), value);
    ++sent;
  };
  const auto start_round = [&] {
    began = Steady::now();
    sent = bodies = 0;
    while (sent < under_way) {
      send_body();
    }
  };
  Side left(1, [&](const mesh::PeerId& from, const mesh::Message& message) {
    if (std::holds_alternative<mesh::Pong>(message)) {
      pings.push_back(micros(Steady::now() - pinged));
      pinged = Steady::now();
      left_side->transport().send(from, mesh::Ping{1, 0});
      return;
    }
    ++bodies;  // the other side has one more
    if (sent < bodies_per_round) {
      send_body();
    } else if (bodies == bodies_per_round) {
      speeds.push_back(static_cast<double>(body_bytes * bodies_per_round) / micros(Steady::now() - began));
      if (speeds.size() == rounds) {
        done = true;
      } else {
        start_round();
      }
    }
  });
  Side right(2, [&](const mesh::PeerId& from, const mesh::Message& message) {
    if (std::holds_alternative<mesh::Ping>(message)) {
      right_side->transport().send(from, mesh::Pong{1, 0});
    } else {
      right_side->transport().send(from, mesh::Release{1});
    }
  });
  left_side = &left;
  right_side = &right;

  left.transport().dial(right.id(), {overlay::testing::loopback(right.transport().bound().port())});
  std::thread other([&] {
    while (!done) {
      right.loop().run_for(std::chrono::milliseconds(20));
    }
  });
  while (!left.is_linked()) {
    left.loop().run_one_for(std::chrono::milliseconds(20));
  }
  start_round();
  pinged = Steady::now();
  left.transport().send(right.id(), mesh::Ping{1, 0});
  while (!done) {
    left.loop().run_for(std::chrono::milliseconds(20));
  }
  other.join();
  ghoard::bench::print_summary("link_mb_per_s", speeds);
  std::sort(pings.begin(), pings.end());
  std::printf("ping_p50_us\t%.1f\nping_p99_us\t%.1f\n", pings[pings.size() / 2], pings[pings.size() * 99 / 100]);
}
