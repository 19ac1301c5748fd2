#include "net/local/client.hpp"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace ghoard;
using namespace std::chrono_literals;

namespace {

/// The other end of a connection, played by a thread.
class Peer {
 public:
  struct Step {
    std::string until;  ///< reads until this has come
    std::string answer;
    bool close = false;
  };
  explicit Peer(std::vector<Step> steps) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    m_ours = ends[0];
    m_thread = std::thread([this, theirs = ends[1], steps = std::move(steps)] { play(theirs, steps); });
  }
  ~Peer() { finish(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  local::Connection connect() { return local::Connection::adopt(m_ours); }
  /// All that was read; the connection must have been closed.
  const std::string& finish() {
    if (m_thread.joinable()) {
      m_thread.join();
    }
    return m_seen;
  }

 private:
  bool read_more(int descriptor) {
    char buffer[65536];
    const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    m_seen.append(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
    return size > 0;
  }

  void play(int descriptor, const std::vector<Step>& steps) {
    bool closed = false;
    for (const Step& step : steps) {
      const std::size_t from = m_seen.size();
      while (m_seen.find(step.until, from) == std::string::npos && read_more(descriptor)) {
      }
      std::string_view rest = step.answer;
      ssize_t size = 1;
      for (; !rest.empty() && size > 0; rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(size, 0)))) {
        size = ::send(descriptor, rest.data(), rest.size(), MSG_NOSIGNAL);
      }
      closed = step.close;
    }
    while (!closed && read_more(descriptor)) {
    }
    ::close(descriptor);
  }

  int m_ours = -1;
  std::string m_seen;
  std::thread m_thread;
};

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

local::ClientRequest make(std::string method = "GET", std::string body = {}) {
  local::ClientRequest request;
  request.method = std::move(method);
  request.target = "/x";
  request.headers.add("Host", "api.github.com");
  request.body = std::move(body);
  return request;
}

/// What goes over the wire for one request.
std::string wire(const local::ClientRequest& request, const std::string& until) {
  Peer peer({{until, ok}});
  {
    local::Connection connection = peer.connect();
    const auto answer = connection.exchange(request, 5s);
    CHECK(answer);
  }
  return peer.finish();
}

/// A pipe with something in it and its writing end closed.
class FilledPipe {
 public:
  explicit FilledPipe(const std::string& text) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    m_end = ends[0];
  }
  ~FilledPipe() { ::close(m_end); }
  FilledPipe(const FilledPipe&) = delete;
  FilledPipe& operator=(const FilledPipe&) = delete;
  [[nodiscard]] int get() const { return m_end; }

 private:
  int m_end = -1;
};

}  // namespace

TEST_CASE("one connection carries one exchange after another") {
  Peer peer({{"\r\n\r\n", ok}, {"\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nA: b\r\n\r\n"}});
  local::Connection connection = peer.connect();
  CHECK_FALSE(connection.sent_anything());
  CHECK(connection.exchange(make(), 5s)->body == "hi");
  CHECK(connection.is_reusable());
  const auto second = connection.exchange(make(), 5s);
  REQUIRE(second);
  CHECK(second->status == 404);
  CHECK(second->headers.get("a") == "b");
  CHECK(connection.sent_anything());
  CHECK(connection.is_open());
}

TEST_CASE("a request is framed by its body, and the caller's framing fields do not count") {
  CHECK(wire(make(), "\r\n\r\n") == "GET /x HTTP/1.1\r\nHost: api.github.com\r\n\r\n");
  CHECK(wire(make("POST"), "\r\n\r\n") == "POST /x HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 0\r\n\r\n");
  local::ClientRequest request = make("DELETE", "{}");
  for (const char* name : {"Content-Length", "transfer-encoding", "Expect", "connection"}) {
    request.headers.add(name, "9");
  }
  CHECK(wire(request, "{}") == "DELETE /x HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 2\r\n\r\n{}");
}

TEST_CASE("a body from a descriptor is chunked, or has the announced length") {
  local::ClientRequest request = make("POST");
  const FilledPipe unknown("some words");
  request.body_fd = unknown.get();
  CHECK(wire(request, "0\r\n\r\n").ends_with("Transfer-Encoding: chunked\r\n\r\na\r\nsome words\r\n0\r\n\r\n"));
  const FilledPipe known("some words");
  request.body_fd = known.get();
  request.content_length = 4;
  CHECK(wire(request, "some").ends_with("Content-Length: 4\r\n\r\nsome"));
}

TEST_CASE("a body that is shorter than announced fails and closes the connection") {
  Peer peer({{"never", ok}});
  local::Connection connection = peer.connect();
  const FilledPipe pipe("abc");
  local::ClientRequest request = make("POST");
  request.body_fd = pipe.get();
  request.content_length = 10;
  const auto answer = connection.exchange(request, 5s);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message == "the request's body is shorter than announced");
  CHECK_FALSE(connection.is_open());
}

