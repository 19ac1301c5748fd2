#include "net/server/server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "core/http/date.hpp"
#include "net/server/connection.hpp"
#include "net/server/peer.hpp"
#include "net/server/poller.hpp"

namespace ghoard::server {

namespace {

constexpr std::uint32_t listener_slot = 0xffffffff;
constexpr int accepts_per_event = 32;
constexpr base::Millis shortest_sweep{10};
constexpr base::Millis longest_sweep{1000};
constexpr base::Millis drain_sweep{20};

base::Millis sweep_interval(const Limits& limits) {
  const base::Millis shortest = std::min(
      {limits.header_deadline, limits.idle_deadline, limits.body_deadline, limits.total_deadline, base::Millis{4'000}});
  return std::clamp(shortest / 4, shortest_sweep, longest_sweep);
}

bool make_non_blocking(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
         ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

}  // namespace

class Server::Impl final : public ConnectionHost {
 public:
  Impl(boost::asio::io_context& loop, cache::RequestHandler& request_handler, Limits limits,
       const std::string& agent_header)
      : m_loop(loop),
        m_handler(request_handler),
        m_limits(limits),
        m_common("Ghoard-Agent: " + agent_header + "\r\n"),
        m_read_buffer(64 * 1024),
        m_last_activity(now()) {}

  base::Result<void> listen(int listening_descriptor);
  base::Result<void> serve(int connected_descriptor, std::function<void()> on_closed);
  void drain(base::Millis grace, std::function<void()> on_drained);
  void stop();
  [[nodiscard]] std::size_t connections() const { return m_count; }
  [[nodiscard]] base::MonoTime last_activity() const { return m_under_way > 0 ? now() : m_last_activity; }

  [[nodiscard]] const Limits& limits() const override { return m_limits; }
  cache::RequestHandler& handler() override { return m_handler; }
  [[nodiscard]] base::MonoTime now() const override {
    return std::chrono::time_point_cast<base::Millis>(std::chrono::steady_clock::now());
  }
  std::span<char> read_buffer() override { return m_read_buffer; }
  std::string& head_buffer() override { return m_head_buffer; }
  [[nodiscard]] std::string_view common_lines() const override { return m_common; }
  std::string_view date_line() override;
  [[nodiscard]] bool draining() const override { return m_draining; }
  void watch(const Connection& connection, std::uint32_t events) override {
    m_poller->modify(connection.descriptor(), connection.key(), events);
  }
  void resume_later(const Connection& connection) override;
  void request_began() override { ++m_under_way; }
  void request_ended() override {
    --m_under_way;
    m_last_activity = now();
    resume_accepting();  // its connection may be idle next, and make room
  }
  void closed(Connection& connection) override;

 private:
  struct Slot {
    std::shared_ptr<Connection> connection;
    std::uint32_t generation = 0;
    std::function<void()> on_closed;
  };

  base::Result<void> ensure_poller();
  void on_event(std::uint64_t key, std::uint32_t events);
  std::shared_ptr<Connection> find(std::uint64_t key) const;
  void accept_some();
  bool make_room();
  bool adopt(Descriptor socket, std::function<void()> on_closed);
  void pause_accepting();
  void resume_accepting();
  void schedule_sweeps();
  void sweep();
  void drained_if_empty();

  boost::asio::io_context& m_loop;
  cache::RequestHandler& m_handler;
  const Limits m_limits;
  const std::string m_common;
  std::shared_ptr<Poller> m_poller;
  Descriptor m_listener;
  bool m_accepting = false;
  std::vector<Slot> m_slots;
  std::vector<std::uint32_t> m_free;
  std::size_t m_count = 0;
  std::vector<char> m_read_buffer;
  std::string m_head_buffer;
  std::string m_date_line;
  std::time_t m_date_second = 0;
  std::size_t m_under_way = 0;
  base::MonoTime m_last_activity;
  base::Millis m_sweep_interval{0};
  bool m_draining = false;
  base::MonoTime m_drain_until{};
  std::function<void()> m_on_drained;
};

base::Result<void> Server::Impl::ensure_poller() {
  if (m_poller) {
    return {};
  }
  base::Result<std::shared_ptr<Poller>> poller =
      Poller::open(m_loop, [this](std::uint64_t key, std::uint32_t events) { on_event(key, events); });
  if (!poller) {
    return tl::unexpected(poller.error());
  }
  m_poller = *std::move(poller);
  return {};
}

base::Result<void> Server::Impl::listen(int listening_descriptor) {
  Descriptor listener(listening_descriptor);
  if (base::Result<void> ready = ensure_poller(); !ready) {
    return ready;
  }
  if (!make_non_blocking(listener.get()) || !m_poller->add(listener.get(), listener_slot, EPOLLIN)) {
    return base::fail(base::ErrorCode::system, std::string("cannot watch the socket: ") + std::strerror(errno));
  }
  m_listener = std::move(listener);
  m_accepting = true;
  return {};
}

base::Result<void> Server::Impl::serve(int connected_descriptor, std::function<void()> on_closed) {
  Descriptor socket(connected_descriptor);
  if (base::Result<void> ready = ensure_poller(); !ready) {
    return ready;
  }
  if (!make_non_blocking(socket.get()) || !adopt(std::move(socket), std::move(on_closed))) {
    return base::fail(base::ErrorCode::system, std::string("cannot watch the connection: ") + std::strerror(errno));
  }
  return {};
}

void Server::Impl::on_event(std::uint64_t key, std::uint32_t events) {
  if (key == listener_slot) {
    accept_some();
    return;
  }
  if (const std::shared_ptr<Connection> connection = find(key); connection) {
    connection->on_events(events);
  }
}

std::shared_ptr<Connection> Server::Impl::find(std::uint64_t key) const {
  const auto index = static_cast<std::uint32_t>(key);
  if (index >= m_slots.size() || m_slots[index].generation != key >> 32) {
    return nullptr;  // closed while its event was in the batch
  }
  return m_slots[index].connection;
}

void Server::Impl::accept_some() {
  for (int i = 0; i < accepts_per_event && m_accepting; ++i) {
    if (m_count >= m_limits.connections && !make_room()) {
      pause_accepting();
      return;
    }
    Descriptor socket(::accept4(m_listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.open()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        if (!make_room()) {
          pause_accepting();  // the next sweep, or the next close, tries again
        }
        return;
      }
      if (errno == EAGAIN) {
        return;
      }
      continue;  // that client has already left
    }
    if (peer_has_uid(socket.get(), ::geteuid())) {
      adopt(std::move(socket), nullptr);
    }
  }
}

/// Closes the connection that has been idle longest: kept-alive clients must not lock others out.
bool Server::Impl::make_room() {
  Connection* oldest = nullptr;
  for (const Slot& slot : m_slots) {
    if (slot.connection && slot.connection->idle() &&
        (oldest == nullptr || slot.connection->idle_since() < oldest->idle_since())) {
      oldest = slot.connection.get();
    }
  }
  if (oldest == nullptr) {
    return false;
  }
  oldest->close_if_idle();
  return m_count < m_limits.connections;
}

bool Server::Impl::adopt(Descriptor socket, std::function<void()> on_closed) {
  if (m_free.empty()) {
    m_free.push_back(static_cast<std::uint32_t>(m_slots.size()));
    m_slots.emplace_back();
  }
  const std::uint32_t index = m_free.back();
  Slot& slot = m_slots[index];
  const std::uint64_t key = static_cast<std::uint64_t>(slot.generation) << 32 | index;
  if (!m_poller->add(socket.get(), key, EPOLLIN)) {
    return false;
  }
  m_free.pop_back();
  slot.connection = std::make_shared<Connection>(*this, std::move(socket), key);
  slot.on_closed = std::move(on_closed);
  ++m_count;
  schedule_sweeps();
  return true;
}

void Server::Impl::closed(Connection& connection) {
  const auto index = static_cast<std::uint32_t>(connection.key());
  Slot& slot = m_slots[index];
  ++slot.generation;
  --m_count;
  // Destroyed, and told, from the loop: the connection is in the middle of a call.
  m_poller->post(
      [this, gone = std::exchange(slot.connection, nullptr), on_closed = std::exchange(slot.on_closed, nullptr)] {
        if (on_closed) {
          on_closed();
        }
        drained_if_empty();
      });
  m_free.push_back(index);
  resume_accepting();
}

void Server::Impl::resume_later(const Connection& connection) {
  m_poller->post([this, key = connection.key()] {
    if (const std::shared_ptr<Connection> found = find(key); found) {
      found->resume();
    }
  });
}

void Server::Impl::pause_accepting() {
  if (std::exchange(m_accepting, false)) {
    m_poller->modify(m_listener.get(), listener_slot, 0);
    schedule_sweeps();
  }
}

void Server::Impl::resume_accepting() {
  if (!m_accepting && m_listener.open()) {
    m_accepting = true;
    m_poller->modify(m_listener.get(), listener_slot, EPOLLIN);
  }
}

std::string_view Server::Impl::date_line() {
  const std::time_t second = std::time(nullptr);
  if (second != m_date_second) {
    m_date_second = second;
    m_date_line = "Date: " + http::format_http_date(base::WallTime(std::chrono::seconds(second))) + "\r\n";
  }
  return m_date_line;
}

/// One timer for all deadlines; none while there is nothing to watch.
void Server::Impl::schedule_sweeps() {
  const base::Millis wanted = m_draining ? drain_sweep : sweep_interval(m_limits);
  if (wanted != m_sweep_interval) {
    m_sweep_interval = wanted;
    m_poller->every(wanted, [this] { sweep(); });
  }
}

void Server::Impl::sweep() {
  const base::MonoTime time = now();
  const bool too_late = m_draining && time >= m_drain_until;
  for (std::size_t i = 0; i < m_slots.size(); ++i) {
    if (const std::shared_ptr<Connection> connection = m_slots[i].connection; connection) {
      too_late ? connection->close() : connection->sweep(time);
    }
  }
  resume_accepting();
  if (m_count == 0 && !m_draining) {
    m_sweep_interval = base::Millis{0};
    m_poller->cancel_every();
  }
}

void Server::Impl::drain(base::Millis grace, std::function<void()> on_drained) {
  if (!m_poller) {
    on_drained();
    return;
  }
  m_on_drained = std::move(on_drained);
  m_draining = true;
  m_drain_until = now() + grace;
  m_accepting = false;
  m_listener.reset();
  schedule_sweeps();
  for (std::size_t i = 0; i < m_slots.size(); ++i) {
    if (const std::shared_ptr<Connection> connection = m_slots[i].connection; connection) {
      connection->close_if_idle();
    }
  }
  m_poller->post([this] { drained_if_empty(); });
}

void Server::Impl::drained_if_empty() {
  if (m_draining && m_count == 0 && m_on_drained) {
    m_poller->cancel_every();
    std::exchange(m_on_drained, nullptr)();
  }
}

void Server::Impl::stop() {
  if (!m_poller) {
    return;
  }
  m_poller->stop();
  m_listener.reset();
  for (Slot& slot : m_slots) {
    if (slot.connection) {
      slot.connection->abandon();
      slot.connection.reset();
    }
  }
}

Server::Server(boost::asio::io_context& loop, cache::RequestHandler& handler, Limits limits, std::string agent_header)
    : m_impl(std::make_shared<Impl>(loop, handler, limits, agent_header)) {}

Server::~Server() {
  m_impl->stop();
}

base::Result<void> Server::listen(int listening_descriptor) {
  return m_impl->listen(listening_descriptor);
}

base::Result<void> Server::serve(int connected_descriptor, std::function<void()> on_closed) {
  return m_impl->serve(connected_descriptor, std::move(on_closed));
}

void Server::drain(base::Millis grace, std::function<void()> on_drained) {
  m_impl->drain(grace, std::move(on_drained));
}

std::size_t Server::connections() const {
  return m_impl->connections();
}

base::MonoTime Server::last_activity() const {
  return m_impl->last_activity();
}

}  // namespace ghoard::server
