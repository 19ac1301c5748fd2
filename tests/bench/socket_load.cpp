// Load on an HTTP/1.1 server behind a Unix socket, or a loopback port: N kept-alive connections with one request
// outstanding on each. Prints answers per second and the 50th and 99th percentile of latency.
//
//   socket_load SOCKET|PORT CONNECTIONS SECONDS TARGET [HEADER...]

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include "tests/support/loopback.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  int descriptor = -1;
  std::size_t missing = 0;  // bytes of the body still to come
  std::string head;         // bytes of an incomplete head
  Clock::time_point asked;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int connect_to(const std::string& place) {
  if (place.front() == '/') {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (place.size() >= sizeof address.sun_path) {
      fail("the socket's path is too long");
    }
    std::memcpy(address.sun_path, place.c_str(), place.size() + 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail("connect");
    }
    return descriptor;
  }
  const sockaddr_in address = ghoard::testing::loopback_address(static_cast<std::uint16_t>(std::atoi(place.c_str())));
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
  return descriptor;
}

void ask(Client& client, const std::string& request) {
  client.asked = Clock::now();
  if (::send(client.descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    fail("send");
  }
}

std::size_t body_length(std::string_view head) {
  static constexpr std::string_view name = "\r\nContent-Length: ";
  const std::size_t found = head.find(name);
  if (!head.starts_with("HTTP/1.1 200") || found == std::string_view::npos) {
    std::fprintf(stderr, "unexpected answer: %.*s\n", static_cast<int>(head.size()), head.data());
    std::exit(1);
  }
  std::size_t length = 0;
  std::from_chars(head.data() + found + name.size(), head.data() + head.size(), length);
  return length;
}

/// Takes in received bytes; true when they complete the answer.
bool take(Client& client, std::string_view bytes) {
  if (client.missing == 0) {
    client.head.append(bytes);
    const std::size_t end = client.head.find("\r\n\r\n");
    if (end == std::string::npos) {
      return false;
    }
    const std::size_t length = body_length(std::string_view(client.head).substr(0, end));
    client.missing = length - (client.head.size() - end - 4);
    client.head.clear();
    return client.missing == 0;
  }
  client.missing -= bytes.size();
  return client.missing == 0;
}

struct Outcome {
  std::uint64_t answers = 0;
  std::vector<float> latencies;
};

Outcome run(std::vector<Client>& clients, const std::string& request, Clock::time_point until) {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  for (Client& client : clients) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    ::epoll_ctl(set, EPOLL_CTL_ADD, client.descriptor, &event);
    ask(client, request);
  }
  Outcome outcome;
  std::vector<char> buffer(256 * 1024);
  std::vector<epoll_event> events(clients.size());
  while (Clock::now() < until) {
    const int ready = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t size = ::recv(client.descriptor, buffer.data(), buffer.size(), 0);
      if (size <= 0) {
        fail("recv");
      }
      if (take(client, {buffer.data(), static_cast<std::size_t>(size)})) {
        ++outcome.answers;
        outcome.latencies.push_back(std::chrono::duration<float, std::micro>(Clock::now() - client.asked).count());
        ask(client, request);
      }
    }
  }
  ::close(set);
  return outcome;
}

float percentile(std::vector<float>& values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * share);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: socket_load SOCKET|PORT CONNECTIONS SECONDS TARGET [HEADER...]\n");
    return 1;
  }
  std::string request = std::string("GET ") + argv[4] + " HTTP/1.1\r\n";
  for (int i = 5; i < argc; ++i) {
    request += std::string(argv[i]) + "\r\n";
  }
  request += "\r\n";
  std::vector<Client> clients(static_cast<std::size_t>(std::max(1, std::atoi(argv[2]))));
  for (Client& client : clients) {
    client.descriptor = connect_to(argv[1]);
  }
  const auto begin = Clock::now();
  const auto length = std::chrono::duration<double>(std::atof(argv[3]));
  Outcome outcome = run(clients, request, begin + std::chrono::duration_cast<Clock::duration>(length));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (outcome.latencies.empty()) {
    std::fprintf(stderr, "no answer at all\n");
    return 1;
  }
  std::printf("%.0f answers/s, p50 %.0f us, p99 %.0f us, %zu connections\n",
              static_cast<double>(outcome.answers) / seconds, percentile(outcome.latencies, 0.5),
              percentile(outcome.latencies, 0.99), clients.size());
  return 0;
}
