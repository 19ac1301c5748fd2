#include "net/server/poller.hpp"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ghoard::server {

namespace {

namespace asio = boost::asio;

constexpr std::size_t batch = 128;

class AsioPoller final : public Poller, public std::enable_shared_from_this<AsioPoller> {
 public:
  AsioPoller(asio::io_context& loop, EventCallback on_event)
      : m_loop(loop), m_set(loop), m_timer(loop), m_on_event(std::move(on_event)) {}

  /// Takes `set` over when it succeeds.
  bool adopt(int set) {
    boost::system::error_code failure;
    m_set.assign(set, failure);
    return !failure;
  }

  void watch() {
    m_set.async_wait(asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& failure) {
                       const std::shared_ptr<AsioPoller> self = weak.lock();
                       if (self && !failure && !self->m_stopped) {
                         self->dispatch();
                         self->watch();
                       }
                     });
  }

  bool add(int descriptor, std::uint64_t key, std::uint32_t events) override {
    return control(EPOLL_CTL_ADD, descriptor, key, events);
  }
  void modify(int descriptor, std::uint64_t key, std::uint32_t events) override {
    control(EPOLL_CTL_MOD, descriptor, key, events);
  }
  void remove(int descriptor) override { control(EPOLL_CTL_DEL, descriptor, 0, 0); }

  void post(std::function<void()> action) override {
    asio::post(m_loop, [weak = weak_from_this(), action = std::move(action)] {
      const std::shared_ptr<AsioPoller> self = weak.lock();
      if (self && !self->m_stopped) {
        action();
      }
    });
  }

  void every(base::Millis interval, std::function<void()> action) override {
    m_interval = interval;
    m_action = std::move(action);
    arm();
  }
  void cancel_every() override {
    m_action = nullptr;
    m_timer.cancel();
  }

  void stop() override {
    m_stopped = true;
    cancel_every();
    boost::system::error_code ignored;
    m_set.close(ignored);
  }

 private:
  void dispatch() {
    std::array<epoll_event, batch> events;
    const int count = ::epoll_wait(m_set.native_handle(), events.data(), static_cast<int>(batch), 0);
    for (int i = 0; i < count && !m_stopped; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      m_on_event(event.data.u64, event.events);
    }
  }

  bool control(int operation, int descriptor, std::uint64_t key, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    return ::epoll_ctl(m_set.native_handle(), operation, descriptor, &event) == 0;
  }

  void arm() {
    m_timer.expires_after(m_interval);
    m_timer.async_wait([weak = weak_from_this()](const boost::system::error_code& failure) {
      const std::shared_ptr<AsioPoller> self = weak.lock();
      if (!self || failure || self->m_stopped || !self->m_action) {
        return;
      }
      const std::function<void()> action = self->m_action;  // it may replace or cancel itself
      self->arm();
      action();
    });
  }

  asio::io_context& m_loop;
  asio::posix::stream_descriptor m_set;
  asio::steady_timer m_timer;
  EventCallback m_on_event;
  base::Millis m_interval{1000};
  std::function<void()> m_action;
  bool m_stopped = false;
};

}  // namespace

base::Result<std::shared_ptr<Poller>> Poller::open(asio::io_context& loop, EventCallback on_event) {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) {
    return base::fail(base::ErrorCode::system, std::string("cannot create an epoll set: ") + std::strerror(errno));
  }
  auto poller = std::make_shared<AsioPoller>(loop, std::move(on_event));
  if (!poller->adopt(set)) {
    ::close(set);
    return base::fail(base::ErrorCode::system, "cannot watch an epoll set");
  }
  poller->watch();
  return poller;
}

}  // namespace ghoard::server
