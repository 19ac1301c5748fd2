#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <sys/epoll.h>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace ghoard::server {

/// A level-triggered epoll set of its own, watched by the Asio loop as one descriptor. Asio's per-operation bookkeeping
/// (a buffer bound to every pending read, a queued handler per step) costs more than a cached answer does; this way a
/// batch of ready connections is one step of the loop, an idle connection needs no buffer, and a hit is two system
/// calls. One thread.
class Poller {
 public:
  using EventCallback = std::function<void(std::uint64_t key, std::uint32_t events)>;

  static base::Result<std::shared_ptr<Poller>> open(boost::asio::io_context& loop, EventCallback on_event);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  virtual ~Poller() = default;

  /// `key` comes back with every event. False: the kernel refused (errno tells).
  virtual bool add(int descriptor, std::uint64_t key, std::uint32_t events) = 0;
  virtual void modify(int descriptor, std::uint64_t key, std::uint32_t events) = 0;
  virtual void remove(int descriptor) = 0;

  /// Runs `action` from the loop, not from within the caller; never after stop().
  virtual void post(std::function<void()> action) = 0;
  /// Calls `action` every `interval` until cancelled or stopped; replaces the previous one.
  virtual void every(base::Millis interval, std::function<void()> action) = 0;
  virtual void cancel_every() = 0;

  /// No callback runs after this.
  virtual void stop() = 0;

 protected:
  Poller() = default;
};

}  // namespace ghoard::server
