// How many bytes of bodies go over one connection between two peers on loopback, each with a thread of its own: TCP,
// records and frames included. Prints MB/s (10^6), by turns with what sealing and TCP alone would carry, so that a
// busy machine slows both; the processor time of each side, which limits it; and the time of ping answers meanwhile.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>
#include <vector>

#include "net/overlay/transport.hpp"
#include "tests/bench/plain_sealed_stream.hpp"
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

/// Processor time of this thread in microseconds.
double cpu_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// The sending side: rounds of bodies, and pings through them. Lives in its loop's thread, but for the flags.
class Sender {
 public:
  Sender() : m_side(1, [this](const mesh::PeerId& from, const mesh::Message& message) { take(from, message); }) {}

  Side& side() { return m_side; }
  [[nodiscard]] bool is_busy() const { return m_busy; }
  [[nodiscard]] const std::vector<double>& pings() const { return m_pings; }
  [[nodiscard]] double cpu() const { return m_cpu; }

  void start_round(const mesh::PeerId& to) {
    m_busy = true;
    boost::asio::post(m_side.loop(), [this, to] {
      m_sent = m_arrived = 0;
      m_cpu = -cpu_now();
      while (m_sent < under_way) {
        send_body(to);
      }
      ping(to);
    });
  }

 private:
  void send_body(const mesh::PeerId& to) {
    mesh::Value value;
    value.value.body = m_body;
    m_side.transport().send(to, value);
    ++m_sent;
  }

  void ping(const mesh::PeerId& to) {
    m_pinged = Steady::now();
    m_side.transport().send(to, mesh::Ping{1, 0});
  }

  /// A round is over when its last body and its last ping are answered.
  void take(const mesh::PeerId& from, const mesh::Message& message) {
    if (std::holds_alternative<mesh::Pong>(message)) {
      m_pings.push_back(micros(Steady::now() - m_pinged));
      if (m_arrived == bodies_per_round) {
        m_busy = false;
      } else {
        ping(from);
      }
      return;
    }
    ++m_arrived;
    if (m_sent < bodies_per_round) {
      send_body(from);
    } else if (m_arrived == bodies_per_round) {
      m_cpu += cpu_now();
    }
  }

  const std::shared_ptr<const std::string> m_body = std::make_shared<const std::string>(body_bytes, 'x');
  std::size_t m_sent = 0;
  std::size_t m_arrived = 0;
  std::vector<double> m_pings;
  Steady::time_point m_pinged;
  double m_cpu = 0;
  std::atomic<bool> m_busy = false;
  Side m_side;
};

}  // namespace

// The receiver has the main thread, as in an agent: that thread's allocations are what the C library is tuned for.
int main() {
  constexpr std::size_t round_bytes = body_bytes * bodies_per_round;
  std::vector<double> speeds;
  std::vector<double> ceilings;
  std::vector<double> shares;
  std::vector<double> sender_cpu;
  std::vector<double> receiver_cpu;
  Sender sender;
  Side* receiver = nullptr;
  Side right(2, [&](const mesh::PeerId& from, const mesh::Message& message) {
    if (std::holds_alternative<mesh::Ping>(message)) {
      receiver->transport().send(from, mesh::Pong{1, 0});
    } else {
      receiver->transport().send(from, mesh::Release{1});
    }
  });
  receiver = &right;
  sender.side().transport().dial(right.id(), {overlay::testing::loopback(right.transport().bound().port())});
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      sender.side().loop().run_for(std::chrono::milliseconds(20));
    }
  });
  while (!sender.side().is_linked()) {
    right.loop().run_one_for(std::chrono::milliseconds(20));
  }
  for (int round = 0; round < rounds; ++round) {
    const Steady::time_point began = Steady::now();
    const double cpu_began = cpu_now();
    sender.start_round(right.id());
    while (sender.is_busy()) {
      right.loop().run_one_for(std::chrono::milliseconds(20));
    }
    speeds.push_back(static_cast<double>(round_bytes) / micros(Steady::now() - began));
    receiver_cpu.push_back((cpu_now() - cpu_began) / (static_cast<double>(round_bytes) / 1e6));
    sender_cpu.push_back(sender.cpu() / (static_cast<double>(round_bytes) / 1e6));
    ceilings.push_back(ghoard::bench::plain_sealed_stream(round_bytes));
    shares.push_back(100 * speeds.back() / ceilings.back());
  }
  done = true;
  other.join();
  ghoard::bench::print_summary("link_mb_per_s", speeds);
  ghoard::bench::print_summary("ceiling_mb_per_s", ceilings);
  ghoard::bench::print_summary("share_percent", shares);
  ghoard::bench::print_summary("sender_us_per_mb", sender_cpu);
  ghoard::bench::print_summary("receiver_us_per_mb", receiver_cpu);
  std::vector<double> pings = sender.pings();
  std::sort(pings.begin(), pings.end());
  std::printf("ping_p50_us\t%.1f\nping_p99_us\t%.1f\n", pings[pings.size() / 2], pings[pings.size() * 99 / 100]);
}
