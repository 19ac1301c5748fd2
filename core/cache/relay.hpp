#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/cache/buffer_budget.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/upstream.hpp"

namespace ghoard::cache {

/// What happened to an exchange that was relayed, for counting and invalidation.
struct RelayResult {
  std::optional<ResponseHead> head;  ///< absent: no answer came
  std::string_view body;             ///< if it was gathered whole; valid during the call
  std::optional<base::Error> failure;
};

/// Passes one upstream answer to one client without keeping it. Small answers are gathered first so that a failure can
/// still be told cleanly; larger ones are streamed in constant memory, the client's pace holding upstream back.
class Relay final : public ResponseObserver, public std::enable_shared_from_this<Relay> {
 public:
  using Done = std::function<void(const RelayResult&)>;

  /// Called when the first part of a streamed answer is about to show, for writes; may be empty.
  using BeforeHead = std::function<void()>;

  /// `cache_status` goes out with the answer. `done` is called once, just before the client gets the end of its answer,
  /// so that what a write changed is marked before anybody can know that the write is through.
  Relay(std::shared_ptr<ReplySink> sink, Budgets& budgets, std::string cache_status, Done done,
        BeforeHead before_head = nullptr);

  /// Charges a request body held for this exchange; room for it was seen before the request was accepted.
  void hold(std::uint64_t bytes) { static_cast<void>(m_held.grow(bytes)); }

  /// Takes the exchange's ownership; called right after Upstream::start.
  void own(std::unique_ptr<Exchange> exchange) { m_exchange = std::move(exchange); }
  /// Continues an exchange of which another observer has taken the head and the first bytes.
  void take_over(ResponseHead head, std::string gathered);
  /// Ends the relay without an answer: the agent is closing down.
  void abandon();

  void on_head(ResponseHead head) override;
  bool on_data(std::string_view chunk) override;
  void on_end(std::optional<base::Error> failure) override;

 private:
  void begin_streaming();
  bool write(std::string_view bytes);
  void finish(std::optional<base::Error> failure);
  void send_gathered();

  std::shared_ptr<ReplySink> m_sink;
  BudgetShare m_slot;
  BudgetShare m_held;   // the request's body
  BudgetShare m_share;  // what is gathered, or lies with the sink
  std::string m_cache_status;
  Done m_done;
  BeforeHead m_before_head;
  std::unique_ptr<Exchange> m_exchange;
  RelayResult m_result;
  std::string m_gathered;
  bool m_streaming = false;
  bool m_finished = false;
};

}  // namespace ghoard::cache