TEST_CASE("nothing that could split a request goes out") {
  const auto refused = [](const local::ClientRequest& request) {
    Peer peer(std::vector<Peer::Step>{});
    local::Connection connection = peer.connect();
    const auto answer = connection.exchange(request, 5s);
    return !answer && answer.error().code == base::ErrorCode::invalid_input && !connection.sent_anything();
  };
  local::ClientRequest request = make("GET /y");
  CHECK(refused(request));
  for (const char* target : {"", "x", "/a b", "/a\r\nX: y", "/\x7f", "/\xc3\xa9"}) {
    request = make();
    request.target = target;
    CAPTURE(target);
    CHECK(refused(request));
  }
  for (const auto& [name, value] : {std::pair("X", "a\r\nY: b"), std::pair("X", "a\nb"), std::pair("X y", "a"),
                                    std::pair("X:", "a"), std::pair("", "a")}) {
    request = make();
    request.headers.add(name, value);
    CAPTURE(name);
    CHECK(refused(request));
  }
}

TEST_CASE("an answer cut short is truncated, one that never came unavailable, a slow one a timeout") {
  const auto code = [](std::vector<Peer::Step> steps, base::Millis timeout = 5s) {
    Peer peer(std::move(steps));
    local::Connection connection = peer.connect();
    const auto answer = connection.exchange(make(), timeout);
    CHECK(connection.sent_anything());
    CHECK_FALSE(connection.is_open());
    return answer ? base::ErrorCode::system : answer.error().code;
  };
  CHECK(code({{"\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true}}) == base::ErrorCode::truncated);
  CHECK(code({{"\r\n\r\n", "", true}}) == base::ErrorCode::unavailable);
  CHECK(code({{"\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}}, 20ms) == base::ErrorCode::timeout);
  CHECK(code({{"\r\n\r\n", "HTTP/9 nonsense\r\n\r\n"}}) == base::ErrorCode::invalid_input);
}

TEST_CASE("a body above the limit is refused, one of exactly the limit is not") {
  for (const std::uint64_t limit : {1ULL, 2ULL}) {
    Peer peer({{"\r\n\r\n", ok}});
    local::Connection connection = peer.connect();
    const auto answer = connection.exchange(make(), 5s, limit);
    CHECK(answer.has_value() == (limit == 2));
    CHECK((answer || answer.error().code == base::ErrorCode::too_large));
  }
}

TEST_CASE("an answer that comes before the request is out is read, and the connection then closed") {
  // Both socket buffers fill long before 8 MiB are sent.
  Peer peer({{"\r\n\r\n", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", true}});
  local::Connection connection = peer.connect();
  const auto answer = connection.exchange(make("POST", std::string(8 << 20, 'a')), 5s);
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(answer->body == "no");
  CHECK_FALSE(connection.is_open());
}

TEST_CASE("a connection that the peer closed, or spoke on unasked, is not used again") {
  {
    Peer peer(std::vector<Peer::Step>{{"\r\n\r\n", ok, true}});
    local::Connection connection = peer.connect();
    CHECK(connection.exchange(make(), 5s));
    peer.finish();
    CHECK_FALSE(connection.is_reusable());
    const auto answer = connection.exchange(make("POST", "x"), 5s);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == base::ErrorCode::unavailable);
    CHECK_FALSE(connection.sent_anything());
  }
  Peer peer({{"\r\n\r\n", ok + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"}});
  local::Connection connection = peer.connect();
  CHECK(connection.exchange(make(), 5s)->body == "hi");
  const auto answer = connection.exchange(make(), 5s);
  CHECK((!answer || answer->body != "poison"));
}

TEST_CASE("Connection: close is obeyed") {
  Peer peer(std::vector<Peer::Step>{{"\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"}});
  local::Connection connection = peer.connect();
  CHECK(connection.exchange(make(), 5s));
  CHECK_FALSE(connection.is_open());
}

TEST_CASE("opening tells nobody there from a path that cannot be") {
  std::string directory = "/tmp/gh.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/s";
  CHECK(local::Connection::open(path, 1s).error().code == base::ErrorCode::unavailable);
  CHECK(local::Connection::open(std::string(200, 'a'), 1s).error().code == base::ErrorCode::invalid_input);

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(local::Connection::open(path, 1s).error().code == base::ErrorCode::unavailable);  // nobody listens yet
  REQUIRE(::listen(listener, 1) == 0);
  {
    std::vector<local::Connection> kept;
    base::Result<local::Connection> last = local::Connection::open(path, 20ms);
    for (int i = 0; i < 16 && last; ++i) {
      kept.push_back(std::move(*last));
      last = local::Connection::open(path, 20ms);
    }
    REQUIRE_FALSE(last);  // the queue is full
    CHECK(last.error().code == base::ErrorCode::timeout);
    CHECK_FALSE(kept.empty());
  }
  ::close(listener);
  CHECK(local::Connection::open(path, 1s).error().code == base::ErrorCode::unavailable);
  std::filesystem::remove_all(directory);
}
