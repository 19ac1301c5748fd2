#include "core/mesh/message.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "core/mesh/cbor.hpp"
#include "tests/core/mesh/message_examples.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using namespace ghoard::mesh;

namespace {

std::string cbor(const nlohmann::json& value) {
  std::string bytes;
  nlohmann::json::to_cbor(value, bytes);
  return bytes;
}

/// The message as JSON, to be changed.
nlohmann::json fields_of(const Message& message) {
  const std::string bytes = encode(message);
  return nlohmann::json::from_cbor(bytes);
}

nlohmann::json binary(std::size_t size) {
  return nlohmann::json::binary(std::vector<std::uint8_t>(size, 7));
}

bool is_refused(const nlohmann::json& fields, http::Body body = nullptr) {
  return !decode(cbor(fields), std::move(body)).has_value();
}

}  // namespace

TEST_CASE("every kind of message survives encoding and decoding") {
  std::set<std::size_t> kinds;
  for (const Message& message : example_messages()) {
    CAPTURE(name_of(message));
    kinds.insert(message.index());
    const std::string bytes = encode(message);
    const base::Result<Message> decoded = decode(bytes, body_of(message));
    REQUIRE(decoded);
    CHECK(decoded->index() == message.index());
    CHECK(encode(*decoded) == bytes);
    CHECK(body_of(*decoded) == body_of(message));
  }
  CHECK(kinds.size() == std::variant_size_v<Message>);
}

TEST_CASE("what a message says is what was said") {
  const auto messages = example_messages();
  for (const Message& message : messages) {
    const Message decoded = *decode(encode(message), body_of(message));
    if (const auto* hello = std::get_if<Hello>(&message)) {
      CHECK(std::get<Hello>(decoded).record == hello->record);
      CHECK(std::get<Hello>(decoded).incarnation == hello->incarnation);
    } else if (const auto* records = std::get_if<Records>(&message)) {
      CHECK(std::get<Records>(decoded).records == records->records);
    } else if (const auto* ping = std::get_if<Ping>(&message)) {
      CHECK(std::get<Ping>(decoded).latency == ping->latency);
    } else if (const auto* pong = std::get_if<Pong>(&message)) {
      CHECK(std::get<Pong>(decoded).latency == pong->latency);
    } else if (const auto* put = std::get_if<Put>(&message)) {
      const cache::SharedValue& value = std::get<Put>(decoded).value;
      CHECK(value.headers == put->value.headers);
      CHECK(value.etag == put->value.etag);
      CHECK(value.age == put->value.age);
      CHECK(value.fingerprint == put->value.fingerprint);
      CHECK(std::get<Put>(decoded).resource == put->resource);
    } else if (const auto* stones = std::get_if<Tombstones>(&message)) {
      CHECK(std::get<Tombstones>(decoded).tombstones[0].change == stones->tombstones[0].change);
      CHECK(std::get<Tombstones>(decoded).tombstones[1].change == stones->tombstones[1].change);
    }
  }
}

TEST_CASE("every truncation of every message is refused") {
  for (const Message& message : example_messages()) {
    CAPTURE(name_of(message));
    const std::string bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode(std::string_view(bytes).substr(0, size), body_of(message)));
    }
  }
}

TEST_CASE("further fields are ignored, missing ones are not") {
  for (const Message& message : example_messages()) {
    CAPTURE(name_of(message));
    nlohmann::json fields = fields_of(message);
    fields.push_back("of a later version");
    CHECK_FALSE(is_refused(fields, body_of(message)));
    fields.erase(fields.size() - 1);
    if (std::holds_alternative<Ping>(message) || std::holds_alternative<Pong>(message)) {
      fields.erase(fields.size() - 1);  // the latency is of a later version than these messages
      CHECK_FALSE(is_refused(fields));
    }
    if (fields.size() > 1) {
      fields.erase(fields.size() - 1);
      CHECK(is_refused(fields, body_of(message)));
    }
  }
}

TEST_CASE("a field of another type is refused") {
  for (const Message& message : example_messages()) {
    const nlohmann::json fields = fields_of(message);
    for (std::size_t i = 1; i < fields.size(); ++i) {
      CAPTURE(name_of(message));
      CAPTURE(i);
      nlohmann::json changed = fields;
      changed[i] = fields[i].is_string() ? nlohmann::json(1U) : nlohmann::json("text");
      CHECK(is_refused(changed, body_of(message)));
    }
  }
}

TEST_CASE("a value without its bytes is refused") {
  for (const Message& message : example_messages()) {
    if (body_of(message) && !std::holds_alternative<Outcome>(message) && !std::holds_alternative<Failed>(message)) {
      CHECK_FALSE(decode(encode(message), nullptr));
    }
  }
}

