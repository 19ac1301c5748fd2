#include "net/channel/channel.hpp"

#include <doctest/doctest.h>

#include "tests/net/channel/rig.hpp"

using namespace ghoard::channel;
using namespace ghoard;
using namespace std::chrono_literals;

TEST_CASE("messages arrive whole and in order, in both directions") {
  Link link;
  CHECK(link.left.send({"one", nullptr}).has_value());
  CHECK(link.left.send({"", nullptr}).has_value());
  CHECK(link.left.send({std::string(max_message_bytes, 'x'), nullptr}).has_value());
  CHECK(link.right.send({"back", nullptr}).has_value());
  link.settle();
  REQUIRE(link.right_events.messages.size() == 3);
  CHECK(link.right_events.messages[0].message.payload == "one");
  CHECK(link.right_events.messages[1].message.payload.empty());
  CHECK(link.right_events.messages[2].message.payload.size() == max_message_bytes);
  CHECK(link.right_events.messages[0].message.body == nullptr);
  REQUIRE(link.left_events.messages.size() == 1);
  CHECK(link.left_events.messages[0].message.payload == "back");
}

TEST_CASE("what a handshake agreed upon carries a channel") {
  Pair pair;
  Joined joined = join(pair);
  BodyBudget budget(overlay_budget);
  Recorder left_events;
  Recorder right_events;
  Channel left(joined.initiator.role, std::move(joined.initiator.transport), left_events, budget);
  Channel right(joined.responder.role, std::move(joined.responder.transport), right_events, budget);
  left.send({"ping", body_of(1000)});
  right.send({"pong", body_of(2000)});
  Link::move(left, right);
  Link::move(right, left);
  REQUIRE(right_events.messages.size() == 1);
  CHECK(right_events.messages[0].stream == 1);
  CHECK(*right_events.messages[0].message.body == *body_of(1000));
  REQUIRE(left_events.messages.size() == 1);
  CHECK(left_events.messages[0].stream == 2);
}

TEST_CASE("bodies of every size around the limits arrive, and are held to the budget only while they are gathered") {
  Link link;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, max_record_plaintext - frame_head_bytes, max_record_plaintext,
        std::size_t{stream_window}, std::size_t{stream_window} + 1, std::size_t{connection_window} + 1}) {
    CAPTURE(size);
    link.right_events.messages.clear();
    REQUIRE(link.left.send({"body", body_of(size)}).has_value());
    link.settle();
    REQUIRE(link.right_events.messages.size() == 1);
    REQUIRE(link.right_events.messages[0].message.body != nullptr);
    CHECK(*link.right_events.messages[0].message.body == *body_of(size));
    CHECK(link.budget.gathered.used() == 0);
    CHECK(link.left.outgoing_body_bytes() == 0);
  }
  CHECK(link.left_events.closed.empty());
  CHECK(link.right_events.closed.empty());
}

TEST_CASE("16 MiB go both ways at once, in pieces of every size") {
  Link link;
  const auto body = body_of(max_body_bytes);
  link.left.send({"left", body});
  link.right.send({"right", body});
  std::uint32_t random = 12345;
  const auto move_in_pieces = [&](Channel& from, Channel& to) {
    std::string bytes;
    from.next_output(bytes, 128 * 1024);
    for (std::size_t at = 0; at < bytes.size();) {
      random = random * 1664525 + 1013904223;
      // Single bytes at first, then up to 4 KiB.
      const std::size_t size = at < 200 ? 1 : 1 + (random >> 20);
      static_cast<void>(to.receive(std::string_view(bytes).substr(at, size), mono_now));
      at += size;
    }
    return bytes.size();
  };
  while (move_in_pieces(link.left, link.right) + move_in_pieces(link.right, link.left) > 0) {
  }
  REQUIRE(link.right_events.messages.size() == 1);
  REQUIRE(link.left_events.messages.size() == 1);
  CHECK(*link.right_events.messages[0].message.body == *body);
  CHECK(*link.left_events.messages[0].message.body == *body);
}

