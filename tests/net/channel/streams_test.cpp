// The rules of frames and streams, each broken once.

#include "net/channel/streams.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "tests/net/channel/rig.hpp"

using namespace ghoard::channel;
using namespace ghoard;

namespace {

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  std::string out;
  append_frame_head(out, static_cast<FrameType>(type), flags, stream, payload.size());
  return out + payload;
}

std::string u32(std::uint32_t value) {
  std::string out;
  append_u32(out, value);
  return out;
}

std::string opening(std::uint32_t stream, std::uint32_t size, const std::string& payload = "m") {
  return frame(1, 0, stream, u32(size) + payload);
}
std::string data(std::uint32_t stream, std::size_t size, bool is_end = false) {
  return frame(2, is_end ? 1 : 0, stream, std::string(size, 'd'));
}
std::string window(std::uint32_t stream, std::uint32_t increment) {
  return frame(3, 0, stream, u32(increment));
}
std::string cancel(std::uint32_t stream) {
  return frame(4, 0, stream, std::string(1, '\1'));
}

/// A responder: the peer's streams are odd, its own even.
struct Rig {
  BodyBudget budget{overlay_budget};
  Recorder events;
  Streams streams{noise::Role::responder, events, budget};

  std::string output() {
    std::string out;
    while (streams.fill(out, max_record_plaintext) > 0) {
    }
    return out;
  }
};

/// Feeds the records and says whether the last one, and none before, was a violation.
bool is_violation(const std::vector<std::string>& records, bool sends_first = false) {
  Rig rig;
  if (sends_first) {
    rig.streams.send({"mine", body_of(1'000'000)});
    rig.output();
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    REQUIRE_FALSE(rig.streams.is_closed());
    rig.streams.receive(records[i]);
  }
  if (!rig.streams.is_closed()) {
    return false;
  }
  CHECK(rig.events.closed_for(CloseReason::protocol, false));
  CHECK(rig.output() == frame(5, 0, 0, std::string(1, static_cast<char>(CloseReason::protocol))));
  CHECK(rig.budget.gathered.used() == 0);
  return true;
}

}  // namespace

TEST_CASE("malformed frames are violations") {
  CHECK(is_violation({""}));
  CHECK(is_violation({std::string(8, '\1')}));
  CHECK(is_violation({frame(1, 0, 0, "text").substr(0, 12)}));
  CHECK(is_violation({frame(1, 0, 0, "text") + "x"}));
  CHECK_FALSE(is_violation({frame(1, 0, 0, "text") + frame(1, 0, 0, "")}));
  for (const int type : {0, 6, 7, 255}) {
    CHECK(is_violation({frame(static_cast<std::uint8_t>(type), 0, 0, "x")}));
  }
}

TEST_CASE("unknown flags are violations") {
  CHECK(is_violation({frame(1, 1, 0, "text")}));
  CHECK(is_violation({frame(3, 1, 0, u32(1))}));
  CHECK(is_violation({opening(1, 10), frame(4, 1, 1, "x")}));
  CHECK(is_violation({frame(5, 1, 0, "x")}));
  CHECK(is_violation({opening(1, 10), frame(2, 2, 1, "d")}));
  CHECK(is_violation({opening(1, 1), frame(2, 3, 1, "d")}));
  CHECK_FALSE(is_violation({opening(1, 1), frame(2, 1, 1, "d")}));
}

TEST_CASE("sizes that do not suit the type are violations") {
  CHECK_FALSE(is_violation({frame(1, 0, 0, std::string(max_message_bytes, 'x'))}));
  CHECK(is_violation({frame(1, 0, 0, std::string(max_message_bytes + 1, 'x'))}));
  CHECK_FALSE(is_violation({opening(1, 5, std::string(max_message_bytes, 'x'))}));
  CHECK(is_violation({opening(1, 5, std::string(max_message_bytes + 1, 'x'))}));
  CHECK(is_violation({frame(1, 0, 1, "abc")}));
  CHECK_FALSE(is_violation({opening(1, max_body_bytes)}));
  CHECK(is_violation({opening(1, max_body_bytes + 1)}));
  CHECK(is_violation({frame(3, 0, 0, "abc")}));
  CHECK(is_violation({frame(5, 0, 0, "")}));
  CHECK(is_violation({frame(5, 0, 0, "ab")}));
  CHECK(is_violation({opening(1, 5), frame(4, 0, 1, "")}));
  CHECK(is_violation({opening(1, 5), frame(2, 0, 1, "")}));
}

TEST_CASE("streams that do not suit the type are violations") {
  CHECK(is_violation({frame(5, 0, 1, "x")}));
  CHECK(is_violation({frame(4, 0, 0, "x")}));
  CHECK(is_violation({data(0, 5)}));
}

TEST_CASE("nothing follows CLOSE") {
  CHECK(is_violation({frame(5, 0, 0, "\1") + frame(1, 0, 0, "x")}));
  Rig rig;
  rig.streams.receive(frame(1, 0, 0, "x") + frame(5, 0, 0, "\2"));
  CHECK(rig.events.closed_for(CloseReason::replaced, true));
  CHECK(rig.output().empty());
}

