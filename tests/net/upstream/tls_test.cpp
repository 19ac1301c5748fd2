// TLS and HTTP/2, against Debian's nginx with throwaway certificates.

#include <algorithm>
#include <doctest/doctest.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/upstream/helpers.hpp"
#include "tests/support/loopback.hpp"
#include "tests/support/tools.hpp"

namespace ghoard::upstream_test {

namespace {

bool have_nginx() {
  static const bool found = [] {
    for (const char* path : {"/usr/sbin/nginx", "/usr/bin/nginx"}) {
      if (::access(path, X_OK) == 0) {
        return true;
      }
    }
    return false;
  }();
  return found;
}

bool accepts(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = testing::loopback_address(port);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

/// One line of nginx's log: "HTTP/2.0 CONNECTION REQUESTS STATUS METHOD URI".
struct Logged {
  std::string protocol;
  std::string connection;
  int nth = 0;
  int status = 0;
  std::string method;
  std::string uri;
};

/// nginx with a certificate for "localhost" only, from an authority of its own; /proxy/ leads to `backend`.
class Nginx {
 public:
  explicit Nginx(std::uint16_t backend = 9) {
    make_certificates();
    m_dir.write("small", "small file");
    m_dir.write("big", big());
    m_dir.write("text", text());
    for (int attempt = 0; attempt < 5; ++attempt) {
      m_port = testing::unused_port();
      if (start(backend)) {
        break;
      }
    }
    REQUIRE(accepts(m_port));
  }

  [[nodiscard]] http::Origin origin() const { return {"https", "localhost", m_port}; }
  [[nodiscard]] std::string authority() const { return m_dir.file("ca.pem"); }
  [[nodiscard]] upstream::Options options() const {
    upstream::Options options;
    options.ca_file = authority();
    return options;
  }
  void kill() { m_child->kill(); }
  /// As after a crash: every connection is lost, and the same port answers again.
  void restart(std::uint16_t backend) {
    kill();
    REQUIRE(start(backend));
  }

  [[nodiscard]] std::vector<Logged> log() const {
    std::istringstream stream(m_dir.read("access.log"));
    std::vector<Logged> lines;
    Logged line;
    while (stream >> line.protocol >> line.connection >> line.nth >> line.status >> line.method >> line.uri) {
      lines.push_back(line);
    }
    return lines;
  }
  [[nodiscard]] std::vector<Logged> log(std::size_t lines) const {
    CHECK(eventually([&] { return log().size() >= lines; }));
    return log();
  }

  static const std::string& big() {
    static const std::string bytes = [] {
      std::string made(8 * 1024 * 1024, '\0');
      std::uint32_t state = 1;
      for (char& c : made) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24);
      }
      return made;
    }();
    return bytes;
  }
  static const std::string& text() {
    static const std::string words = [] {
      std::string made;
      for (int i = 0; i < 50'000; ++i) {
        made += "line " + std::to_string(i * 7919) + " of the text\n";
      }
      return made;
    }();
    return words;
  }