TEST_CASE("what is too large is not taken") {
  Link link;
  CHECK_FALSE(link.left.send({std::string(max_message_bytes + 1, 'x'), nullptr}).has_value());
  CHECK_FALSE(
      link.left.send({"", std::make_shared<const std::string>(std::size_t{max_body_bytes} + 1, 'x')}).has_value());
  CHECK_FALSE(link.left.is_closed());
  CHECK(link.left.pending() == 0);
}

TEST_CASE("messages without a body overtake bodies at the next record") {
  Link link;
  link.left.send({"bulk", body_of(max_body_bytes)});
  Link::move(link.left, link.right, 3 * max_record_bytes);
  REQUIRE(link.right_events.messages.empty());
  link.left.send({"urgent", nullptr});
  Link::move(link.left, link.right, max_record_bytes);
  REQUIRE(link.right_events.messages.size() == 1);
  CHECK(link.right_events.messages[0].message.payload == "urgent");
}

TEST_CASE("several bodies share the link, a record each in turn") {
  Link link;
  for (int i = 0; i < 3; ++i) {
    link.left.send({std::to_string(i), body_of(100'000)});
  }
  // Each needs four records: one after the other would end the first with the fourth, by turns it ends with the tenth.
  for (int i = 0; i < 9; ++i) {
    Link::move(link.left, link.right, max_record_bytes);
  }
  CHECK(link.right_events.messages.empty());
  link.settle();
  CHECK(link.right_events.messages.size() == 3);
}

TEST_CASE("a body stops at its stream's window, all of them at the connection's, and WINDOW lets them go on") {
  Link link;
  for (int i = 0; i < 20; ++i) {
    link.left.send({"body", body_of(std::size_t{2} * stream_window)});
  }
  std::string sent;
  for (std::string part; link.left.next_output(part, 1 << 20), !part.empty(); part.clear()) {
    sent += part;
  }
  // 20 streams would allow 5 MiB; the connection allows 4.
  CHECK(sent.size() > connection_window);
  CHECK(sent.size() < connection_window + 100'000);
  CHECK(link.left.pending() == 0);
  static_cast<void>(link.right.receive(sent, mono_now));
  CHECK(link.right.pending() > 0);
  link.settle();
  CHECK(link.right_events.messages.size() == 20);

  Link one;
  one.left.send({"body", body_of(std::size_t{2} * stream_window)});
  std::string bytes;
  one.left.next_output(bytes, 1 << 20);
  CHECK(bytes.size() > stream_window);
  CHECK(bytes.size() < stream_window + 1000);
}

TEST_CASE("more than 64 bodies wait for a stream and all arrive") {
  Link link;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(link.left.send({std::to_string(i), body_of(5000)}).has_value());
  }
  CHECK(link.left.outgoing_body_bytes() == 300 * 5000);
  link.settle();
  REQUIRE(link.right_events.messages.size() == 300);
  for (std::size_t i = 0; i < 300; ++i) {
    CHECK(link.right_events.messages[i].stream == 2 * i + 1);
  }
}

TEST_CASE("a peer that does not read is left once a mebibyte of frames waits for it") {
  Link link;
  int sent = 0;
  while (link.left.send({std::string(1000, 'x'), nullptr})) {
    ++sent;
    REQUIRE(sent < 2000);
  }
  CHECK(sent == static_cast<int>(max_queued_bytes / (1000 + frame_head_bytes)));
  CHECK(link.left_events.closed_for(CloseReason::slow, false));
  link.settle();
  CHECK(link.right_events.messages.empty());
  CHECK(link.right_events.closed_for(CloseReason::slow, true));
}

TEST_CASE("a peer that takes no bodies is left once a thousand wait for it") {
  Link link;
  std::size_t sent = 0;
  while (link.left.send({"", body_of(1)})) {
    ++sent;
    REQUIRE(sent < 5000);
  }
  CHECK(sent == max_streams + max_waiting_messages);
  CHECK(link.left_events.closed_for(CloseReason::slow, false));
  CHECK(link.left.outgoing_body_bytes() == 0);
}

TEST_CASE("a receiver that does not want a body cancels it, and other bodies go on") {
  Link link;
  link.right_events.wants_bodies = false;
  const std::optional<MessageId> id = link.left.send({"unwanted", body_of(max_body_bytes)});
  link.settle();
  CHECK(link.right_events.messages.empty());
  REQUIRE(link.left_events.cancelled.size() == 1);
  CHECK(link.left_events.cancelled[0] == std::pair{*id, CancelReason::unwanted});
  CHECK(link.left.outgoing_body_bytes() == 0);
  link.right_events.wants_bodies = true;
  link.left.send({"wanted", body_of(max_body_bytes)});
  link.settle();
  REQUIRE(link.right_events.messages.size() == 1);
  CHECK_FALSE(link.left.is_closed());
  CHECK_FALSE(link.right.is_closed());
}

TEST_CASE("a body can be given up in the middle by either end, a hundred times over") {
  Link link;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::optional<MessageId> id = link.left.send({"body", body_of(max_body_bytes)});
    REQUIRE(id.has_value());
    Link::move(link.left, link.right, 2 * max_record_bytes);
    REQUIRE(link.budget.gathered.used() > 0);
    if (i % 2 == 0) {
      CHECK(link.left.withdraw(*id));
      CHECK_FALSE(link.left.withdraw(*id));
    } else {
      CHECK(link.right.cancel(2 * i + 1));
      CHECK_FALSE(link.right.cancel(2 * i + 1));
    }
    link.settle();
    CHECK(link.budget.gathered.used() == 0);
  }
  CHECK(link.right_events.messages.empty());
  CHECK(link.right_events.lost.size() == 50);
  CHECK(link.left_events.cancelled.size() == 50);
  CHECK_FALSE(link.left.is_closed());
  CHECK_FALSE(link.right.is_closed());
}

TEST_CASE("a cancellation that crosses the end of the body or the other side's harms nothing") {
  {
    Link link;
    link.left.send({"body", body_of(50'000)});
    Link::move(link.left, link.right, max_record_bytes);
    std::string rest;
    link.left.next_output(rest, 1 << 20);
    CHECK(link.right.cancel(1));
    static_cast<void>(link.right.receive(rest, mono_now));
    link.settle();
    CHECK(link.right_events.messages.empty());
    CHECK(link.left_events.cancelled.empty());
    CHECK_FALSE(link.left.is_closed());
    CHECK_FALSE(link.right.is_closed());
  }
  {
    Link link;
    const std::optional<MessageId> id = link.left.send({"body", body_of(max_body_bytes)});
    Link::move(link.left, link.right, max_record_bytes);
    CHECK(link.right.cancel(1));
    CHECK(link.left.withdraw(*id));
    link.settle();
    CHECK(link.right_events.lost.empty());
    CHECK(link.left_events.cancelled.empty());
    CHECK_FALSE(link.left.is_closed());
    CHECK_FALSE(link.right.is_closed());
  }
}

TEST_CASE("a message that waits for a stream can be withdrawn, one that has left cannot") {
  Link link;
  std::vector<MessageId> ids;
  for (std::size_t i = 0; i <= max_streams; ++i) {
    ids.push_back(*link.left.send({std::to_string(i), body_of(10)}));
  }
  CHECK(link.left.withdraw(ids.back()));
  const MessageId plain = *link.left.send({"plain", nullptr});
  CHECK_FALSE(link.left.withdraw(plain));
  link.settle();
  CHECK(link.right_events.messages.size() == max_streams + 1);
  CHECK_FALSE(link.left.withdraw(ids.front()));
}

TEST_CASE("bodies over the budget of all channels are cancelled, and the rest arrives") {
  BodyBudget budget(1'000'000);
  Recorder left_events;
  Recorder right_events;
  Channel left(noise::Role::initiator, Link::keys(1, 2), left_events, budget);
  Channel right(noise::Role::responder, Link::keys(2, 1), right_events, budget);
  REQUIRE(budget.gathered.take(200'000));
  left.send({"large", body_of(2'000'000)});
  left.send({"small", body_of(100'000)});
  while (Link::move(left, right) + Link::move(right, left) > 0) {
  }
  REQUIRE(right_events.messages.size() == 1);
  CHECK(right_events.messages[0].message.payload == "small");
  REQUIRE(right_events.lost.size() == 1);
  CHECK(right_events.lost[0].second == CancelReason::no_room);
  REQUIRE(left_events.cancelled.size() == 1);
  CHECK(left_events.cancelled[0].second == CancelReason::no_room);
  CHECK(budget.gathered.used() == 200'000);
  // The connection's window was not worn out by it.
  budget.gathered.give_back(200'000);
  for (int i = 0; i < 60; ++i) {
    left.send({"again", body_of(100'000)});
    while (Link::move(left, right) + Link::move(right, left) > 0) {
    }
  }
  CHECK(right_events.messages.size() == 61);
}

TEST_CASE("a spent budget refuses even the payload of a message with a body") {
  BodyBudget budget(100);
  Recorder left_events;
  Recorder right_events;
  Channel left(noise::Role::initiator, Link::keys(1, 2), left_events, budget);
  Channel right(noise::Role::responder, Link::keys(2, 1), right_events, budget);
  left.send({std::string(101, 'x'), body_of(10)});
  while (Link::move(left, right) + Link::move(right, left) > 0) {
  }
  CHECK(right_events.begun.size() == 1);  // so that whoever waits for it learns what is lost
  CHECK(right_events.lost.size() == 1);
  CHECK_FALSE(right.is_closed());
  CHECK(budget.gathered.used() == 0);
}

TEST_CASE("an announced body takes no memory before it comes") {
  Link link;
  link.left.send({"x", body_of(max_body_bytes)});
  std::string bytes;
  link.left.next_output(bytes, max_record_bytes);
  static_cast<void>(link.right.receive(bytes, mono_now));
  CHECK(link.budget.gathered.used() < 100'000);
}

TEST_CASE("closing sends what waits, then the reason; nothing is taken afterwards") {
  Link link;
  link.left.send({"last", nullptr});
  link.left.send({"never", body_of(max_body_bytes)});
  link.left.close(CloseReason::leaving);
  CHECK(link.left_events.closed_for(CloseReason::leaving, false));
  CHECK_FALSE(link.left.send({"late", nullptr}).has_value());
  link.right.send({"crossing", nullptr});
  link.settle();
  REQUIRE(link.right_events.messages.size() == 1);
  CHECK(link.right_events.closed_for(CloseReason::leaving, true));
  CHECK(link.left_events.messages.empty());
  link.left.end_of_input();
  CHECK(link.left_events.closed.size() == 1);
  CHECK(link.left.pending() == 0);
  CHECK(link.budget.gathered.used() == 0);
}

TEST_CASE("an end without CLOSE is a truncation") {
  Link link;
  link.left.send({"body", body_of(100'000)});
  Link::move(link.left, link.right, max_record_bytes);
  link.right.end_of_input();
  CHECK(link.right_events.closed_for(CloseReason::truncated, false));
  CHECK(link.right.pending() == 0);
  CHECK(link.budget.gathered.used() == 0);
}

TEST_CASE("a changed byte anywhere in a record closes the channel") {
  for (std::size_t i = 0; i < 40; ++i) {
    Link link;
    link.left.send({"some text here", nullptr});
    std::string bytes;
    link.left.next_output(bytes, 1 << 20);
    REQUIRE(bytes.size() == 2 + 9 + 14 + 16);
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    static_cast<void>(link.right.receive(bytes + std::string(300, '\0'), mono_now));
    CHECK(link.right.is_closed());
    CHECK(link.right_events.messages.empty());
  }
}

TEST_CASE("a record replayed or left out closes the channel") {
  for (const bool replay : {true, false}) {
    Link link;
    link.left.send({"one", nullptr});
    std::string one;
    link.left.next_output(one, 1 << 20);
    link.left.send({"two", nullptr});
    std::string two;
    link.left.next_output(two, 1 << 20);
    static_cast<void>(link.right.receive(replay ? one + one : two, mono_now));
    CHECK(link.right_events.closed_for(CloseReason::corrupted, false));
    CHECK(link.right.pending() == 0);
  }
}

TEST_CASE("impossible record lengths close the channel before anything is gathered") {
  for (const std::size_t length : {std::size_t{0}, std::size_t{16}, max_record_plaintext + 17, std::size_t{65535}}) {
    for (const bool split : {true, false}) {
      Link link;
      const std::string head{static_cast<char>(length >> 8), static_cast<char>(length & 0xff)};
      if (split) {
        static_cast<void>(link.right.receive(head.substr(0, 1), mono_now));
        CHECK_FALSE(link.right.is_closed());
        static_cast<void>(link.right.receive(head.substr(1), mono_now));
      } else {
        static_cast<void>(link.right.receive(head, mono_now));
      }
      CHECK(link.right_events.closed_for(CloseReason::protocol, false));
    }
  }
}

TEST_CASE("the nonces' end closes the sender's channel without a word") {
  noise::HandshakeState::Transport keys = Link::keys(1, 2);
  keys.send.set_nonce(noise::CipherState::reserved_nonce - 1);
  BodyBudget budget(0);
  Recorder events;
  Channel channel(noise::Role::initiator, std::move(keys), events, budget);
  std::string out;
  channel.send({"last", nullptr});
  channel.next_output(out, 1 << 20);
  CHECK_FALSE(out.empty());
  CHECK(events.closed.empty());
  out.clear();
  channel.send({"too late", nullptr});
  channel.next_output(out, 1 << 20);
  CHECK(out.empty());
  CHECK(events.closed_for(CloseReason::exhausted, false));
}

TEST_CASE("more than 2,000 messages a second make the reader pause, and none is lost") {
  Link link;
  const auto burst = [&](std::size_t count, base::MonoTime now) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) {
      link.left.send({"m", nullptr});
    }
    link.left.next_output(bytes, 1 << 20);
    return link.right.receive(bytes, now);
  };
  CHECK_FALSE(burst(2000, mono_now).has_value());
  CHECK(burst(1, mono_now) == mono_now + 1ms);
  CHECK_FALSE(burst(1, mono_now + 1ms).has_value());
  CHECK(burst(1000, mono_now + 1ms) == mono_now + 501ms);
  CHECK_FALSE(burst(1000, mono_now + 1001ms).has_value());
  // An idle hour is worth one second.
  CHECK(burst(2002, mono_now + 1h) == mono_now + 1h + 1ms);
  CHECK(link.right_events.messages.size() == 2000 + 1 + 1 + 1000 + 1000 + 2002);
  CHECK_FALSE(link.right.is_closed());
}

TEST_CASE("an event's handler may send, cancel and close") {
  struct Answering final : ChannelEvents {
    Channel* channel = nullptr;
    int closed = 0;
    bool on_body(std::uint32_t stream, std::string_view, std::uint32_t) override {
      channel->cancel(stream);
      return true;
    }
    void on_body_lost(std::uint32_t, CancelReason) override {}
    void on_message(std::uint32_t, Message message) override {
      channel->send({"re: " + message.payload, body_of(10)});
      if (message.payload == "end") {
        channel->close(CloseReason::leaving);
      }
    }
    void on_cancelled(MessageId, CancelReason) override {}
    void on_closed(CloseReason, bool) override {
      ++closed;
      channel->close(CloseReason::leaving);
    }
  };
  BodyBudget budget(overlay_budget);
  Recorder left_events;
  Answering right_events;
  Channel left(noise::Role::initiator, Link::keys(1, 2), left_events, budget);
  Channel right(noise::Role::responder, Link::keys(2, 1), right_events, budget);
  right_events.channel = &right;
  left.send({"hello", nullptr});
  left.send({"body", body_of(1000)});
  while (Link::move(left, right) + Link::move(right, left) > 0) {
  }
  REQUIRE(left_events.messages.size() == 1);
  CHECK(left_events.messages[0].message.payload == "re: hello");
  left.send({"end", nullptr});
  left.send({"unheard", nullptr});
  while (Link::move(left, right) + Link::move(right, left) > 0) {
  }
  CHECK(left_events.closed_for(CloseReason::leaving, true));
  CHECK(right_events.closed == 1);
}