TEST_CASE("reasons that are unknown or never sent are read as unspecified") {
  for (const int reason : {99, 128, 129, 130, 255}) {
    Rig rig;
    rig.streams.receive(frame(5, 0, 0, std::string(1, static_cast<char>(reason))));
    CHECK(rig.events.closed_for(CloseReason::unspecified, true));
  }
  CHECK(cancel_reason(77) == CancelReason::unspecified);
  CHECK(cancel_reason(3) == CancelReason::no_room);
}

TEST_CASE("stream numbers have the opener's parity and only grow") {
  CHECK_FALSE(is_violation({opening(1, 5), opening(3, 5), opening(9, 5)}));
  CHECK(is_violation({opening(2, 5)}));
  CHECK(is_violation({opening(3, 5), opening(3, 5)}));
  CHECK(is_violation({opening(3, 5), opening(1, 5)}));
  CHECK(is_violation({opening(1, 0), opening(1, 0)}));
  CHECK(is_violation({opening(0xffff'ffff, 5)}));
  CHECK_FALSE(is_violation({opening(0xffff'fffd, 5)}));
}

TEST_CASE("64 streams may be open, and one more when one has ended") {
  std::vector<std::string> records;
  for (std::uint32_t i = 0; i < max_streams; ++i) {
    records.push_back(opening(2 * i + 1, 5));
  }
  CHECK_FALSE(is_violation(records));
  records.push_back(opening(129, 5));
  CHECK(is_violation(records));
  records.back() = data(7, 5, true) + opening(129, 5);
  CHECK_FALSE(is_violation(records));
  records.back() = cancel(7) + opening(129, 5);
  CHECK_FALSE(is_violation(records));
}

TEST_CASE("a stream that was cancelled here stays open until its sender says so") {
  Rig rig;
  for (std::uint32_t i = 0; i < max_streams; ++i) {
    rig.streams.receive(opening(2 * i + 1, 5));
  }
  CHECK(rig.streams.cancel(7));
  rig.streams.receive(data(7, 4));
  CHECK_FALSE(rig.streams.is_closed());
  rig.streams.receive(cancel(7) + opening(129, 5));
  CHECK_FALSE(rig.streams.is_closed());
  CHECK(rig.events.lost.empty());
  rig.streams.receive(data(7, 1));
  CHECK(rig.events.closed_for(CloseReason::protocol, false));
}

TEST_CASE("data belong to an open stream of the peer and keep to the announced size") {
  CHECK(is_violation({data(1, 5)}));
  CHECK(is_violation({data(2, 5)}, true));
  CHECK(is_violation({opening(1, 5), data(3, 5)}));
  CHECK(is_violation({opening(1, 5), data(1, 5, true), data(1, 1)}));
  CHECK(is_violation({opening(1, 0), data(1, 1)}));
  CHECK(is_violation({opening(1, 5), data(1, 6)}));
  CHECK(is_violation({opening(1, 5), data(1, 6, true)}));
  CHECK(is_violation({opening(1, 5), data(1, 4, true)}));
  CHECK(is_violation({opening(1, 5), data(1, 5)}));
  CHECK(is_violation({opening(1, 5), cancel(1), data(1, 1)}));
  CHECK_FALSE(is_violation({opening(1, 5), data(1, 4), data(1, 1, true)}));
}

TEST_CASE("data beyond the stream's window are a violation, also on a stream that was cancelled") {
  for (const bool is_cancelled : {false, true}) {
    Rig rig;
    rig.streams.receive(opening(1, max_body_bytes));
    if (is_cancelled) {
      CHECK(rig.streams.cancel(1));
    }
    std::uint32_t sent = 0;
    // Credit that the peer is given but that a stream given up never gets.
    const std::uint32_t allowed = stream_window + (is_cancelled ? 0 : stream_window / 2);
    while (sent + 8192 <= stream_window) {
      rig.streams.receive(data(1, 8192));
      sent += 8192;
    }
    CHECK_FALSE(rig.streams.is_closed());
    const std::string given = rig.output();
    CHECK((given.find(window(1, stream_window / 2)) != std::string::npos) == !is_cancelled);
    while (sent < allowed) {
      rig.streams.receive(data(1, 8192));
      sent += 8192;
    }
    if (is_cancelled) {
      CHECK_FALSE(rig.streams.is_closed());
      rig.streams.receive(data(1, 1));
      CHECK(rig.events.closed_for(CloseReason::protocol, false));
    } else {
      CHECK_FALSE(rig.streams.is_closed());
    }
  }
}

TEST_CASE("the connection's window is given back, also for what is swallowed") {
  Rig rig;
  rig.events.wants_bodies = false;
  std::uint64_t credit = 0;
  std::uint64_t sent = 0;
  for (std::uint32_t stream = 1; stream < 2001; stream += 2) {
    rig.streams.receive(opening(stream, 30'000));
    rig.streams.receive(data(stream, 30'000, true));
    sent += 30'000;
    std::string out = rig.output();
    for (std::string_view rest = out; !rest.empty();) {
      const std::optional<Frame> next = take_frame(rest);
      REQUIRE(next.has_value());
      credit += next->type == FrameType::window && next->stream == 0 ? next->number() : 0;
    }
  }
  CHECK_FALSE(rig.streams.is_closed());
  CHECK(sent - credit < connection_window / 2);
}

TEST_CASE("windows never grow wider than they were") {
  CHECK(is_violation({window(0, 1)}));
  CHECK(is_violation({window(0, 0)}));
  CHECK(is_violation({window(0, 0xffff'ffff)}));
  CHECK(is_violation({window(1, 1)}));
  CHECK(is_violation({window(2, 1)}));
  CHECK(is_violation({window(4, 1)}, true));
  CHECK_FALSE(is_violation({window(2, stream_window)}, true));
  CHECK(is_violation({window(2, stream_window + 1)}, true));
  CHECK(is_violation({window(2, stream_window), window(2, 1)}, true));
  CHECK_FALSE(is_violation({window(0, stream_window)}, true));
  CHECK(is_violation({window(0, stream_window + 1)}, true));
  CHECK_FALSE(is_violation({cancel(2), window(2, 1)}, true));
}

TEST_CASE("cancelling what was never opened is a violation, what is over is not") {
  CHECK(is_violation({cancel(1)}));
  CHECK(is_violation({cancel(2)}));
  CHECK(is_violation({cancel(4)}, true));
  CHECK_FALSE(is_violation({cancel(2), cancel(2)}, true));
  CHECK_FALSE(is_violation({opening(1, 5), cancel(1), cancel(1)}));
}

TEST_CASE("a sender that is cancelled answers once with CANCEL, so that the receiver knows that no more comes") {
  Rig rig;
  const std::optional<MessageId> id = rig.streams.send({"mine", body_of(1'000'000)});
  rig.output();
  rig.streams.receive(cancel(2));
  REQUIRE(rig.events.cancelled.size() == 1);
  CHECK(rig.events.cancelled[0].first == *id);
  CHECK(rig.output() == cancel(2));
  rig.streams.receive(cancel(2));
  CHECK(rig.output().empty());
  CHECK(rig.events.cancelled.size() == 1);
}

TEST_CASE("after a violation nothing more of the record is read") {
  Rig rig;
  rig.streams.receive(frame(1, 0, 0, "before") + data(9, 1) + frame(1, 0, 0, "behind"));
  REQUIRE(rig.events.messages.size() == 1);
  CHECK(rig.events.messages[0].message.payload == "before");
}

TEST_CASE("an idle channel is under 512 bytes") {
  CHECK(sizeof(Channel) <= 512);
}

TEST_CASE("a body is charged with four times what has come at most, its untouched address space apart") {
  constexpr std::size_t part = 16 * 1024;
  Rig rig;
  rig.streams.receive(opening(1, max_body_bytes));
  for (std::size_t come = part; come < max_body_bytes; come += part) {
    rig.streams.receive(data(1, part));
    rig.output();
    CAPTURE(come);
    REQUIRE(rig.budget.gathered.used() <= std::max(4 * come, std::size_t{64} * 1024) + 1);
    REQUIRE((rig.budget.ahead.used() > 0) == (come > std::size_t{256} * 1024));
    REQUIRE(rig.budget.ahead.used() < max_body_bytes);
  }
  rig.streams.receive(data(1, part, true));
  REQUIRE(rig.events.messages.size() == 1);
  CHECK(rig.events.messages[0].message.body->size() == max_body_bytes);
  CHECK(rig.budget.gathered.used() == 0);
  CHECK(rig.budget.ahead.used() == 0);
}

TEST_CASE("address space set aside is bounded, and bodies for which there is none arrive all the same") {
  constexpr std::size_t part = 16 * 1024;
  constexpr std::uint32_t last = 9;
  Rig rig;
  for (std::uint32_t stream = 1; stream <= last; stream += 2) {
    rig.streams.receive(opening(stream, max_body_bytes));
    for (std::size_t come = 0; come < 2 * std::size_t{stream_window}; come += part) {
      rig.streams.receive(data(stream, part));
      rig.output();
    }
  }
  REQUIRE_FALSE(rig.streams.is_closed());
  const std::size_t of_each = max_body_bytes - 4 * std::size_t{stream_window};
  CHECK(rig.budget.ahead.used() == 4 * of_each);  // a fifth would exceed the 64 MiB of `overlay_budget`
  for (std::size_t come = 2 * std::size_t{stream_window}; come < max_body_bytes; come += part) {
    rig.streams.receive(data(last, part, come + part == max_body_bytes));
    rig.output();
  }
  REQUIRE(rig.events.messages.size() == 1);
  CHECK(*rig.events.messages[0].message.body == std::string(max_body_bytes, 'd'));
  CHECK(rig.budget.ahead.used() == 4 * of_each);
  rig.streams.receive(cancel(1));
  CHECK(rig.budget.ahead.used() == 3 * of_each);
  rig.streams.close(CloseReason::leaving);
  CHECK(rig.budget.ahead.used() == 0);
  CHECK(rig.budget.gathered.used() == 0);
}