TEST_CASE("a record says that it owns nothing only where it does, and a latency is at most an hour") {
  const PeerRecord fast{test_peer(1), 1, {}, true};
  PeerRecord slow = fast;
  slow.slow = true;
  nlohmann::json fields = fields_of(Records{{fast, slow}});
  CHECK(fields[1][0].size() == 4);
  CHECK(fields[1][1].size() == 5);
  fields[1][0].push_back(false);
  const base::Result<Message> decoded = decode(cbor(fields), nullptr);
  REQUIRE(decoded);
  CHECK(std::get<Records>(*decoded).records == std::vector{fast, slow});
  fields[1][0][4] = 1U;
  CHECK(is_refused(fields));

  CHECK(is_refused({4U, 1U, 2U, 3'600'001U}));
  CHECK(is_refused({5U, 1U, 2U, -1}));
  CHECK_FALSE(is_refused({5U, 1U, 2U, 3'600'000U}));
  CHECK(fields_of(Ping{1, 2, base::Millis{9'999'999}})[3] == 3'600'000U);
}

TEST_CASE("lists over their bounds are refused") {
  const nlohmann::json record = fields_of(Records{{{test_peer(1), 1, {}, true}}})[1][0];
  CHECK_FALSE(is_refused({2U, nlohmann::json(most_records, record)}));
  CHECK(is_refused({2U, nlohmann::json(most_records + 1, record)}));
  CHECK_FALSE(is_refused({3U, nlohmann::json(most_members, binary(32))}));
  CHECK(is_refused({3U, nlohmann::json(most_members + 1, binary(32))}));
  const nlohmann::json stone = fields_of(Tombstones{0, {{test_peer(1), 1, 1, github::Tag{"h", "/p"}}}})[2][0];
  CHECK_FALSE(is_refused({25U, 0U, nlohmann::json(most_tombstones, stone)}));
  CHECK(is_refused({25U, 0U, nlohmann::json(most_tombstones + 1, stone)}));
  nlohmann::json addresses = record;
  addresses[2] = nlohmann::json(most_addresses + 1, test_address(1).text());
  CHECK(is_refused({2U, {addresses}}));
}

TEST_CASE("all extents that a log keeps fit into one message") {
  LogDigest digest;
  for (std::uint64_t i = 0; i < FloodLog::most_kept_origins; ++i) {
    digest.extents.push_back({test_peer(i), ~i, (1ULL << 62) - 1, 1ULL << 62});
  }
  CHECK(encode(digest).size() <= longest_message);
  View view;
  view.members.resize(most_members);
  CHECK(encode(view).size() <= longest_message);
}

TEST_CASE("keys of another length, numbers out of range and unusable addresses are refused") {
  nlohmann::json suspect = fields_of(Suspect{test_peer(1), 1});
  suspect[1] = binary(31);
  CHECK(is_refused(suspect));
  suspect[1] = binary(33);
  CHECK(is_refused(suspect));
  CHECK(is_refused(fields_of(Suspect{test_peer(1), (1ULL << 62) + 1})));
  CHECK(is_refused({4U, 0x100000000U, 0U}));
  CHECK(is_refused(fields_of(Tombstones{0, {{test_peer(1), 1, 0, github::Tag{"h", "/p"}}}})));
  CHECK(is_refused(fields_of(Tombstones{0, {{test_peer(1), 1, 1, github::Tag{"", "/p"}}}})));
  CHECK_FALSE(is_refused(fields_of(Tombstones{0, {{test_peer(1), 1, 1, github::Tag{"h", ""}}}})));
  CHECK(is_refused(fields_of(LogDigest{{{test_peer(1), 1, 9, 7}}, false, false, 0})));
  using Holes = std::vector<SequenceRange>;
  const auto with_holes = [](Holes holes) {
    return fields_of(LogDigest{{{test_peer(1), 1, 8, 9, std::move(holes)}}, false, false, 0});
  };
  CHECK_FALSE(is_refused(with_holes({{1, 1}, {3, 9}})));
  for (const Holes& holes : {Holes{{0, 1}}, Holes{{2, 1}}, Holes{{1, 10}}, Holes{{1, 3}, {3, 4}}, Holes{{4, 5}, {1, 2}},
                             Holes{{1, 1}, {3, 3}, {5, 5}}}) {
    CHECK(is_refused(with_holes(holes)));
  }
  nlohmann::json half = with_holes({{1, 1}});
  half[1][0][4].push_back(3U);
  CHECK(is_refused(half));
  nlohmann::json aged = fields_of(LogDigest{{{test_peer(1), 1, 8, 9, {}, base::Millis{7}}}, false, false, 0});
  aged[1][0][5] = ~0ULL;
  const std::string bytes = cbor(aged);
  CHECK_MESSAGE(std::get<LogDigest>(*decode(bytes, {})).extents[0].idle == longest_fresh, "no older than matters");
  nlohmann::json records = fields_of(Records{{{test_peer(1), 1, {test_address(1)}, true}}});
  for (const char* address : {"/ip4/0.0.0.0/tcp/1", "/ip4/10.0.0.1/udp/1", "nonsense", ""}) {
    records[1][0][2][0] = address;
    CHECK(is_refused(records));
  }
  peer::Multiaddr named = test_address(1);
  named.peer = test_peer(1);
  CHECK_MESSAGE(is_refused(fields_of(Records{{{test_peer(1), 1, {named}, true}}})), "an address with /p2p/");
}

