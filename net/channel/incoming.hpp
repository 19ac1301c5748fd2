#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/channel/body_budget.hpp"
#include "net/channel/frame.hpp"

namespace ghoard::channel {

/// The receiving half of a channel: the peer's streams, their windows and the bodies being gathered. Memory for a body
/// is charged and touched as its bytes come, never as announced. Nothing is on the heap while no stream is open. One
/// thread.
class Incoming {
 public:
  /// `first_stream`: of the peer's, 1 or 2. `budget` outlives it.
  Incoming(std::uint32_t first_stream, BodyBudget& budget) : m_next_stream(first_stream), m_budget(budget) {}

  /// A message that is whole now, its body included.
  struct Whole {
    std::uint32_t stream = 0;
    std::string payload;
    std::shared_ptr<const std::string> body;
  };
  enum class Verdict : std::uint8_t {
    fine,
    whole,      ///< a message is complete: `take_whole`
    no_room,    ///< the budget is spent and the stream given up: tell the peer
    violation,  ///< close the channel
  };

  /// A MESSAGE on a stream.
  [[nodiscard]] Verdict open(const Frame& frame);
  [[nodiscard]] Verdict data(const Frame& frame);
  /// The peer's CANCEL of a stream of its own: tells whether a body was being gathered that is lost now.
  [[nodiscard]] bool cancelled_by_peer(std::uint32_t stream);
  /// We give up on a stream: what was gathered goes, and what is still on its way is swallowed. False if it is not
  /// open, or was given up before.
  [[nodiscard]] bool cancel(std::uint32_t stream);
  [[nodiscard]] bool was_opened(std::uint32_t stream) const;
  /// After `whole`.
  [[nodiscard]] Whole take_whole() { return std::move(m_whole); }

  /// Credit to give the peer with WINDOW; 0 while it is not worth a frame. Reading it spends it. Stream 0 is the
  /// connection.
  [[nodiscard]] std::uint32_t take_credit(std::uint32_t stream);
  void clear();

 private:
  struct Stream {
    Stream(std::uint32_t announced, BodyBudget& budget)
        : size(announced), share(budget.gathered), ahead(budget.ahead) {}

    std::string payload;
    std::shared_ptr<std::string> body;  ///< null once we have given up on it
    std::uint32_t size;                 ///< announced
    std::uint32_t received = 0;
    std::size_t room = 0;  ///< charged for the body: never more than four times what has come, from 64 KiB on
    std::uint32_t window = stream_window;
    base::BudgetShare share;  ///< of the memory
    base::BudgetShare ahead;

    void give_up();
  };

  [[nodiscard]] static bool reserve(Stream& stream);

  std::map<std::uint32_t, Stream> m_streams;
  std::uint32_t m_next_stream;
  std::uint32_t m_window = connection_window;
  BodyBudget& m_budget;
  Whole m_whole;
};

}  // namespace ghoard::channel
