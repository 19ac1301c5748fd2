#include "net/upstream/lane.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <chrono>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ghoard::upstream {

namespace {

/// Idle connections kept, over all servers.
constexpr long k_total_connections = 64;  // over all hosts; further requests wait for one
constexpr long k_idle_connections = 32;

/// Marks the time in which libcurl runs.
class InCurl {
 public:
  explicit InCurl(bool& flag) : m_flag(flag), m_before(std::exchange(flag, true)) {}
  ~InCurl() { m_flag = m_before; }
  InCurl(const InCurl&) = delete;
  InCurl& operator=(const InCurl&) = delete;

 private:
  bool& m_flag;
  bool m_before;
};

}  // namespace

Lane::Lane(boost::asio::io_context& loop) : m_loop(loop), m_epoll(loop), m_timer(loop) {}

Lane::~Lane() {
  close();
}

base::Result<std::shared_ptr<Lane>> Lane::open(boost::asio::io_context& loop, const Options& options) {
  std::shared_ptr<Lane> lane(new Lane(loop));
  if (base::Result<void> ready = lane->set_up(options); !ready) {
    return tl::unexpected(ready.error());
  }
  return lane;
}

base::Result<void> Lane::set_up(const Options& options) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    return base::fail(base::ErrorCode::system, "cannot create an epoll set: " + std::generic_category().message(errno));
  }
  boost::system::error_code error;
  m_epoll.assign(epoll, error);
  if (error) {
    ::close(epoll);
    return base::fail(base::ErrorCode::system, "cannot watch an epoll set: " + error.message());
  }
  m_multi = curl_multi_init();
  if (m_multi == nullptr) {
    return base::fail(base::ErrorCode::system, "cannot start libcurl");
  }
  curl_multi_setopt(m_multi, CURLMOPT_SOCKETFUNCTION, &Lane::on_socket);
  curl_multi_setopt(m_multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(m_multi, CURLMOPT_TIMERFUNCTION, &Lane::on_timer);
  curl_multi_setopt(m_multi, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(m_multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(m_multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(options.max_connections_per_host));
  curl_multi_setopt(m_multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, k_total_connections);
  curl_multi_setopt(m_multi, CURLMOPT_MAXCONNECTS, k_idle_connections);
  return {};
}

void Lane::close() {
  if (m_multi == nullptr) {
    return;
  }
  CURLM* multi = std::exchange(m_multi, nullptr);
  {
    const InCurl in_curl(m_in_curl);
    curl_multi_cleanup(multi);
  }
  boost::system::error_code ignored;
  m_epoll.close(ignored);
  m_timer.cancel();
  m_touched.clear();
}

bool Lane::add(CURL* easy) {
  {
    const InCurl in_curl(m_in_curl);
    if (m_multi == nullptr || curl_multi_add_handle(m_multi, easy) != CURLM_OK) {
      return false;
    }
  }
  act(CURL_SOCKET_TIMEOUT, 0);
  return true;
}

void Lane::remove(CURL* easy) {
  if (m_multi == nullptr) {
    return;
  }
  const InCurl in_curl(m_in_curl);
  curl_multi_remove_handle(m_multi, easy);
}

void Lane::pause(CURL* easy, int directions) {
  const InCurl in_curl(m_in_curl);
  curl_easy_pause(easy, directions);
}

void Lane::touch(std::shared_ptr<Rider> rider) {
  m_touched.push_back(std::move(rider));
}

int Lane::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<Lane*>(self)->watch(socket, what);
  return 0;
}

int Lane::on_timer(CURLM*, long timeout_ms, void* self) {
  static_cast<Lane*>(self)->set_timer(timeout_ms);
  return 0;
}

void Lane::watch(int socket, int what) {
  const int epoll = m_epoll.native_handle();
  if (what == CURL_POLL_REMOVE) {
    // libcurl says so before it closes the socket; a closed one has left the set by itself.
    if (::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr) == 0 && --m_watched == 0 && m_waiting) {
      boost::system::error_code ignored;
      m_epoll.cancel(ignored);
    }
    return;
  }
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0 &&
      ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0) {
    ++m_watched;
  }
  wait();
}

void Lane::set_timer(long timeout_ms) {
  if (timeout_ms < 0) {
    m_timer.cancel();
  } else if (timeout_ms == 0) {
    kick();
  } else {
    m_timer.expires_after(std::chrono::milliseconds(timeout_ms));
    m_timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      if (const std::shared_ptr<Lane> self = weak.lock(); self && !error) {
        self->act(CURL_SOCKET_TIMEOUT, 0);
      }
    });
  }
}

/// Lets libcurl run its due timers from the loop, since it forbids that within its callbacks.
void Lane::kick() {
  if (std::exchange(m_kicked, true)) {
    return;
  }
  boost::asio::post(m_loop, [weak = weak_from_this()] {
    if (const std::shared_ptr<Lane> self = weak.lock()) {
      self->m_kicked = false;
      self->act(CURL_SOCKET_TIMEOUT, 0);
    }
  });
}

void Lane::wait() {
  if (m_waiting || m_watched == 0 || m_multi == nullptr) {
    return;
  }
  m_waiting = true;
  m_epoll.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](boost::system::error_code) {
                       if (const std::shared_ptr<Lane> self = weak.lock()) {
                         self->m_waiting = false;
                         self->dispatch();
                         self->wait();
                       }
                     });
}

void Lane::dispatch() {
  std::array<epoll_event, 64> events{};
  if (m_multi == nullptr || m_watched == 0) {
    return;
  }
  const int count = ::epoll_wait(m_epoll.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count && m_multi != nullptr; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int bits = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    // A socket closed by an earlier turn of this loop is unknown to libcurl, which ignores it.
    act(event.data.fd, bits);
  }
}

void Lane::act(curl_socket_t socket, int events) {
  if (m_multi == nullptr) {
    return;
  }
  const std::shared_ptr<Lane> self = shared_from_this();
  {
    const InCurl in_curl(m_in_curl);
    int running = 0;
    curl_multi_socket_action(m_multi, socket, events, &running);
  }
  settle();
}

/// Tells the riders what happened. They may start, cancel and resume others, or close the lane.
void Lane::settle() {
  if (std::exchange(m_settling, true)) {
    return;
  }
  do {
    tell_finished();
    const std::vector<std::shared_ptr<Rider>> riders = std::exchange(m_touched, {});
    for (const std::shared_ptr<Rider>& rider : riders) {
      rider->deliver();
    }
  } while (!m_touched.empty());
  m_settling = false;
}

void Lane::tell_finished() {
  int left = 0;
  while (CURLMsg* message = m_multi != nullptr ? curl_multi_info_read(m_multi, &left) : nullptr) {
    if (message->msg == CURLMSG_DONE) {
      const CURLcode code = message->data.result;
      Rider* rider = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &rider);
      rider->finished(code);
    }
  }
}

}  // namespace ghoard::upstream
