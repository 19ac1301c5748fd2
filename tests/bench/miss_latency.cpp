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

#include "tests/bench/exchange.hpp"
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
  local::Connection agent = bench::open_socket(argv[2]);
  local::ClientRequest request = request_of(argc - 5, argv + 5);
  const std::string unique = std::string(argv[4]) + "?x=" + std::to_string(::getpid()) + "-";
  bench::Comparison comparison;
  for (int round = -warm_up_rounds; round < std::atoi(argv[3]); ++round) {
    request.target = unique + std::to_string(round + warm_up_rounds);
    const double without = ask(direct, request, "");
    const double with = ask(agent, request, "fwd=");
    comparison.add(round, without, with);
  }
  comparison.print("direct", "agent");
  return 0;
}
