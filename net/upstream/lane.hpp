#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>
#include <memory>
#include <vector>

#include "core/base/result.hpp"
#include "net/upstream/curl_upstream.hpp"

namespace ghoard::upstream {

/// What a lane carries: one exchange with one easy handle, whose CURLOPT_PRIVATE points to it.
class Rider {
 public:
  virtual ~Rider() = default;
  /// libcurl is done with the handle. Called outside of libcurl.
  virtual void finished(CURLcode code) = 0;
  /// Hand on what libcurl's callbacks have left. Called outside of libcurl: any function of the lane may be used.
  virtual void deliver() = 0;
};

/// One libcurl multi handle with its connections, on the loop.
///
/// libcurl's sockets sit in an epoll set of the lane's own, and the loop watches that one descriptor. So no handler can
/// outlive a socket, and libcurl may close its sockets whenever it likes. Callbacks of libcurl never call anybody: they
/// note what came (`touch`), and the riders hand it on once libcurl has returned, for libcurl forbids most calls from
/// within its callbacks.
class Lane final : public std::enable_shared_from_this<Lane> {
 public:
  static base::Result<std::shared_ptr<Lane>> open(boost::asio::io_context& loop, const Options& options);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Starts `easy` and lets it run as far as it gets without waiting. False: libcurl refused it.
  [[nodiscard]] bool add(CURL* easy);
  void remove(CURL* easy);
  /// Sets which directions of `easy` are paused; CURLPAUSE_*.
  void pause(CURL* easy, int directions);
  /// `rider` has something to deliver.
  void touch(std::shared_ptr<Rider> rider);
  /// Closes every connection. No exchange may be left.
  void close();

  /// Within a callback of libcurl, where the lane's functions may not be called (but for `touch`).
  [[nodiscard]] bool in_curl() const { return m_in_curl; }

 private:
  explicit Lane(boost::asio::io_context& loop);
  base::Result<void> set_up(const Options& options);
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);

  void watch(int socket, int what);
  void set_timer(long timeout_ms);
  void kick();
  void wait();
  void dispatch();
  void act(curl_socket_t socket, int events);
  void settle();
  void tell_finished();

  boost::asio::io_context& m_loop;
  CURLM* m_multi = nullptr;
  boost::asio::posix::stream_descriptor m_epoll;
  boost::asio::steady_timer m_timer;
  std::vector<std::shared_ptr<Rider>> m_touched;
  int m_watched = 0;
  bool m_waiting = false;
  bool m_kicked = false;
  bool m_in_curl = false;
  bool m_settling = false;
};

}  // namespace ghoard::upstream
