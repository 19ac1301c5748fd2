#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/cache/budgets.hpp"
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

  /// Asked to call the function once when the client may see what comes next: the head of a streamed answer, the end of
  /// any. May be at once; empty: always.
  using Gate = std::function<void(std::function<void()> open)>;

  /// `cache_status` goes out with the answer. `done` is called once, just before the client gets the end of its answer,
  /// so that what a write changed is marked before anybody can know that the write is through.
  Relay(std::shared_ptr<ReplySink> sink, Budgets& budgets, std::string cache_status, Done done,
        BeforeHead before_head = nullptr, Gate gate = nullptr);

  /// Charges a request body held for this exchange; room for it was seen before the request was accepted.
  void hold(std::uint64_t bytes) { static_cast<void>(m_held.grow(bytes)); }

  /// Takes the exchange's ownership; called right after Upstream::start.
  void own(std::unique_ptr<Exchange> exchange) { m_exchange = std::move(exchange); }
  /// Continues an exchange of which another observer has taken the head and the first bytes.
  void take_over(ResponseHead head, std::string gathered);
  /// Ends the relay without an answer: the agent is closing down.
  void abandon();
  /// About once a second: a gate that stays shut for more than two of these is opened.
  void tick();

  void on_head(ResponseHead head) override;
  bool on_data(std::string_view chunk) override;
  void on_end(std::optional<base::Error> failure) override;

 private:
  /// What waits for the gate.
  enum class Step { none, head, end };

  void begin_streaming();
  void show_head();
  void show_end();
  void pass_gate(Step step);
  void gate_opened(std::uint64_t wait);
  bool write(std::string_view bytes);
  void finish(std::optional<base::Error> failure);
  void send_gathered();

  std::shared_ptr<ReplySink> m_sink;
  base::BudgetShare m_slot;
  base::BudgetShare m_held;   // the request's body
  base::BudgetShare m_share;  // what is gathered, or lies with the sink
  std::string m_cache_status;
  Done m_done;
  BeforeHead m_before_head;
  Gate m_gate;
  Step m_waiting = Step::none;
  std::uint64_t m_wait = 0;       // number of the latest wait
  int m_ticks = 0;                // since it began
  std::shared_ptr<Relay> m_self;  // while waiting: its exchange may be over
  std::unique_ptr<Exchange> m_exchange;
  RelayResult m_result;
  std::string m_gathered;
  bool m_streaming = false;
  bool m_held_back = false;  // the exchange pauses until the gate lets the head pass
  bool m_flowing = true;     // the sink took the head and what came with it without asking to hold back
  bool m_finished = false;
};

}  // namespace ghoard::cache
