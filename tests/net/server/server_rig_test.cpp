// The rig itself; named *_test.cpp because the test target is made of those.

#include "tests/net/server/server_rig.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace ghoard::testing {

void ScriptedHandler::handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) {
  requests.push_back(request);
  if (script) {
    script(request, sink);
  } else {
    sink->send(text_reply(200, "ok"));
  }
}

cache::Reply text_reply(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain"}}, std::make_shared<const std::string>(std::move(text))};
}

RawClient::RawClient(server::Descriptor socket) : m_socket(std::move(socket)) {
  ::fcntl(m_socket.get(), F_SETFL, O_NONBLOCK);
}

std::size_t RawClient::send(std::string_view bytes) {
  const ssize_t sent = ::send(m_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void RawClient::finish_sending() {
  ::shutdown(m_socket.get(), SHUT_WR);
}

void RawClient::receive(std::size_t most) {
  std::string buffer(std::min<std::size_t>(most, 256 * 1024), '\0');
  while (most > 0 && !m_ended) {
    const ssize_t size = ::recv(m_socket.get(), buffer.data(), std::min(most, buffer.size()), 0);
    if (size > 0) {
      m_received.append(buffer.data(), static_cast<std::size_t>(size));
      most -= static_cast<std::size_t>(size);
    } else if (size == 0 || errno != EAGAIN) {
      m_ended = true;
    } else {
      return;
    }
  }
}

ServerRig::ServerRig(server::Limits limits)
    : server(std::make_unique<server::Server>(loop, handler, limits, "9.9.9; protocol=7")) {}

ServerRig::~ServerRig() {
  server.reset();
  if (!socket.empty()) {
    std::filesystem::remove_all(socket.parent_path());
  }
}

std::unique_ptr<RawClient> ServerRig::connect() {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  auto client = std::make_unique<RawClient>(server::Descriptor(ends[0]));
  REQUIRE(server->serve(ends[1], [this] { ++closed; }));
  return client;
}

void ServerRig::listen() {
  std::string directory = "/tmp/ghoard-srv-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  socket = std::filesystem::path(directory) / "s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 64) == 0);
  REQUIRE(server->listen(listener));
}

std::unique_ptr<RawClient> ServerRig::dial() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  server::Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return std::make_unique<RawClient>(std::move(descriptor));
}

void ServerRig::turn() {
  loop.restart();
  loop.run_for(std::chrono::milliseconds(1));
}

bool ServerRig::until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    turn();
  }
  return true;
}

bool ServerRig::until_received(RawClient& client, std::string_view end) {
  return until([&] {
    client.receive();
    return end.empty() ? client.ended() : client.received().ends_with(end);
  });
}

std::string ServerRig::exchange(RawClient& client, std::string_view request, std::string_view end) {
  const std::size_t before = client.received().size();
  REQUIRE(client.send(request) == request.size());
  const bool came = until([&] {
    client.receive();
    return end.empty() ? client.ended() : client.received().size() > before && client.received().ends_with(end);
  });
  CHECK_MESSAGE(came, "received only: ", client.received());
  return client.received().substr(before);
}

std::string body_of(std::string_view answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(answer.substr(end + 4));
}

bool has_line(std::string_view answer, std::string_view line) {
  const std::string_view head = answer.substr(0, answer.find("\r\n\r\n") + 2);
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string_view::npos;
}

}  // namespace ghoard::testing
