#include "net/channel/handshake.hpp"

#include <doctest/doctest.h>

#include "tests/net/channel/rig.hpp"

using namespace ghoard::channel;
using namespace ghoard;
using namespace std::chrono_literals;

namespace {

/// The three messages as they stand on the wire, each time of a new handshake, up to the one asked for.
struct Exchange {
  explicit Exchange(Pair& pair, std::optional<IdentityKey> wanted = std::nullopt)
      : initiator(pair.initiator(wanted)), responder(pair.responder()), first(initiator.take_output()) {}

  std::string second() {
    responder.receive(first, wall_now, false);
    return responder.take_output();
  }
  std::string third() {
    initiator.receive(second());
    return initiator.take_output();
  }

  Initiator initiator;
  Responder responder;
  std::string first;
};

Failure answer_to(Pair& pair, const std::string& first, base::WallTime now = wall_now) {
  Responder responder = pair.responder();
  responder.receive(first, now, pair.under_load);
  CHECK(responder.has_output() == (responder.failure() == Failure::none));
  return responder.failure();
}

/// Message 2 of a responder that holds the key but does not look at what message 1 says.
std::string answer_regardless(Pair& pair, const std::string& first) {
  std::optional<noise::HandshakeState> state = pair.accepted()->prepared().front().state.clone();
  std::array<std::uint8_t, hello_bytes> hello;
  const noise::ByteView message = noise::view_of(first).subspan(length_bytes);
  REQUIRE(state->read_payload(message.subspan(state->read_tokens(message).value()), hello).has_value());

  std::array<std::uint8_t, later_wire_bytes> record{0x01, 0xfe};
  const noise::ByteSpan out = noise::ByteSpan(record).subspan(length_bytes);
  const std::size_t keys = state->write_tokens(out).value();
  Introduction introduction{pair.right->identity, {}, pair.right->minors, "test"};
  REQUIRE(pair.right->sign(
      signed_bytes(noise::Role::responder, state->handshake_hash(), pair.right->static_key->public_key),
      introduction.signature));
  std::array<std::uint8_t, responder_introduction_bytes> payload;
  introduction.encode(payload);
  REQUIRE(state->write_payload(payload, out.subspan(keys)).has_value());
  return std::string(noise::text_of(record));
}

/// The outcome when both sides are what `pair` says.
std::pair<Failure, Failure> run(Pair& pair, std::optional<IdentityKey> wanted = std::nullopt) {
  Exchange exchange(pair, wanted);
  exchange.responder.receive(exchange.third(), wall_now, false);
  CHECK(exchange.initiator.is_done() == (exchange.initiator.failure() == Failure::none));
  return {exchange.initiator.failure(), exchange.responder.failure()};
}

}  // namespace

TEST_CASE("both sides agree on everything, and each has proven who it is") {
  Pair pair;
  pair.left->minors = {1, 5};
  Joined joined = join(pair);
  CHECK(joined.initiator.peer == pair.right->identity);
  CHECK(joined.initiator.self == pair.left->identity);
  CHECK(joined.responder.peer == pair.left->identity);
  CHECK(joined.responder.self == pair.right->identity);
  CHECK(joined.initiator.minor == 3);
  CHECK(joined.responder.minor == 3);
  CHECK(joined.initiator.major == 1);
  CHECK(joined.responder.major == 1);
  CHECK(joined.initiator.handshake_hash == joined.responder.handshake_hash);
  CHECK(joined.responder.peer_software == "ghoard 0.1.0");
  CHECK(joined.initiator.role == noise::Role::initiator);
  CHECK(joined.responder.role == noise::Role::responder);

  std::array<std::uint8_t, 4 + noise::tag_bytes> sealed;
  REQUIRE(joined.initiator.transport.send.encrypt({}, noise::view_of("ping"), sealed.data()));
  REQUIRE(joined.responder.transport.receive.decrypt({}, sealed, sealed.data()));
  REQUIRE(joined.responder.transport.send.encrypt({}, noise::view_of("pong"), sealed.data()));
  CHECK(joined.initiator.transport.receive.decrypt({}, sealed, sealed.data()));
}

