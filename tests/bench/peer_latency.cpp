// What an answer costs that a peer fetched, more than one that is stored here: each target is new, one agent fetches
// it, the other one is asked for it twice.
//
//   peer_latency shared SOCKET SOCKET COUNT TARGET [NAME:VALUE...]   "local", "peer" and "added", microseconds
//   peer_latency worst SOCKET COUNT TARGET [NAME:VALUE...]           the slowest of so many misses, milliseconds

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include "tests/bench/exchange.hpp"

namespace {

using namespace ghoard;
using bench::ask;

std::string target(const char* path, int round) {
  return std::string(path) + "?x=" + std::to_string(::getpid()) + "-" + std::to_string(round);
}

int shared(int argc, char** argv) {
  local::Connection one = bench::open_socket(argv[2]);
  local::Connection other = bench::open_socket(argv[3]);
  local::ClientRequest request = bench::request_of(argc - 6, argv + 6);
  bench::Comparison comparison;
  for (int round = -10; round < std::atoi(argv[4]); ++round) {
    request.target = target(argv[5], round + 10);
    ask(one, request, "fwd=");
    const double from_peer = ask(other, request, "detail=peer");
    const double from_here = ask(other, request, "detail=local");
    comparison.add(round, from_here, from_peer);
  }
  comparison.print("local", "peer");
  return 0;
}

int worst(int argc, char** argv) {
  local::Connection agent = bench::open_socket(argv[2]);
  local::ClientRequest request = bench::request_of(argc - 5, argv + 5);
  double most = 0;
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    request.target = target(argv[4], round);
    most = std::max(most, ask(agent, request, "fwd="));
  }
  std::printf("%.1f\n", most / 1000);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "shared" && argc >= 6) {
    return shared(argc, argv);
  }
  if (mode == "worst" && argc >= 5) {
    return worst(argc, argv);
  }
  std::fprintf(stderr,
               "usage: peer_latency shared SOCKET SOCKET COUNT TARGET [NAME:VALUE...]\n"
               "       peer_latency worst SOCKET COUNT TARGET [NAME:VALUE...]\n");
  return 1;
}