 private:
  void openssl(std::vector<std::string> arguments) {
    std::vector<std::string> command{
        "openssl", "req",   "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes",  "-days", "30"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Child child(command, m_dir.file("openssl.log"));
    const int code = child.wait();
    REQUIRE_MESSAGE(code == 0, m_dir.read("openssl.log"));
  }

  void make_certificates() {
    openssl({"-subj", "/CN=throwaway authority", "-keyout", m_dir.file("ca.key"), "-out", m_dir.file("ca.pem")});
    openssl({"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext",
             "basicConstraints=CA:FALSE", "-CA", m_dir.file("ca.pem"), "-CAkey", m_dir.file("ca.key"), "-keyout",
             m_dir.file("leaf.key"), "-out", m_dir.file("leaf.pem")});
  }

  bool start(std::uint16_t backend) {
    const std::string& dir = m_dir.path();
    m_dir.write("nginx.conf",
                "daemon off; master_process off; pid " + dir + "/nginx.pid; error_log " + dir +
                    "/error.log; events { worker_connections 512; }\n"
                    "http { log_format t '$server_protocol $connection $connection_requests $status $request_method "
                    "$request_uri'; access_log " +
                    dir +
                    "/access.log t;\n"
                    "client_body_temp_path " +
                    dir + "/t1; proxy_temp_path " + dir + "/t2; fastcgi_temp_path " + dir + "/t3; uwsgi_temp_path " +
                    dir + "/t4; scgi_temp_path " + dir +
                    "/t5;\n"
                    "client_max_body_size 0; http2_max_concurrent_streams 64; keepalive_requests 100000;\n"
                    "server { listen 127.0.0.1:" +
                    std::to_string(m_port) + " ssl http2; root " + dir + "; ssl_certificate " + dir +
                    "/leaf.pem; ssl_certificate_key " + dir +
                    "/leaf.key;\n"
                    "location /gz/ { alias " +
                    dir +
                    "/; gzip on; gzip_types *; gzip_min_length 1; }\n"
                    "location /slow/ { alias " +
                    dir +
                    "/; limit_rate 400k; }\n"
                    "location /said { return 200 'said'; }\n"
                    "location /proxy/ { proxy_pass http://127.0.0.1:" +
                    std::to_string(backend) +
                    "; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; } } }\n");
    m_child.reset();
    m_child = std::make_unique<Child>(
        std::vector<std::string>{::access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx", "-p", dir, "-e",
                                 dir + "/error.log", "-c", dir + "/nginx.conf"},
        dir + "/nginx.out");
    return eventually(
               [&] { return accepts(m_port) || m_dir.read("error.log").find("[emerg]") != std::string::npos; }) &&
           accepts(m_port);
  }

  ScratchDir m_dir;
  std::uint16_t m_port = 0;
  std::unique_ptr<Child> m_child;
};

bool skip() {
  return !testing::have_tool(have_nginx(), "nginx (nginx-light)");
}

}  // namespace

TEST_CASE("upstream: requests share one HTTP/2 connection, one after the other and all at once") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  for (int i = 0; i < 5; ++i) {
    const Client::Call call = client.fetch(get(nginx.origin(), "/small"));
    REQUIRE_MESSAGE(call.probe->ok(), (call.probe->failure ? call.probe->failure->message : ""));
    CHECK(call.probe->body == "small file");
  }
  std::vector<Client::Call> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(client.start(get(nginx.origin(), "/said?" + std::to_string(i))));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ends == 1; });
  }));
  for (const Client::Call& call : calls) {
    CHECK(call.probe->ok());
    CHECK(call.probe->body == "said");
  }
  const std::vector<Logged> log = nginx.log(45);
  REQUIRE(log.size() == 45);
  for (const Logged& line : log) {
    CHECK(line.protocol == "HTTP/2.0");
    CHECK(line.connection == log.front().connection);
    CHECK(line.status == 200);
  }
}

TEST_CASE("upstream: a cold burst waits for one handshake and then runs at the same time") {
  if (skip()) {
    return;
  }
  // The backend answers only when all of the burst have arrived.
  std::atomic<int> arrived = 0;
  constexpr int k_burst = 20;
  RawServer backend([&](Peer& peer, int) {
    peer.read_head();
    ++arrived;
    (void)eventually([&] { return arrived >= k_burst; });
    peer.send(answer("together"));
  });
  const Nginx nginx(backend.port());
  Client client(nginx.options());
  std::vector<Client::Call> calls;
  for (int i = 0; i < k_burst; ++i) {
    calls.push_back(client.start(get(nginx.origin(), "/proxy/" + std::to_string(i))));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ends == 1; });
  }));
  for (const Client::Call& call : calls) {
    CHECK(call.probe->body == "together");
  }
  const std::vector<Logged> log = nginx.log(k_burst);
  for (const Logged& line : log) {
    CHECK(line.connection == log.front().connection);
  }
}

TEST_CASE("upstream: gzip over HTTP/2 is decoded") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  const Client::Call call = client.fetch(get(nginx.origin(), "/gz/text"));
  REQUIRE(call.probe->ok());
  CHECK(call.probe->body == Nginx::text());
  CHECK_FALSE(call.probe->head->headers.contains("Content-Encoding"));
  CHECK_FALSE(call.probe->head->headers.contains("Content-Length"));
  CHECK(call.probe->head->headers.get("etag").starts_with("W/"));
  const Client::Call head = client.fetch(request("HEAD", nginx.origin(), ""));
  CHECK(head.probe->head.has_value());
  CHECK(head.probe->size == 0);
}

TEST_CASE("upstream: a certificate from an unknown authority is not trusted") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client;
  const Client::Call call = client.fetch(get(nginx.origin(), "/small", {{"Authorization", "token s3cret"}}));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->code == base::ErrorCode::unavailable);
  CHECK(call.probe->failure->message.starts_with("TLS certificate of " + nginx.origin().url() + " not trusted: "));
  CHECK(call.probe->failure->message.find("unable to get local issuer certificate") != std::string::npos);
  CHECK(nginx.log().empty());
}

