#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/local/client.hpp"
#include "tests/bench/statistics.hpp"

namespace ghoard::bench {

inline constexpr base::Millis exchange_deadline{10'000};

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

/// A connection to an agent's socket.
inline local::Connection open_socket(const char* path) {
  base::Result<local::Connection> connection = local::Connection::open(path, exchange_deadline);
  if (!connection) {
    fail(connection.error().message);
  }
  return *std::move(connection);
}

/// Microseconds until the answer, a 200 whose Cache-Status says `cache_status`, is there.
inline double ask(local::Connection& connection, const local::ClientRequest& request, std::string_view cache_status) {
  const auto begin = std::chrono::steady_clock::now();
  const base::Result<local::ClientResponse> answer = connection.exchange(request, exchange_deadline, 64U << 20);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  if (!answer) {
    fail(answer.error().message);
  }
  if (answer->status != 200 || answer->headers.get("Cache-Status").find(cache_status) == std::string_view::npos) {
    fail("unexpected answer: " + std::to_string(answer->status) + " " + answer->headers.joined("Cache-Status"));
  }
  return took.count();
}

/// Two ways to the same answer, asked by turns: what each of them takes, and how much more the second one does.
class Comparison {
 public:
  /// The first rounds, whose numbers are below zero, warm up and are left out.
  void add(int round, double first, double second) {
    if (round >= 0) {
      m_first.push_back(first);
      m_second.push_back(second);
      m_added.push_back(second - first);
    }
  }
  void print(const char* first, const char* second) const {
    print_summary(first, m_first);
    print_summary(second, m_second);
    print_summary("added", m_added);
  }

 private:
  std::vector<double> m_first;
  std::vector<double> m_second;
  std::vector<double> m_added;
};

/// A GET with the fields of `words`, each NAME:VALUE.
inline local::ClientRequest request_of(int count, char** words) {
  local::ClientRequest request;
  request.method = "GET";
  for (int i = 0; i < count; ++i) {
    const std::string_view field = words[i];
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) {
      fail("a header has no colon");
    }
    request.headers.add(std::string(field.substr(0, colon)), std::string(field.substr(colon + 1)));
  }
  return request;
}

}  // namespace ghoard::bench
