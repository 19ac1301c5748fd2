#include "tests/net/upstream/helpers.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/loopback.hpp"

namespace ghoard::upstream_test {

// ---- Peer and RawServer -------------------------------------------------------------------------

bool Peer::fill() {
  char bytes[16 * 1024];
  const ssize_t count = ::recv(m_fd, bytes, sizeof bytes, 0);
  if (count <= 0) {
    return false;
  }
  m_buffer.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string Peer::read_head() {
  std::size_t end = 0;
  while ((end = m_buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) {
      return {};
    }
  }
  std::string head = m_buffer.substr(0, end + 4);
  m_buffer.erase(0, end + 4);
  m_note(head);
  return head;
}

std::string Peer::read_bytes(std::size_t size) {
  while (m_buffer.size() < size && fill()) {
  }
  std::string bytes = m_buffer.substr(0, size);
  m_buffer.erase(0, bytes.size());
  return bytes;
}

std::optional<std::string> Peer::read_chunked() {
  std::string body;
  while (true) {
    std::size_t end = 0;
    while ((end = m_buffer.find("\r\n")) == std::string::npos) {
      if (!fill()) {
        return std::nullopt;
      }
    }
    const std::size_t size = std::stoul(m_buffer.substr(0, end), nullptr, 16);
    m_buffer.erase(0, end + 2);
    const std::string chunk = read_bytes(size + 2);
    if (chunk.size() != size + 2) {
      return std::nullopt;
    }
    if (size == 0) {
      return body;
    }
    body.append(chunk, 0, size);
  }
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Peer::reset() {
  const linger hard{1, 0};
  ::setsockopt(m_fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  m_reset = true;
}

bool Peer::wait_closed() {
  while (fill()) {
  }
  return true;
}

RawServer::RawServer(std::function<void(Peer&, int)> script) : m_script(std::move(script)) {
  m_listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = testing::loopback_address(0);
  REQUIRE(::bind(m_listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(m_listener, 128) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  m_port = ntohs(address.sin_port);
  m_acceptor = std::thread([this] { accept_loop(); });
}

RawServer::~RawServer() {
  m_stop = true;
  ::shutdown(m_listener, SHUT_RDWR);
  m_acceptor.join();
  {
    const std::lock_guard lock(m_mutex);
    for (const int fd : m_open) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  for (std::thread& thread : m_threads) {
    thread.join();
  }
  ::close(m_listener);
}

std::vector<std::string> RawServer::heads() const {
  const std::lock_guard lock(m_mutex);
  return m_heads;
}

void RawServer::accept_loop() {
  while (!m_stop) {
    const int fd = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    const int index = m_connections++;
    const std::lock_guard lock(m_mutex);
    m_open.push_back(fd);
    m_threads.emplace_back([this, fd, index] { serve(fd, index); });
  }
}

void RawServer::serve(int fd, int index) {
  Peer peer(fd, [this](std::string head) {
    const std::lock_guard lock(m_mutex);
    m_heads.push_back(std::move(head));
  });
  m_script(peer, index);
  const std::lock_guard lock(m_mutex);
  std::erase(m_open, fd);
  if (!peer.m_reset) {
    ::shutdown(fd, SHUT_WR);
  }
  ::close(fd);
  ++m_closed;
}

// ---- Probe, Client, ManualSource ----------------------------------------------------------------

void Probe::on_head(cache::ResponseHead received) {
  calls_after_end += ends > 0 ? 1 : 0;
  CHECK_FALSE(head);
  head = std::move(received);
  if (at_head) {
    at_head();
  }
}

bool Probe::on_data(std::string_view chunk) {
  calls_after_end += ends > 0 ? 1 : 0;
  CHECK(head);
  size += chunk.size();
  if (keep_body) {
    body.append(chunk);
  }
  return at_data ? at_data(chunk) : true;
}

void Probe::on_end(std::optional<base::Error> reason) {
  calls_after_end += ends > 0 ? 1 : 0;
  ++ends;
  failure = std::move(reason);
  if (at_end) {
    at_end();
  }
}

Client::Client(upstream::Options options) {
  auto created = upstream::CurlUpstream::create(loop, std::move(options));
  REQUIRE(created);
  upstream = std::move(*created);
}

Client::Call Client::start(cache::UpstreamRequest request) {
  Call call;
  start(call, std::move(request));
  return call;
}

void Client::start(Call& call, cache::UpstreamRequest request) {
  call.exchange = upstream->start(std::move(request), call.probe);
}

Client::Call Client::fetch(cache::UpstreamRequest request) {
  Call call = start(std::move(request));
  CHECK(run_until([&] { return call.probe->ends > 0; }));
  return call;
}

bool Client::run_until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) {
      return false;
    }
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(5));
  }
  return true;
}

void Client::settle(int turns) {
  for (int i = 0; i < turns; ++i) {
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(5));
  }
}

cache::BodySource::Read ManualSource::read(std::span<char> into) {
  if (!m_pending.empty()) {
    const std::size_t count = std::min(into.size(), m_pending.size());
    std::memcpy(into.data(), m_pending.data(), count);
    m_pending.erase(0, count);
    taken += count;
    return {State::data, count};
  }
  if (m_after == State::wait) {
    ++waits;
    m_wanted = true;
  }
  return {m_after, 0};
}

void ManualSource::push(std::string bytes) {
  m_pending += bytes;
  tell();
}

void ManualSource::finish() {
  m_after = State::end;
  tell();
}

void ManualSource::lose() {
  m_after = State::lost;
  tell();
}

void ManualSource::tell() {
  if (std::exchange(m_wanted, false) && m_callback) {
    m_callback();
  }
}

// ---- small things -------------------------------------------------------------------------------

cache::UpstreamRequest get(const http::Origin& origin, std::string target, http::Headers headers) {
  cache::UpstreamRequest made;
  made.method = "GET";
  made.origin = origin;
  made.target = std::move(target);
  made.headers = std::move(headers);
  return made;
}

cache::UpstreamRequest request(std::string method, const http::Origin& origin, std::string body,
                               http::Headers headers) {
  cache::UpstreamRequest made = get(origin, "/", std::move(headers));
  made.method = std::move(method);
  made.body = std::move(body);
  return made;
}

std::string answer(std::string_view body, std::string_view extra_fields) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(extra_fields) +
         "\r\n" + std::string(body);
}

std::optional<std::string> field(const std::string& head, std::string_view name) {
  const std::string lower = http::to_lower(head);
  const std::size_t at = lower.find("\r\n" + http::to_lower(name) + ":");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t from = at + 2 + name.size() + 1;
  return std::string(http::trim(std::string_view(head).substr(from, head.find("\r\n", from) - from)));
}

std::string gzip(std::string_view text) {
  // Stored blocks are enough here; the nginx tests bring real compression.
  std::string file("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  std::string_view rest = text;
  do {
    const std::string_view block = rest.substr(0, 65535);
    rest.remove_prefix(block.size());
    const auto size = static_cast<std::uint16_t>(block.size());
    file += static_cast<char>(rest.empty() ? 1 : 0);
    for (const std::uint16_t value : {size, static_cast<std::uint16_t>(~size)}) {
      file += static_cast<char>(value & 0xFF);
      file += static_cast<char>(value >> 8);
    }
    file += block;
  } while (!rest.empty());
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  for (const std::uint32_t value :
       {static_cast<std::uint32_t>(crc.checksum()), static_cast<std::uint32_t>(text.size())}) {
    for (int shift = 0; shift < 32; shift += 8) {
      file += static_cast<char>((value >> shift) & 0xFF);
    }
  }
  return file;
}

ScratchDir::ScratchDir() {
  char path[] = "/tmp/ghup.XXXXXX";
  REQUIRE(::mkdtemp(path) != nullptr);
  m_path = path;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(m_path, ignored);
}

void ScratchDir::write(const std::string& name, std::string_view text) const {
  std::ofstream(file(name), std::ios::binary) << text;
}

std::string ScratchDir::read(const std::string& name) const {
  std::ifstream stream(file(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Child::Child(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  REQUIRE(::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  m_pid = pid;
}

Child::~Child() {
  kill();
}

void Child::kill() {
  if (m_pid > 0) {
    ::kill(m_pid, SIGKILL);
    wait();
  }
}

int Child::wait() {
  int status = 0;
  if (m_pid <= 0 || ::waitpid(m_pid, &status, 0) != m_pid) {
    return -1;
  }
  m_pid = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace ghoard::upstream_test