TEST_CASE("messages have their fixed sizes, and message 1 says so in its first bytes") {
  Pair pair;
  Exchange exchange(pair);
  CHECK(exchange.first.size() == 128);
  CHECK(exchange.first.substr(0, 2) == std::string("\0\x7e", 2));
  const std::string third = exchange.third();
  CHECK(third.size() == 512);
  CHECK(third.substr(0, 2) == "\x01\xfe");
}

TEST_CASE("every changed byte of every message fails, and nothing is sent about it") {
  Pair pair;
  for (std::size_t i = 0; i < first_wire_bytes; ++i) {
    std::string first = Exchange(pair).first;
    first[i] = static_cast<char>(first[i] ^ 0x20);
    CHECK(answer_to(pair, first) == (i < 2 ? Failure::wrong_length : Failure::no_key_matches));
  }
  for (std::size_t i = 0; i < later_wire_bytes; ++i) {
    Exchange exchange(pair);
    std::string second = exchange.second();
    second[i] = static_cast<char>(second[i] ^ 0x20);
    exchange.initiator.receive(second);
    CHECK(exchange.initiator.failure() == (i < 2 ? Failure::wrong_length : Failure::not_authentic));
    CHECK_FALSE(exchange.initiator.has_output());
  }
  for (std::size_t i = 0; i < later_wire_bytes; ++i) {
    Exchange exchange(pair);
    std::string third = exchange.third();
    third[i] = static_cast<char>(third[i] ^ 0x20);
    exchange.responder.receive(third, wall_now, false);
    CHECK(exchange.responder.failure() == (i < 2 ? Failure::wrong_length : Failure::not_authentic));
    CHECK_FALSE(exchange.responder.has_output());
  }
}

TEST_CASE("a truncated message leaves a side waiting, without an answer and without an end") {
  Pair pair;
  Exchange exchange(pair);
  const std::string first = exchange.first;
  for (std::size_t size = 0; size < first.size(); ++size) {
    Responder responder = pair.responder();
    CHECK(responder.receive(first.substr(0, size), wall_now, false) == size);
    CHECK(responder.failure() == Failure::none);
    CHECK_FALSE(responder.has_output());
    CHECK_FALSE(responder.is_done());
  }
  const std::string second = exchange.second();
  for (std::size_t size = 0; size < second.size(); ++size) {
    // One more byte each time: what was there before stays.
    CHECK(exchange.initiator.receive(second.substr(size, 1)) == 1);
    CHECK(exchange.initiator.has_output() == (size + 1 == second.size()));
  }
  const std::string third = exchange.initiator.take_output();
  for (std::size_t size = 0; size < third.size(); ++size) {
    CHECK_FALSE(exchange.responder.is_done());
    CHECK(exchange.responder.receive(third.substr(size, 1), wall_now, false) == 1);
  }
  CHECK(exchange.responder.is_done());
}

TEST_CASE("every split of the byte stream succeeds, and what follows message 3 is left for the channel") {
  Pair pair;
  for (std::size_t cut = 0; cut <= later_wire_bytes; cut += 1) {
    Exchange exchange(pair);
    const std::size_t first_cut = cut % (first_wire_bytes + 1);
    CHECK(exchange.responder.receive(exchange.first.substr(0, first_cut), wall_now, false) == first_cut);
    exchange.responder.receive(exchange.first.substr(first_cut), wall_now, false);
    const std::string second = exchange.responder.take_output();
    exchange.initiator.receive(second.substr(0, cut));
    exchange.initiator.receive(second.substr(cut));
    REQUIRE(exchange.initiator.is_done());
    const std::string stream = exchange.initiator.take_output() + "record";
    std::size_t used = exchange.responder.receive(stream.substr(0, cut), wall_now, false);
    used += exchange.responder.receive(stream.substr(used), wall_now, false);
    REQUIRE(exchange.responder.is_done());
    CHECK(stream.substr(used) == "record");
  }
}

TEST_CASE("another network key gets no answer") {
  Pair pair;
  Initiator stranger(pair.left, psk_of(9), std::nullopt, wall_now);
  CHECK(answer_to(pair, stranger.take_output()) == Failure::no_key_matches);
  CHECK(pair.guard.size() == 0);
}

TEST_CASE("another major version is another prologue, and fails as another key does") {
  Pair pair;
  Initiator newer(pair.left, pair.psk, std::nullopt, wall_now, 2);
  CHECK(answer_to(pair, newer.take_output()) == Failure::no_key_matches);
}

