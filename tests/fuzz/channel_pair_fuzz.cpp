// Two channels joined by byte queues. Each byte of the input is an action: send, move some bytes, withdraw, cancel,
// close, or cut the stream. Whatever the order, nothing is a violation between the two, messages arrive as they were
// sent, and in the end everything has arrived that was not given up.
// links: ghoard_net_channel

#include <array>
#include <map>
#include <memory>
#include <string>

#include "net/channel/channel.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ghoard;
using namespace ghoard::channel;
using fuzz::require;

constexpr base::MonoTime now{std::chrono::hours(1)};
constexpr std::uint64_t budget_bytes = 2'000'000;

noise::CipherState cipher(std::uint8_t number) {
  noise::Secret key = noise::Secret::zeros();
  key.bytes()[0] = number;
  return noise::CipherState(std::move(key));
}

const std::string& source() {
  static const std::string bytes = [] {
    std::string made(1'000'000, '\0');
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = static_cast<char>(i * 7 >> 4);
    }
    return made;
  }();
  return bytes;
}

/// One side, and what the other still owes it.
struct Side final : ChannelEvents {
  Side(noise::Role role, std::uint8_t send, std::uint8_t receive, BodyBudget& budget)
      : channel(role, {cipher(send), cipher(receive)}, *this, budget) {}

  Channel channel;
  Side* peer = nullptr;
  std::string wire;                                               ///< bytes on their way to the peer
  std::map<std::string, std::pair<MessageId, std::size_t>> sent;  ///< by payload: not arrived or given up yet
  std::map<std::uint32_t, std::string> coming;                    ///< payloads of the bodies announced here
  bool lost_unseen = false;
  std::uint32_t last_stream = 0;
  int number = 0;
  int closed = 0;
  CloseReason reason = CloseReason::unspecified;

  void send(std::size_t body_bytes) {
    const std::string payload = std::to_string(++number) + std::string(body_bytes % 50, 'p');
    Message message{payload, nullptr};
    if (body_bytes > 0) {
      message.body = std::make_shared<const std::string>(source(), 0, body_bytes - 1);
    }
    if (const std::optional<MessageId> id = channel.send(std::move(message))) {
      sent[payload] = {*id, body_bytes};
    }
  }

  bool on_body(std::uint32_t stream, std::string_view payload, std::uint32_t) override {
    last_stream = stream;
    coming[stream] = payload;
    return true;
  }
  void on_body_lost(std::uint32_t stream, CancelReason) override {
    // Not announced if there was no room even for its payload: then only its sender could say which it was.
    lost_unseen = lost_unseen || !coming.contains(stream);
    give_up(stream);
  }
  /// What this side gave up does not count as owed, even if its end has left and nobody tells the sender.
  void give_up(std::uint32_t stream) { peer->sent.erase(coming[stream]); }
  void on_message(std::uint32_t, Message message) override {
    const auto found = peer->sent.find(message.payload);
    require(found != peer->sent.end(), "what arrives was sent, once, and not given up");
    const std::size_t size = found->second.second;
    require((message.body != nullptr) == (size > 0), "a body comes if one was sent");
    require(size == 0 || *message.body == source().substr(0, size - 1), "a body comes as it was");
    peer->sent.erase(found);
  }
  void on_cancelled(MessageId id, CancelReason) override { forget(id); }
  void on_closed(CloseReason why, bool) override {
    ++closed;
    reason = why;
    require(why != CloseReason::protocol && why != CloseReason::corrupted, "honest sides find no fault");
  }
  void forget(MessageId id) {
    std::erase_if(sent, [id](const auto& entry) { return entry.second.first == id; });
  }
  void withdraw() {
    if (!sent.empty() && channel.withdraw(sent.rbegin()->second.first)) {
      forget(sent.rbegin()->second.first);
    }
  }
  /// Hands `size` bytes to the peer.
  void move(std::size_t size) {
    if (wire.size() < size) {
      channel.next_output(wire, 0);
    }
    const std::string part = wire.substr(0, size);
    wire.erase(0, size);
    static_cast<void>(peer->channel.receive(part, now));
  }
};

void act(Side& side, std::uint8_t action) {
  const std::size_t amount = action >> 4;
  switch (action >> 1 & 7) {
    case 0: side.send(0); return;
    case 1: side.send(1 + amount * amount * 37); return;
    case 2: side.send(1 + amount * 60'000); return;
    case 3: side.move(1 + amount); return;
    case 4: side.move(amount * 5000); return;
    case 5: side.withdraw(); return;
    case 6:
      if (side.channel.cancel(side.last_stream)) {
        side.give_up(side.last_stream);
      }
      return;
    case 7:
      if (amount == 15) {
        side.channel.close(CloseReason::leaving);
      } else if (amount == 14) {
        side.channel.end_of_input();
      } else {
        side.move(40'000);
      }
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BodyBudget budget(budget_bytes);
  {
    Side left(noise::Role::initiator, 1, 2, budget);
    Side right(noise::Role::responder, 2, 1, budget);
    left.peer = &right;
    right.peer = &left;
    // So many that the whole stays quick.
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 200); ++i) {
      act(data[i] % 2 == 0 ? left : right, data[i]);
      require(budget.gathered.used() <= budget_bytes, "the budget is kept");
    }
    while (left.channel.pending() + right.channel.pending() + left.wire.size() + right.wire.size() > 0) {
      left.move(100'000);
      right.move(100'000);
    }
    require(left.closed <= 1 && right.closed <= 1, "the end is told once");
    if (!left.channel.is_closed() && !right.channel.is_closed()) {
      require((left.sent.empty() || right.lost_unseen) && (right.sent.empty() || left.lost_unseen),
              "everything has arrived or was given up");
      require(left.channel.outgoing_body_bytes() + right.channel.outgoing_body_bytes() == 0, "no body is held");
      require(budget.gathered.used() == 0, "no body is being gathered");
    }
  }
  require(budget.gathered.used() == 0, "everything is given back");
  return 0;
}
