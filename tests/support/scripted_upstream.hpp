#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cache/upstream.hpp"

namespace ghoard::testing {

/// An upstream that records requests and answers only when, and as, the test says. Nothing is delivered from within
/// start() or resume(); what an observer has refused (on_data answered false) waits for resume() and pump().
/// Requests are numbered from 0 in the order of start(). One thread.
class FakeUpstream final : public cache::Upstream {
 public:
  std::unique_ptr<cache::Exchange> start(cache::UpstreamRequest request,
                                         std::shared_ptr<cache::ResponseObserver> observer) override;

  [[nodiscard]] std::size_t count() const { return m_slots.size(); }
  [[nodiscard]] const cache::UpstreamRequest& request(std::size_t n) const { return m_slots.at(n)->request; }
  /// Its Exchange was destroyed before on_end.
  [[nodiscard]] bool cancelled(std::size_t n) const { return m_slots.at(n)->cancelled; }
  /// on_end was called.
  [[nodiscard]] bool ended(std::size_t n) const { return m_slots.at(n)->ended; }
  [[nodiscard]] bool paused(std::size_t n) const { return m_slots.at(n)->paused; }
  /// Requests neither ended nor cancelled.
  [[nodiscard]] std::size_t in_flight() const;

  /// Head, body and end at one go.
  void respond(std::size_t n, int status, http::Headers headers = {}, std::string body = {});
  void send_head(std::size_t n, int status, http::Headers headers = {});
  void send_data(std::size_t n, std::string chunk);
  void finish(std::size_t n);
  /// on_end with a failure: before send_head no answer came, after it the body is incomplete.
  void fail(std::size_t n, base::Error error);
  /// Delivers what waited for resume().
  void pump();

  struct BodyRead {
    std::string bytes;
    cache::BodySource::State state = cache::BodySource::State::end;
  };
  /// Reads what the request's body stream has to offer now; of a request without a stream, its body.
  [[nodiscard]] BodyRead read_body(std::size_t n, std::size_t at_most = 1U << 20U) const;

 private:
  struct Slot {
    cache::UpstreamRequest request;
    std::shared_ptr<cache::ResponseObserver> observer;
    std::deque<std::function<void(Slot&)>> steps;
    bool paused = false;
    bool cancelled = false;
    bool ended = false;
    bool delivering = false;
  };
  class Handle;
  void add_step(std::size_t n, std::function<void(Slot&)> step);
  static void deliver(const std::shared_ptr<Slot>& slot);

  std::vector<std::shared_ptr<Slot>> m_slots;
};

}  // namespace ghoard::testing