TEST_CASE("upstream: a certificate for another host is not trusted") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  http::Origin other = nginx.origin();
  other.host = "127.0.0.1";
  const Client::Call call = client.fetch(get(other, "/small"));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->message.starts_with("TLS certificate of " + other.url() + " not trusted: "));
  CHECK(nginx.log().empty());
}

TEST_CASE("upstream: a missing file of authorities is named as the reason") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  upstream::Options options;
  options.ca_file = nginx.authority() + ".missing";
  Client client(options);
  const Client::Call call = client.fetch(get(nginx.origin(), "/small"));
  REQUIRE(call.probe->failure);
  CHECK(call.probe->failure->message ==
        "cannot connect to " + nginx.origin().url() + ": the file of trusted certificates cannot be read");
}

TEST_CASE("upstream: large bodies come whole over shared HTTP/2 connections") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  std::vector<Client::Call> calls;
  for (int i = 0; i < 6; ++i) {
    calls.push_back(client.start(get(nginx.origin(), i % 2 == 0 ? "/big" : "/gz/text")));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ends == 1; });
  }));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].probe->ok());
    CHECK((calls[i].probe->body == (i % 2 == 0 ? Nginx::big() : Nginx::text())));
  }
}

TEST_CASE("upstream: a paused HTTP/2 answer does not hold up others, and goes on where it stopped") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  Client::Call paused;
  bool pausing = true;
  paused.probe->at_data = [&](std::string_view) { return !pausing; };
  Client::Call early = client.start(get(nginx.origin(), "/slow/text"));
  client.start(paused, get(nginx.origin(), "/big"));
  REQUIRE(client.run_until([&] { return paused.probe->size > 0 && early.probe->size > 0; }));
  client.settle(50);
  const std::size_t held_at = paused.probe->size;
  for (int i = 0; i < 20; ++i) {
    const Client::Call call = client.fetch(get(nginx.origin(), "/gz/text"));
    REQUIRE(call.probe->ok());
    CHECK((call.probe->body == Nginx::text()));
  }
  // One that was under way at the same time goes on, too.
  REQUIRE(client.run_until([&] { return early.probe->ends == 1; }));
  CHECK(early.probe->ok());
  CHECK((early.probe->body == Nginx::text()));
  CHECK(paused.probe->size == held_at);
  pausing = false;
  paused.exchange->resume();
  REQUIRE(client.run_until([&] { return paused.probe->ends == 1; }));
  CHECK(paused.probe->ok());
  CHECK((paused.probe->body == Nginx::big()));
}

TEST_CASE("upstream: answers that pause at every piece come whole, side by side") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  std::vector<Client::Call> calls(4);
  for (Client::Call& call : calls) {
    call.probe->at_data = [&](std::string_view) {
      call.exchange->resume();
      return false;
    };
    client.start(call, get(nginx.origin(), "/big"));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ends == 1; });
  }));
  for (const Client::Call& call : calls) {
    CHECK(call.probe->ok());
    CHECK((call.probe->body == Nginx::big()));
  }
}

TEST_CASE("upstream: an exchange dropped on a shared connection leaves the others alone") {
  if (skip()) {
    return;
  }
  const Nginx nginx;
  Client client(nginx.options());
  std::vector<Client::Call> calls;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(client.start(get(nginx.origin(), "/big")));
  }
  for (std::size_t i = 0; i < calls.size(); i += 2) {
    REQUIRE(client.run_until([&] { return calls[i].probe->size > 0; }));
    calls[i].exchange.reset();
  }
  REQUIRE(client.run_until([&] {
    for (std::size_t i = 1; i < calls.size(); i += 2) {
      if (calls[i].probe->ends == 0) {
        return false;
      }
    }
    return true;
  }));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].probe->ends == static_cast<int>(i % 2));
    CHECK((i % 2 == 0 || calls[i].probe->body == Nginx::big()));
  }
}

TEST_CASE("upstream: an HTTP/2 connection that dies in the middle of a body is a failure") {
  if (skip()) {
    return;
  }
  Nginx nginx;
  Client client(nginx.options());
  std::vector<Client::Call> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(client.start(get(nginx.origin(), "/slow/big")));
  }
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->size > 0; });
  }));
  nginx.kill();
  REQUIRE(client.run_until([&] {
    return std::all_of(calls.begin(), calls.end(), [](const Client::Call& call) { return call.probe->ends == 1; });
  }));
  for (const Client::Call& call : calls) {
    REQUIRE(call.probe->failure);
    CHECK(call.probe->failure->code == base::ErrorCode::truncated);
  }
}