TEST_CASE("up to four keys and two major versions are accepted, and it is told which") {
  Pair pair;
  std::vector<noise::Secret> psks;
  for (std::uint8_t number = 1; number <= 5; ++number) {
    psks.push_back(psk_of(number));
  }
  const std::array<std::uint8_t, 3> majors{1, 2, 3};
  const auto accepted = std::make_shared<const AcceptedKeys>(psks, pair.right->static_key, majors);
  CHECK(accepted->prepared().size() == 8);
  for (std::uint8_t major = 1; major <= 3; ++major) {
    for (std::uint8_t number = 1; number <= 5; ++number) {
      Initiator initiator(pair.left, psk_of(number), std::nullopt, wall_now, major);
      Responder responder(pair.right, accepted, pair.guard);
      responder.receive(initiator.take_output(), wall_now, false);
      initiator.receive(responder.take_output());
      responder.receive(initiator.take_output(), wall_now, false);
      REQUIRE(responder.is_done() == (major <= 2 && number <= 4));
      if (responder.is_done()) {
        const Outcome outcome = responder.take_outcome();
        CHECK(outcome.psk_index == number - 1U);
        CHECK(outcome.major == major);
        CHECK(initiator.take_outcome().major == major);
      }
    }
  }
}

TEST_CASE("a responder that is not the wanted peer does not answer") {
  Pair pair;
  CHECK(run(pair, pair.right->identity) == std::pair{Failure::none, Failure::none});
  CHECK(answer_to(pair, Exchange(pair, make_self()->identity).first) == Failure::not_for_us);
}

TEST_CASE("an initiator compares the peer's key with the wanted one before it reveals its own") {
  Pair pair;
  for (const bool is_wanted : {true, false}) {
    Initiator initiator = pair.initiator(is_wanted ? pair.right->identity : make_self()->identity);
    initiator.receive(answer_regardless(pair, initiator.take_output()));
    CHECK(initiator.is_done() == is_wanted);
    CHECK(initiator.has_output() == is_wanted);
    CHECK(initiator.failure() == (is_wanted ? Failure::none : Failure::unexpected_peer));
  }
}

TEST_CASE("a bad signature ends it, on either side") {
  for (const bool is_left : {true, false}) {
    Pair pair;
    Self& liar = is_left ? *pair.left : *pair.right;
    const Signer honest = liar.sign;
    liar.sign = [honest](ByteView message, Signature& signature) {
      const bool done = honest(message, signature);
      signature[10] ^= 1;
      return done;
    };
    const auto [initiator, responder] = run(pair);
    CHECK((is_left ? responder : initiator) == Failure::bad_signature);
  }
}

TEST_CASE("a signature made for the other role, another handshake or another static key does not count") {
  Pair pair;
  const Signer honest = pair.left->sign;
  for (const std::size_t changed : {std::size_t{11}, std::size_t{12}, std::size_t{44}}) {
    pair.left->sign = [&](ByteView message, Signature& signature) {
      std::vector<std::uint8_t> other(message.begin(), message.end());
      other[changed] = changed == 11 ? 'R' : static_cast<std::uint8_t>(other[changed] ^ 1);
      return honest(other, signature);
    };
    CHECK(run(pair).second == Failure::bad_signature);
  }
}

TEST_CASE("who cannot sign says nothing") {
  Pair pair;
  pair.right->sign = [](ByteView, Signature&) { return false; };
  CHECK(answer_to(pair, Exchange(pair).first) == Failure::cannot_sign);
}

TEST_CASE("identity keys of small order or off the curve are refused") {
  for (const std::uint8_t first : {std::uint8_t{0}, std::uint8_t{1}}) {
    Pair pair;
    pair.right->identity = IdentityKey{};
    pair.right->identity[0] = first;
    pair.right->sign = [](ByteView, Signature& signature) {
      // R the neutral element and s zero: holds for every message under the neutral element as key, were it allowed.
      signature = {};
      signature[0] = 1;
      return true;
    };
    CHECK(run(pair).first == Failure::bad_signature);
  }
  Pair pair;
  pair.right->identity.fill(0xff);
  CHECK(run(pair).first == Failure::bad_signature);
}

