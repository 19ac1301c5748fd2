#include "core/peer/ip_address.hpp"

#include <doctest/doctest.h>

#include "tests/core/peer/examples.hpp"

using namespace ghoard;

namespace {

std::string canonical(std::string_view text) {
  const auto address = peer::parse_ip6(text);
  return address ? peer::format_ip6(*address) : "refused";
}

}  // namespace

TEST_CASE("IPv6 addresses are written as RFC 5952 says") {
  CHECK(canonical("2001:0DB8:0:0:0:0:2:1") == "2001:db8::2:1");
  CHECK(canonical("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // one group is not shortened
  CHECK(canonical("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");           // the longest run
  CHECK(canonical("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");     // the first of equals
  CHECK(canonical("::") == "::");
  CHECK(canonical("::1") == "::1");
  CHECK(canonical("1::") == "1::");
  CHECK(canonical("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
  CHECK(canonical("::2:3:4:5:6:7:8") == "0:2:3:4:5:6:7:8");
  CHECK(canonical("64:ff9b::192.0.2.7") == "64:ff9b::c000:207");
  CHECK(canonical("1:2:3:4:5:6:192.0.2.7") == "1:2:3:4:5:6:c000:207");
}

TEST_CASE("what is no IPv6 address is refused") {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "1",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "1:::2",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7::8",
                           "::1.2.3",
                           "::1.2.3.4.5",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "::01.2.3.4",
                           "fe80::1%eth0",
                           "[::1]",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1 ",
                           "::-1",
                           "1::2:",
                           "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    CHECK_MESSAGE(!peer::parse_ip6(text), text);
  }
}

TEST_CASE("IPv4 addresses are four plain decimal octets") {
  CHECK(peer::parse_ip4("192.0.2.7") == peer::Ip4{192, 0, 2, 7});
  CHECK(peer::format_ip4({255, 0, 10, 1}) == "255.0.10.1");
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "00.0.0.0", "0x1.2.3.4",
                           "1..3.4", "1.2.3.", ".1.2.3", "1.2.3.4 ", "1.2.3.-4", "1.2.3.4000"}) {
    CHECK_MESSAGE(!peer::parse_ip4(text), text);
  }
}

TEST_CASE("every address is read back from its text") {
  testing::Dice dice(4);
  for (int i = 0; i < 3000; ++i) {
    peer::Ip6 address{};
    for (std::size_t at = 0; at < address.size(); at += 2) {
      const bool zero = dice.below(2) == 0;
      address[at] = static_cast<std::uint8_t>(zero ? 0 : dice.below(256));
      address[at + 1] = static_cast<std::uint8_t>(zero ? 0 : dice.below(3) == 0 ? dice.below(16) : dice.below(256));
    }
    CHECK(peer::parse_ip6(peer::format_ip6(address)) == address);
  }
}

TEST_CASE("an IPv4-mapped address is known, and one that merely looks alike is not") {
  CHECK(peer::mapped_ip4(*peer::parse_ip6("::ffff:192.0.2.7")) == peer::Ip4{192, 0, 2, 7});
  CHECK_FALSE(peer::mapped_ip4(*peer::parse_ip6("::192.0.2.7")));
  CHECK_FALSE(peer::mapped_ip4(*peer::parse_ip6("64:ff9b::192.0.2.7")));
}
