// An agent that answers every API request with what it was sent. How it behaves at its start is read from STATE/fake,
// and what it says of peers and its network from STATE/fake-peers and STATE/fake-network;
// what it found there it writes to STATE/starts, STATE/environment, STATE/descriptors and STATE/secrets.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "cli/settings/settings.hpp"
#include "core/base/version.hpp"
#include "core/http/message.hpp"
#include "net/local/agent_record.hpp"

namespace {

namespace fs = std::filesystem;
using namespace ghoard;
using nlohmann::json;

struct Fake {
  settings::Paths paths;
  settings::Settings settings;
  std::string mode;
  bool one_shot = false;
  bool exclusive = false;
  std::mutex mutex;
  std::map<std::string, std::string> kept_tokens;  // by the text after the wish
};

std::string slurp(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void append(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::app) << text;
}

struct Request {
  std::string method;
  std::string target;
  http::Headers headers;
  std::string body;
};

/// Reads one request as our own client writes it.
bool read_request(int descriptor, std::string& pending, Request& request) {
  const auto read_more = [&] {
    char buffer[65536];
    const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    pending.append(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
    return size > 0;
  };
  while (pending.find("\r\n\r\n") == std::string::npos) {
    if (!read_more()) {
      return false;
    }
  }
  const std::string head = pending.substr(0, pending.find("\r\n\r\n") + 2);
  pending.erase(0, head.size() + 2);
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  request = {head.substr(0, first), head.substr(first + 1, second - first - 1), {}, {}};
  for (std::size_t at = head.find("\r\n") + 2; at < head.size(); at = head.find("\r\n", at) + 2) {
    const std::string line = head.substr(at, head.find("\r\n", at) - at);
    request.headers.add(line.substr(0, line.find(':')), std::string(http::trim(line.substr(line.find(':') + 1))));
  }
  const bool chunked = request.headers.get("Transfer-Encoding") == "chunked";
  const std::size_t length =
      static_cast<std::size_t>(std::atol(std::string(request.headers.get("Content-Length")).c_str()));
  while (chunked ? pending.find("0\r\n\r\n") == std::string::npos : pending.size() < length) {
    if (!read_more()) {
      return false;
    }
  }
  const std::size_t size = chunked ? pending.find("0\r\n\r\n") + 5 : length;
  request.body = pending.substr(0, size);
  pending.erase(0, size);
  return true;
}

std::string answer(int status, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " Fake\r\nContent-Type: application/json\r\nGhoard-Agent: fake\r\n" +
         more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string control(Fake& fake, const Request& request) {
  if (request.method == "POST" && request.headers.get("Ghoard-Control") != "1") {
    return answer(403, json{{"message", "Ghoard-Control is missing"}}.dump());
  }
  if (request.target == "/v1/status") {
    return answer(200, json{{"pid", ::getpid()},
                            {"version", "fake"},
                            {"protocol", 1},
                            {"socket", fake.paths.socket().string()},
                            {"peer_id", ""},
                            {"listen", json::array()},
                            {"api_url", fake.settings.text("api_url")},
                            {"uptime_seconds", 5},
                            {"degraded", fake.mode == "degraded" ? "the disk is full" : ""},
                            {"connections", 1}}
                           .dump());
  }
  if (request.target == "/v1/stats") {
    return answer(200, json{{"since", 1}, {"requests", 7}, {"hits", 7}, {"api_calls_saved", 7}}.dump());
  }
  if (request.target == "/v1/rate") {
    return answer(200, json{{"rate", json::array({{{"host", "api.github.com"},
                                                   {"token", "abcdefgh"},
                                                   {"resource", "core"},
                                                   {"limit", 5000},
                                                   {"remaining", 4999},
                                                   {"used", 1},
                                                   {"reset", 1},
                                                   {"seen", 1}}})}}
                           .dump());
  }
  if (request.target == "/v1/peers" || request.target == "/v1/network") {
    return answer(200, slurp(fake.paths.state / ("fake-" + request.target.substr(4))));
  }
  if (request.target == "/v1/cache/remove" || request.target == "/v1/cache/clear") {
    append(fake.paths.state / "removed", request.target + " " + request.body + "\n");
    return answer(200, json{{"removed", 2}}.dump());
  }
  if (request.target.starts_with("/v1/cache")) {
    append(fake.paths.state / "listed", request.target + "\n");
    return answer(200, json{{"entries", json::array()}}.dump());
  }
  return answer(404, json{{"message", "no such control path"}}.dump());
}

std::string api(Fake& fake, const Request& request) {
  const std::string wish(request.headers.get("Ghoard-Token"));
  std::string authorization(request.headers.get("Authorization"));
  {
    const std::lock_guard<std::mutex> guard(fake.mutex);
    const std::string config = wish.substr(std::min<std::size_t>(wish.size(), 4));
    if (wish.starts_with("keep")) {
      fake.kept_tokens[config] = authorization;
    }
    if (wish.starts_with("kept") && fake.kept_tokens[config].empty()) {
      return answer(401, json{{"message", "no token is kept"}}.dump(), "Ghoard-Token: unknown\r\n");
    }
    authorization = wish.starts_with("kept") ? fake.kept_tokens[config] : authorization;
  }
  const json echo{{"method", request.method},
                  {"target", request.target},
                  {"host", request.headers.get("Host")},
                  {"authorization", authorization},
                  {"wish", wish},
                  {"body", request.body},
                  {"pid", ::getpid()},
                  {"one_shot", fake.one_shot},
                  {"exclusive", fake.exclusive}};
  return answer(200, request.method == "HEAD" ? "" : echo.dump());
}

void send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

void serve(Fake& fake, int descriptor) {
  std::string pending;
  for (Request request; read_request(descriptor, pending, request);) {
    if (request.headers.get("Host") == "ghoard") {
      if (request.target == "/v1/stop") {
        send_all(descriptor, answer(200, json{{"stopping", true}}.dump()));
        ::unlink(fake.paths.socket().c_str());
        ::_exit(0);
      }
      send_all(descriptor, control(fake, request));
      continue;
    }
    if (request.target == "/die" || (request.target == "/die-once" && !fs::exists(fake.paths.state / "died"))) {
      append(fake.paths.state / "died", "x");
      ::_exit(9);
    }
    if (request.target == "/half") {
      send_all(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      ::_exit(9);
    }
    send_all(descriptor, api(fake, request));
  }
  ::close(descriptor);
}

int give_up(int status_fd, const std::string& line) {
  const ssize_t ignored = ::write(status_fd, line.data(), line.size());
  return ignored < 0 ? 2 : 1;
}

void describe_start(const Fake& fake) {
  append(fake.paths.state / "starts",
         std::to_string(::getpid()) + (fake.exclusive ? " exclusive" : "") + (fake.one_shot ? " one-shot\n" : "\n"));
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    append(fake.paths.state / "environment", std::string(*entry) + "\n");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = fs::read_symlink(entry.path(), gone).string();
    append(fake.paths.state / "descriptors", entry.path().filename().string() + " " + target + "\n");
  }
  append(fake.paths.state / "where", fs::current_path().string() + "\n");
}

int listen_and_serve(Fake& fake, int status_fd) {
  fs::create_directories(fake.paths.cache);
  const int lock = ::open(fake.paths.agent_record().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return give_up(status_fd, "error another agent holds the lock\n");
  }
  const std::string socket = fake.paths.socket().string();
  fs::create_directories(fake.paths.run);
  ::unlink(socket.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 64) != 0) {
    return give_up(status_fd, "error cannot listen\n");
  }
  const int protocol =
      fake.mode == "newer" ? base::local_protocol + 1 : (fake.mode == "older" ? 0 : base::local_protocol);
  const std::string record =
      local::format_agent_record({::getpid(), "fake", protocol, socket, fake.settings.text("api_url"),
                                  fake.settings.fixed_hash(), slurp(fake.paths.state / "overlay") == "on"});
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, record.data(), record.size(), 0) < 0) {
    return give_up(status_fd, "error cannot write the record\n");
  }
  give_up(status_fd, "ready\n");
  ::close(status_fd);
  for (;;) {
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor >= 0) {
      std::thread([&fake, descriptor] { serve(fake, descriptor); }).detach();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  const settings::Environment environment = settings::process_environment();
  const auto paths = settings::find_paths(environment);
  // As the real one does: a network key that it is told counts as a flag.
  const bool is_told = argc == 6 && std::string(argv[4]) == "--secrets-fd";
  const std::string secrets = is_told ? slurp("/dev/fd/" + std::string(argv[5])) : std::string();
  std::map<std::string, std::string> flags;
  if (secrets.starts_with("network_key ")) {
    flags["network_key"] = secrets.substr(12, secrets.find('\n') - 12);
  }
  const auto loaded = paths ? settings::Settings::load(*paths, environment, flags) : tl::unexpected(paths.error());
  const bool exclusive = argc == 5 && std::string(argv[4]) == "--exclusive" && command == "--one-shot";
  if (argc != 4 && !exclusive && !is_told && !(argc == 2 && command == "run")) {
    return 2;
  }
  if (!loaded) {
    return give_up(3, "error " + loaded.error().message + "\n");
  }
  Fake fake;
  fake.paths = *paths;
  fake.settings = *loaded;
  fake.one_shot = command == "--one-shot";
  fake.exclusive = exclusive;
  fake.mode = slurp(fake.paths.state / "fake");
  describe_start(fake);
  append(fake.paths.state / "secrets", secrets);
  if (fake.one_shot) {
    serve(fake, 3);
    return 0;
  }
  if (fake.mode == "error") {
    return give_up(3, "error the fake was told to fail\n");
  }
  if (fake.mode == "mute") {
    return 3;
  }
  return listen_and_serve(fake, argc == 2 ? STDOUT_FILENO : 3);
}