TEST_CASE("upstream: an HTTP/2 stream that is broken off is a failure, and the connection goes on") {
  if (skip()) {
    return;
  }
  RawServer backend([](Peer& peer, int index) {
    peer.read_head();
    peer.send(index % 2 == 0 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfive!\r\n"
                             : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!");
  });
  const Nginx nginx(backend.port());
  Client client(nginx.options());
  for (int i = 0; i < 4; ++i) {
    const Client::Call cut = client.fetch(get(nginx.origin(), "/proxy/"));
    REQUIRE(cut.probe->failure);
    CHECK(cut.probe->failure->code == base::ErrorCode::truncated);
    CHECK(cut.probe->body == "five!");
    CHECK(client.fetch(get(nginx.origin(), "/small")).probe->ok());
  }
}

TEST_CASE("upstream: uploads over HTTP/2 arrive whole, streamed and from memory") {
  if (skip()) {
    return;
  }
  std::mutex mutex;
  std::vector<std::string> received;
  RawServer backend([&](Peer& peer, int) {
    const std::string head = peer.read_head();
    const std::optional<std::string> length = field(head, "Content-Length");
    std::string body = length ? peer.read_bytes(std::stoul(*length)) : peer.read_chunked().value_or("broken");
    {
      const std::lock_guard lock(mutex);
      received.push_back(std::move(body));
    }
    peer.send(answer("ok", "Connection: close\r\n"));
  });
  const Nginx nginx(backend.port());
  Client client(nginx.options());
  cache::UpstreamRequest whole = request("POST", nginx.origin(), Nginx::text());
  whole.target = "/proxy/";
  CHECK(client.fetch(std::move(whole)).probe->ok());

  auto source = std::make_shared<ManualSource>();
  cache::UpstreamRequest streamed = request("POST", nginx.origin(), "");
  streamed.target = "/proxy/";
  streamed.stream = source;
  const Client::Call call = client.start(std::move(streamed));
  for (std::size_t at = 0; at < Nginx::text().size(); at += 300'000) {
    const int waits = source->waits;
    source->push(Nginx::text().substr(at, 300'000));
    REQUIRE(client.run_until([&] { return source->waits > waits; }));
    // Others pass meanwhile.
    CHECK(client.fetch(get(nginx.origin(), "/small")).probe->ok());
  }
  source->finish();
  REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
  CHECK(call.probe->ok());
  REQUIRE(received.size() == 2);
  CHECK((received[0] == Nginx::text()));
  CHECK((received[1] == Nginx::text()));
}

TEST_CASE("upstream: when a reused HTTP/2 connection is lost, a GET is repeated once and a write is not") {
  if (skip()) {
    return;
  }
  for (const char* method : {"GET", "HEAD", "POST", "DELETE", "PATCH"}) {
    CAPTURE(method);
    const bool read = std::string_view(method) == "GET" || std::string_view(method) == "HEAD";
    std::atomic<int> asked = 0;
    RawServer backend([&](Peer& peer, int) {
      peer.read_head();
      if (++asked == 1) {
        peer.wait_closed();
      } else {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }
    });
    Nginx nginx(backend.port());
    Client client(nginx.options());
    REQUIRE(client.fetch(get(nginx.origin(), "/small")).probe->ok());
    cache::UpstreamRequest asking = request(method, nginx.origin(), read ? "" : "body");
    asking.target = "/proxy/";
    const Client::Call call = client.start(std::move(asking));
    REQUIRE(client.run_until([&] { return asked == 1; }));
    nginx.restart(backend.port());
    REQUIRE(client.run_until([&] { return call.probe->ends == 1; }));
    CAPTURE((call.probe->failure ? call.probe->failure->message : ""));
    CHECK(call.probe->ok() == read);
    CHECK(asked == (read ? 2 : 1));
    if (!read) {
      REQUIRE(call.probe->failure);
      CHECK(call.probe->failure->code == base::ErrorCode::unavailable);
      CHECK(call.probe->failure->message.ends_with("the request may have been carried out"));
    }
    CHECK(client.fetch(get(nginx.origin(), "/small")).probe->ok());
  }
}

}  // namespace ghoard::upstream_test
