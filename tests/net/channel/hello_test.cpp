#include "net/channel/hello.hpp"

#include <doctest/doctest.h>

#include "tests/net/channel/rig.hpp"

using namespace ghoard::channel;
using namespace ghoard;

namespace {

std::string introduction_with(std::string_view tlvs, std::size_t padding = 16) {
  return std::string(96, 'k') + std::string(tlvs) + std::string(padding, '\0');
}

bool is_read(const std::string& payload) {
  return Introduction::decode(noise::view_of(payload)).has_value();
}

const std::string minors("\x01\x00\x04\x00\x01\x00\x02", 7);

}  // namespace

TEST_CASE("a hello survives its encoding, and its padding is not read") {
  const Hello hello{wall_now, {2, 7}, {1, 2, 3, 4, 5, 6, 7, 8}};
  std::array<std::uint8_t, hello_bytes> payload = hello.encode();
  CHECK(payload[0] == 0);
  payload[77] = 1;
  const std::optional<Hello> read = Hello::decode(payload);
  REQUIRE(read.has_value());
  CHECK(read->time == hello.time);
  CHECK(read->minors == hello.minors);
  CHECK(read->hint == hello.hint);
  payload[9] = 9;
  CHECK_FALSE(Hello::decode(payload).has_value());
}

TEST_CASE("the highest common version is in both ranges") {
  const VersionRange range{2, 5};
  CHECK(range.highest_common({0, 9}) == 5);
  CHECK(range.highest_common({0, 3}) == 3);
  CHECK(range.highest_common({5, 9}) == 5);
  CHECK_FALSE(range.highest_common({6, 9}).has_value());
  CHECK_FALSE(range.highest_common({0, 1}).has_value());
}

TEST_CASE("an introduction survives its encoding in both sizes") {
  Introduction introduction;
  introduction.identity.fill(1);
  introduction.signature.fill(2);
  introduction.minors = {3, 4};
  introduction.software = std::string(40, 's');
  for (const std::size_t size : {responder_introduction_bytes, initiator_introduction_bytes}) {
    std::vector<std::uint8_t> payload(size, 0xee);
    introduction.encode(payload);
    const std::optional<Introduction> read = Introduction::decode(payload);
    REQUIRE(read.has_value());
    CHECK(read->identity == introduction.identity);
    CHECK(read->signature == introduction.signature);
    CHECK(read->minors == introduction.minors);
    CHECK(read->software == std::string(32, 's'));
  }
}

TEST_CASE("TLVs of unknown types are skipped") {
  CHECK(is_read(introduction_with(minors)));
  CHECK(is_read(introduction_with(std::string("\x09\x00\x02xy", 5) + minors)));
  CHECK(is_read(introduction_with(minors + std::string("\xff\x00\x00", 3))));
}

TEST_CASE("what stands behind the end is not read") {
  CHECK(is_read(introduction_with(minors + std::string("\0\xff\xff\xff", 4))));
}

TEST_CASE("TLVs that run over the end, come twice or have a wrong size fail") {
  CHECK_FALSE(is_read(introduction_with("", 16)));
  CHECK_FALSE(is_read(introduction_with(minors + minors)));
  CHECK_FALSE(is_read(introduction_with(std::string("\x01\x00\x03\x00\x01\x00", 6))));
  CHECK_FALSE(is_read(introduction_with(std::string("\x01\x00\x04\x00\x02\x00\x01", 7))));
  CHECK_FALSE(is_read(introduction_with(minors + std::string("\x09\x00\x02x", 4), 0)));
  CHECK_FALSE(is_read(introduction_with(minors + std::string("\x09\x00", 2), 0)));
  CHECK_FALSE(is_read(introduction_with(minors + std::string("\x02\x00\x21", 3) + std::string(33, 's'))));
  CHECK(is_read(introduction_with(minors + std::string("\x02\x00\x20", 3) + std::string(32, 's'))));
  CHECK(is_read(introduction_with(minors, 0)));
  CHECK_FALSE(is_read(std::string(95, 'k')));
}

TEST_CASE("what a peer calls its software cannot control a terminal") {
  const std::string payload = introduction_with(minors + std::string("\x02\x00\x05\x1b[2Jx", 8));
  const std::optional<Introduction> read = Introduction::decode(noise::view_of(payload));
  REQUIRE(read.has_value());
  CHECK(read->software == "?[2Jx");
}

TEST_CASE("the replay guard remembers the last 131,072 and holds nothing before the first") {
  ReplayGuard guard;
  CHECK(guard.memory() == 0);
  const auto key = [](std::uint32_t number) {
    noise::PublicKey bytes{};
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&number), sizeof number, bytes.begin());
    return bytes;
  };
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < 300'000; ++i) {
    refused += guard.admit(key(i)) ? 0 : 1;
    refused += guard.admit(key(i)) ? 1 : 0;
  }
  CHECK(refused == 0);
  CHECK(guard.size() == ReplayGuard::capacity);
  CHECK(guard.memory() <= std::size_t{2} * 1024 * 1024);
  std::uint32_t known = 0;
  for (std::uint32_t i = 300'000 - ReplayGuard::capacity; i < 300'000; ++i) {
    known += guard.admit(key(i)) ? 0 : 1;
  }
  CHECK(known == ReplayGuard::capacity);
  CHECK(guard.admit(key(5)));
}
