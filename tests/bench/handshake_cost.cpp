// What a link between two peers costs: the handshake, CPU of both sides together with signatures; refusing a caller who
// does not hold the network key; and bytes through a channel, in memory, sealing and opening apart.
//
//   handshake_cost [ROUNDS]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <malloc.h>
#include <memory>
#include <string>
#include <vector>

#include "net/channel/channel.hpp"
#include "net/channel/handshake.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/net/channel/self.hpp"

namespace {

using namespace ghoard;
using namespace ghoard::channel;

constexpr std::size_t bulk_bytes = std::size_t{16} * 1024 * 1024;

/// Processor time of this thread in microseconds: a busy machine must not count.
double cpu_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

std::shared_ptr<Self> make_self() {
  std::shared_ptr<Self> self = fresh_self();
  self->software = "ghoard";
  return self;
}

struct Silent final : ChannelEvents {
  std::size_t bodies = 0;
  bool on_body(std::uint32_t, std::string_view, std::uint32_t) override { return true; }
  void on_body_lost(std::uint32_t, CancelReason) override {}
  void on_message(std::uint32_t, Message message) override { bodies += message.body ? 1 : 0; }
  void on_cancelled(MessageId, CancelReason) override {}
  void on_closed(CloseReason, bool) override { std::abort(); }
};

struct World {
  std::shared_ptr<Self> left = make_self();
  std::shared_ptr<Self> right = make_self();
  std::vector<noise::Secret> psks;
  std::shared_ptr<const AcceptedKeys> accepted;
  ReplayGuard guard;

  explicit World(std::size_t keys) {
    for (std::size_t i = 0; i < keys; ++i) {
      psks.push_back(noise::Secret::random());
    }
    accepted = std::make_shared<const AcceptedKeys>(psks, right->static_key);
  }
};

std::pair<Outcome, Outcome> shake(World& world) {
  Initiator initiator(world.left, world.psks.front(), world.right->identity, wall_now);
  Responder responder(world.right, world.accepted, world.guard);
  responder.receive(initiator.take_output(), wall_now, false);
  initiator.receive(responder.take_output());
  responder.receive(initiator.take_output(), wall_now, false);
  if (!initiator.is_done() || !responder.is_done()) {
    std::abort();
  }
  return {initiator.take_outcome(), responder.take_outcome()};
}

void measure_handshake(int rounds) {
  World world(1);
  std::vector<double> values;
  for (int i = 0; i < rounds; ++i) {
    const double begin = cpu_now();
    shake(world);
    values.push_back(cpu_now() - begin);
  }
  bench::print_summary("handshake, both sides, CPU", values);
}

void measure_refusal(int rounds, std::size_t keys, const char* name) {
  World world(keys);
  Initiator stranger(world.left, noise::Secret::random(), std::nullopt, wall_now);
  const std::string first = stranger.take_output();
  std::vector<double> values;
  constexpr int batch = 100;
  for (int i = 0; i < rounds; ++i) {
    const double begin = cpu_now();
    for (int j = 0; j < batch; ++j) {
      Responder responder(world.right, world.accepted, world.guard);
      responder.receive(first, wall_now, false);
      if (responder.failure() != Failure::no_key_matches) {
        std::abort();
      }
    }
    values.push_back((cpu_now() - begin) / batch);
  }
  bench::print_summary(name, values);
}

void print_rate(const char* name, const std::vector<double>& micros) {
  const bench::Summary summary = bench::summarise(micros);
  std::printf("%s\t%.0f MB/s (best %.0f)\n", name, static_cast<double>(bulk_bytes) / summary.median,
              static_cast<double>(bulk_bytes) / summary.least);
}

void measure_bulk(int rounds) {
  World world(1);
  auto [first, second] = shake(world);
  BodyBudget budget(std::uint64_t{64} * 1024 * 1024);
  Silent left_events;
  Silent right_events;
  Channel left(first.role, std::move(first.transport), left_events, budget);
  Channel right(second.role, std::move(second.transport), right_events, budget);
  const auto body = std::make_shared<const std::string>(bulk_bytes, 'x');
  std::vector<double> sealing;
  std::vector<double> opening;
  std::string bytes;
  for (int i = 0; i < rounds; ++i) {
    double seal_time = 0;
    double open_time = 0;
    left.send({"bulk", body});
    while (left.pending() > 0) {
      const double begin = cpu_now();
      bytes.clear();
      left.next_output(bytes, std::size_t{128} * 1024);
      const double middle = cpu_now();
      static_cast<void>(right.receive(bytes, mono_now));
      open_time += cpu_now() - middle;
      seal_time += middle - begin;
      bytes.clear();
      right.next_output(bytes, std::size_t{128} * 1024);
      static_cast<void>(left.receive(bytes, mono_now));
    }
    sealing.push_back(seal_time);
    opening.push_back(open_time);
  }
  if (right_events.bodies != static_cast<std::size_t>(rounds)) {
    std::abort();
  }
  print_rate("channel, framing and sealing 16 MiB", sealing);
  print_rate("channel, opening and gathering 16 MiB", opening);
}

void measure_raw(int rounds) {
  noise::CipherState cipher(noise::Secret::random());
  std::vector<std::uint8_t> buffer(32 * 1024 + noise::tag_bytes);
  std::vector<double> values;
  for (int i = 0; i < rounds; ++i) {
    const double begin = cpu_now();
    for (std::size_t done = 0; done < bulk_bytes; done += 32 * 1024) {
      if (!cipher.encrypt({}, noise::ByteView(buffer).first(32 * 1024), buffer.data())) {
        std::abort();
      }
    }
    values.push_back(cpu_now() - begin);
  }
  print_rate("raw seal, 32 KiB", values);
}

void measure_idle_memory() {
  World world(1);
  auto [first, second] = shake(world);
  BodyBudget budget(0);
  Silent events;
  const std::size_t before = mallinfo2().uordblks;
  auto channel = std::make_unique<Channel>(first.role, std::move(first.transport), events, budget);
  channel->send({"hello", nullptr});
  std::string out;
  channel->next_output(out, 0);
  out = std::string();
  std::printf("idle channel after a message\t%zu bytes on the heap, itself included (sizeof %zu), and %zu locked\n",
              mallinfo2().uordblks - before, sizeof(Channel), 2 * noise::Secret::size);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 300;
  measure_handshake(rounds);
  measure_refusal(rounds, 1, "refusal, one key");
  measure_refusal(rounds, 4, "refusal, four keys");
  measure_raw(std::max(1, rounds / 10));
  measure_bulk(std::max(1, rounds / 10));
  measure_idle_memory();
  return 0;
}
