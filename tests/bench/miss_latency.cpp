// What a miss costs more than asking the server itself: the same request by turns to the server over one kept-alive
// loopback connection, and to the agent over one kept-alive connection to its socket; each target is new.
//
//   miss_latency PORT SOCKET COUNT TARGET [NAME:VALUE...]
//
// prints three lines, "direct", "agent" and "added": median, quartiles, least, in microseconds.

#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "tests/bench/exchange.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/support/loopback.hpp"

namespace {

using namespace ghoard;
using bench::ask;
using bench::fail;
using bench::request_of;

constexpr int warm_up_rounds = 20;

local::Connection connect_to_port(int port) {
  const sockaddr_in address = testing::loopback_address(static_cast<std::uint16_t>(port));
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect to the server");
  }
  return local::Connection::adopt(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: miss_latency PORT SOCKET COUNT TARGET [NAME:VALUE...]\n");
    return 1;
  }
  local::Connection direct = connect_to_port(std::atoi(argv[1]));
  base::Result<local::Connection> agent = local::Connection::open(argv[2], bench::exchange_deadline);
  if (!agent) {
    fail(agent.error().message);
  }
  local::ClientRequest request = request_of(argc - 5, argv + 5);
  const std::string unique = std::string(argv[4]) + "?x=" + std::to_string(::getpid()) + "-";
  std::vector<double> alone;
  std::vector<double> through;
  std::vector<double> added;
  for (int round = -warm_up_rounds; round < std::atoi(argv[3]); ++round) {
    request.target = unique + std::to_string(round + warm_up_rounds);
    const double without = ask(direct, request, "");
    const double with = ask(*agent, request, "fwd=");
    if (round >= 0) {
      alone.push_back(without);
      through.push_back(with);
      added.push_back(with - without);
    }
  }
  bench::print_summary("direct", alone);
  bench::print_summary("agent", through);
  bench::print_summary("added", added);
  return 0;
}