TEST_CASE("a peer on the deny list is refused by either side") {
  for (const bool is_left : {true, false}) {
    Pair pair;
    (is_left ? *pair.left : *pair.right).admit = [&](const IdentityKey& key) {
      return key != (is_left ? pair.right : pair.left)->identity;
    };
    const auto [initiator, responder] = run(pair);
    CHECK((is_left ? initiator : responder) == Failure::denied);
  }
}

TEST_CASE("a process that dials itself is told so") {
  Pair pair;
  pair.right = pair.left;
  CHECK(run(pair).first == Failure::self);
}

TEST_CASE("a reflected handshake fails, whichever message comes back") {
  Pair pair;
  {
    Initiator initiator = pair.initiator();
    initiator.receive(initiator.take_output());
    CHECK(initiator.failure() == Failure::wrong_length);
  }
  {
    Exchange exchange(pair);
    exchange.responder.receive(exchange.second(), wall_now, false);
    CHECK(exchange.responder.failure() == Failure::not_authentic);
  }
}

TEST_CASE("message 1 does its work once") {
  Pair pair;
  const std::string first = Exchange(pair).first;
  CHECK(answer_to(pair, first) == Failure::none);
  CHECK(answer_to(pair, first) == Failure::replayed);
  CHECK(pair.guard.size() == 1);
}

TEST_CASE("messages 2 and 3 of other handshakes do not fit") {
  Pair pair;
  Exchange one(pair);
  Exchange other(pair);
  const std::string second_of_other = other.second();
  one.second();
  one.initiator.receive(second_of_other);
  CHECK(one.initiator.failure() == Failure::not_authentic);

  Exchange third(pair);
  Exchange fourth(pair);
  const std::string third_of_fourth = fourth.third();
  third.third();
  third.responder.receive(third_of_fourth, wall_now, false);
  CHECK(third.responder.failure() == Failure::not_authentic);
}

TEST_CASE("time matters under load only, within ten minutes either way") {
  Pair pair;
  const auto verdict_at = [&](base::WallTime time) {
    Initiator initiator = pair.initiator(std::nullopt, time);
    return answer_to(pair, initiator.take_output());
  };
  const auto verdict = [&](base::Millis skew) { return verdict_at(wall_now + skew); };
  CHECK(verdict(-1000h) == Failure::none);
  CHECK(verdict(1000h) == Failure::none);
  pair.under_load = true;
  CHECK(verdict(10min) == Failure::none);
  CHECK(verdict(-10min) == Failure::none);
  CHECK(verdict(10min + 1ms) == Failure::stale);
  CHECK(verdict(-10min - 1ms) == Failure::stale);
  CHECK(verdict_at(base::WallTime::min()) == Failure::stale);
  CHECK(verdict_at(base::WallTime::max()) == Failure::stale);
}

TEST_CASE("without a common minor version there is no link") {
  Pair pair;
  pair.left->minors = {4, 9};
  CHECK(answer_to(pair, Exchange(pair).first) == Failure::no_common_version);
  pair.left->minors = {3, 9};
  Joined joined = join(pair);
  CHECK(joined.initiator.minor == 3);
}

TEST_CASE("message 3 must name the versions that message 1 named") {
  Pair pair;
  Exchange exchange(pair);
  const std::string second = exchange.second();
  pair.left->minors = {0, 2};
  exchange.initiator.receive(second);
  exchange.responder.receive(exchange.initiator.take_output(), wall_now, false);
  CHECK(exchange.responder.failure() == Failure::changed_versions);
}

TEST_CASE("after a failure everything is swallowed and nothing comes out") {
  Pair pair;
  Responder responder = pair.responder();
  CHECK(responder.receive("GET / HTTP/1.1\r\n\r\n", wall_now, false) == 18);
  CHECK(responder.failure() == Failure::wrong_length);
  CHECK(responder.receive(Exchange(pair).first, wall_now, false) == first_wire_bytes);
  CHECK(responder.failure() == Failure::wrong_length);
  CHECK_FALSE(responder.has_output());
}

TEST_CASE("only a message 1 under one of our keys proves anything") {
  Pair pair;
  Responder responder = pair.responder();
  const std::string first = Exchange(pair).first;
  responder.receive(first.substr(0, 127), wall_now, false);
  CHECK_FALSE(responder.is_proven());
  responder.receive(first.substr(127), wall_now, false);
  CHECK(responder.is_proven());
}
