// Plain text of records into the frame parser and the stream machine of a responder that also sends: any bytes, cut
// into records by their own first two bytes each. Memory stays within its bounds, and what comes out is well formed.
// links: ghoard_net_channel

#include <memory>
#include <string>

#include "net/channel/record.hpp"
#include "net/channel/streams.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ghoard;
using namespace ghoard::channel;
using fuzz::require;

constexpr std::uint64_t small_budget = 100'000;

struct Checking final : ChannelEvents {
  std::uint32_t last_body = 0;
  int closed = 0;

  bool on_body(std::uint32_t stream, std::string_view payload, std::uint32_t size) override {
    alive();
    require(stream > last_body && stream % 2 == 1, "streams are odd and grow");
    require(payload.size() <= max_message_bytes && size <= max_body_bytes && size > 0, "sizes are within limits");
    last_body = stream;
    return stream % 8 != 7;
  }
  void on_body_lost(std::uint32_t stream, CancelReason) override {
    alive();
    require(stream % 2 == 1, "a lost body was the peer's");
  }
  void on_message(std::uint32_t stream, Message message) override {
    alive();
    require((stream == 0) == (message.body == nullptr), "a body has a stream");
    require(message.payload.size() <= max_message_bytes, "sizes are within limits");
  }
  void on_cancelled(MessageId id, CancelReason) override {
    alive();
    require(id > 0, "a message that was sent has an id");
  }
  void on_closed(CloseReason, bool) override {
    alive();
    ++closed;
  }
  void alive() const { require(closed == 0, "nothing is told after the end"); }
};

/// Takes what is pending and reads it as the peer would.
void drain(Streams& streams) {
  for (std::string out; streams.fill(out, max_record_plaintext) > 0; out.clear()) {
    require(out.size() <= max_record_plaintext, "a record has its limit");
    for (std::string_view rest = out; !rest.empty();) {
      require(take_frame(rest).has_value(), "frames that leave are well formed");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto body = std::make_shared<const std::string>(400'000, 'b');
  BodyBudget budget(small_budget);
  {
    Checking events;
    Streams streams(noise::Role::responder, events, budget);
    streams.send({"mine", body});
    streams.send({"mine, too", body});
    std::string_view rest = fuzz::text_of(data, size);
    while (rest.size() >= 2 && !streams.is_closed()) {
      const std::size_t length =
          static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0]) << 8 | static_cast<std::uint8_t>(rest[1]));
      rest.remove_prefix(2);
      const std::string_view record = rest.substr(0, std::min(length, max_record_plaintext));
      rest.remove_prefix(record.size());
      const std::size_t messages = streams.receive(record);
      require(messages <= record.size() / frame_head_bytes, "no more messages than fit");
      require(budget.gathered.used() <= small_budget, "the budget is kept");
      if (length % 2 == 0) {
        drain(streams);
      }
    }
    drain(streams);
    require(!streams.is_closed() || streams.pending() == 0, "after the end everything leaves");
    require((events.closed == 1) == streams.is_closed(), "the end is told once");
  }
  require(budget.gathered.used() == 0, "everything is given back");
  return 0;
}
