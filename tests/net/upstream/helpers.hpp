#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/cache/upstream.hpp"
#include "net/upstream/curl_upstream.hpp"
#include "tests/support/eventually.hpp"

namespace ghoard::upstream_test {

using testing::eventually;

/// One accepted connection of a RawServer, on its own thread, with blocking calls that end when the server does.
class Peer {
 public:
  Peer(int fd, std::function<void(std::string)> note) : m_fd(fd), m_note(std::move(note)) {}

  /// Head of the next request; empty when the client has closed.
  std::string read_head();
  /// Exactly `size` bytes after a head, or fewer when the client closes.
  std::string read_bytes(std::size_t size);
  /// A chunked body, with its framing taken off; nullopt when it breaks off.
  std::optional<std::string> read_chunked();
  bool send(std::string_view bytes);
  /// Ends with RST instead of FIN.
  void reset();
  /// True once the client has closed.
  bool wait_closed();

 private:
  bool fill();
  int m_fd;
  bool m_reset = false;
  std::string m_buffer;
  std::function<void(std::string)> m_note;
  friend class RawServer;
};

/// A TCP server on a free loopback port that says what a test tells it to.
class RawServer {
 public:
  /// `script` runs once per connection; `index` counts connections from 0.
  explicit RawServer(std::function<void(Peer& peer, int index)> script);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return m_port; }
  [[nodiscard]] http::Origin origin() const { return {"http", "127.0.0.1", m_port}; }
  [[nodiscard]] int connections() const { return m_connections; }
  /// Connections that this side has closed.
  [[nodiscard]] int closed() const { return m_closed; }
  /// Heads received so far, over all connections.
  [[nodiscard]] std::vector<std::string> heads() const;

 private:
  void accept_loop();
  void serve(int fd, int index);

  std::function<void(Peer&, int)> m_script;
  int m_listener = -1;
  std::uint16_t m_port = 0;
  std::atomic<int> m_connections = 0;
  std::atomic<int> m_closed = 0;
  std::atomic<bool> m_stop = false;
  mutable std::mutex m_mutex;
  std::vector<int> m_open;
  std::vector<std::string> m_heads;
  std::vector<std::thread> m_threads;
  std::thread m_acceptor;
};

/// Records an answer.
class Probe final : public cache::ResponseObserver {
 public:
  void on_head(cache::ResponseHead head) override;
  bool on_data(std::string_view chunk) override;
  void on_end(std::optional<base::Error> failure) override;

  [[nodiscard]] bool ok() const { return ends == 1 && !failure && head; }

  std::optional<cache::ResponseHead> head;
  std::string body;
  bool keep_body = true;
  std::size_t size = 0;
  int calls_after_end = 0;
  int ends = 0;
  std::optional<base::Error> failure;
  std::function<void()> at_head;
  std::function<bool(std::string_view)> at_data;  ///< its answer is on_data's
  std::function<void()> at_end;
};

/// A loop with an upstream on it.
class Client {
 public:
  explicit Client(upstream::Options options = {});

  struct Call {
    std::shared_ptr<Probe> probe = std::make_shared<Probe>();
    std::unique_ptr<cache::Exchange> exchange;
  };
  [[nodiscard]] Call start(cache::UpstreamRequest request);
  void start(Call& call, cache::UpstreamRequest request);
  /// Starts and runs until the end.
  [[nodiscard]] Call fetch(cache::UpstreamRequest request);
  /// Turns the loop until `done`; false after 20 s.
  bool run_until(const std::function<bool()>& done);
  /// Turns the loop `turns` times for whatever is ready.
  void settle(int turns = 20);

  boost::asio::io_context loop;
  std::unique_ptr<upstream::CurlUpstream> upstream;
};

/// A body source that a test fills.
class ManualSource final : public cache::BodySource {
 public:
  Read read(std::span<char> into) override;
  void on_readable(std::function<void()> callback) override { m_callback = std::move(callback); }
  void push(std::string bytes);
  void finish();
  void lose();
  int waits = 0;
  std::size_t taken = 0;

 private:
  void tell();
  std::string m_pending;
  State m_after = State::wait;
  bool m_wanted = false;
  std::function<void()> m_callback;
};

cache::UpstreamRequest get(const http::Origin& origin, std::string target = "/", http::Headers headers = {});
cache::UpstreamRequest request(std::string method, const http::Origin& origin, std::string body,
                               http::Headers headers = {});
/// "HTTP/1.1 200 OK" with this body and its length.
std::string answer(std::string_view body, std::string_view extra_fields = "");
/// The value of a field in a raw head, or nullopt.
std::optional<std::string> field(const std::string& head, std::string_view name);
/// `text` as a gzip file.
std::string gzip(std::string_view text);

/// A directory of its own below /tmp, removed at the end.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return m_path + "/" + name; }
  void write(const std::string& name, std::string_view text) const;
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] const std::string& path() const { return m_path; }

 private:
  std::string m_path;
};

/// A child process, killed and reaped at the end.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command, const std::string& log);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void kill();
  /// Waits for the end; the exit code, or -1.
  int wait();

 private:
  int m_pid = -1;
};

}  // namespace ghoard::upstream_test