TEST_CASE("headers outside of the allow-list do not travel, and cookies are refused") {
  cache::SharedValue value = example_value();
  value.headers.add("X-GitHub-Request-Id", "A:B");
  value.headers.add("Set-Cookie", "session=1");
  value.headers.add("Content-Language", "en\r\nX: y");
  const Message decoded = *decode(encode(Put{1, example_resource(), value}), value.body);
  CHECK(std::get<Put>(decoded).value.headers == example_value().headers);

  nlohmann::json fields = fields_of(Put{1, example_resource(), example_value()});
  const auto with = [&](std::string name, std::string_view content) {
    nlohmann::json changed = fields;
    changed[3][1].push_back({std::move(name), nlohmann::json::binary({content.begin(), content.end()})});
    return changed;
  };
  CHECK(is_refused(with("set-cookie", "session=1"), value.body));
  CHECK(is_refused(with("Content-Type", "a\r\nb: c"), value.body));
  CHECK(is_refused(with("Content-Type", std::string_view("a\0b", 3)), value.body));
  const base::Result<Message> unknown = decode(cbor(with("X-Strange", "1")), value.body);
  REQUIRE(unknown);
  CHECK_FALSE(std::get<Put>(*unknown).value.headers.contains("X-Strange"));
}

TEST_CASE("a tag that is too long becomes its parent, which names more") {
  const std::string prefix = "/repos/o/" + std::string(5'000, 'r') + "/pulls";
  const Message decoded = *decode(encode(Tombstones{1, {{test_peer(1), 1, 1, github::Tag{"h", prefix}}}}), nullptr);
  CHECK(std::get<Tombstones>(decoded).tombstones[0].change == cache::Change{github::Tag{"h", "/repos/o"}});
}

TEST_CASE("what is no plain CBOR is refused before anything decodes it") {
  using namespace std::string_literals;
  CHECK(is_plain_cbor("\x82\x04\x01"s, 6));
  const std::vector<std::string> bad{""s,
                                     "\x82\x04"s,                              // an item is missing
                                     "\x81\x04\x04"s,                          // one too many
                                     "\x9f\x04\xff"s,                          // indefinite array
                                     "\x5f\x41\x61\xff"s,                      // indefinite bytes
                                     "\xa0"s,                                  // map
                                     "\xc0\x01"s,                              // tag
                                     "\x20"s,                                  // negative
                                     "\xf7"s,                                  // undefined
                                     "\xf9\x3c\x00"s,                          // float
                                     "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"s,  // 2^64 - 1 items
                                     "\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"s,  // 2^63 - 1 bytes
                                     std::string(16'000, '\x5f'),
                                     std::string(16'000, '\x7f'),
                                     std::string(16'000, '\x81')};
  for (const std::string& bytes : bad) {
    CHECK_FALSE(is_plain_cbor(bytes, 6));
    CHECK_FALSE(decode(bytes, nullptr));
  }
  CHECK(is_plain_cbor("\x81\x81\x81\x81\x81\x81\x01"s, 6));
  CHECK_FALSE(is_plain_cbor("\x81\x81\x81\x81\x81\x81\x81\x01"s, 6));
}

TEST_CASE("a message over 16 KiB, or of an unknown kind, is refused") {
  CHECK(is_refused({5'000U, 1U}));
  CHECK(is_refused({0U}));
  CHECK(is_refused({static_cast<unsigned>(std::variant_size_v<Message>) + 1, 1U}));
  CHECK_FALSE(decode(cbor({4U, 1U, 2U, std::string(longest_message, 'x')}), nullptr));
}
