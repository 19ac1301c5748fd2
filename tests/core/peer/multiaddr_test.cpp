#include "core/peer/multiaddr.hpp"

#include <doctest/doctest.h>

#include "core/peer/bootstrap.hpp"
#include "tests/core/peer/examples.hpp"

using namespace ghoard;
using peer::Multiaddr;

namespace {

const std::string id = testing::id_of_seed(1).text();

/// The canonical form, or "rejected: " and the reason.
std::string read(const std::string& text, peer::PeerPart part = peer::PeerPart::required) {
  const base::Result<Multiaddr> address = peer::parse_multiaddr(text, part);
  return address ? address->text() : "rejected: " + address.error().message;
}

bool is_rejected(const std::string& text) {
  return !peer::parse_multiaddr(text);
}

}  // namespace

TEST_CASE("every recorded case has its verdict and its canonical form") {
  const nlohmann::json document = testing::read_cases("multiaddr_cases.json");
  const peer::PeerId self = *peer::parse_peer_id(document["self"].get<std::string>());
  int accepted = 0;
  int rejected = 0;
  for (const nlohmann::json& line : document["cases"]) {
    const std::string input = line["input"];
    const peer::BootstrapPlan plan = peer::plan_bootstrap(std::vector<std::string>{input}, self);
    CHECK_MESSAGE(plan.peers.size() + plan.rejected.size() == 1, input);
    if (line["verdict"] == "accept") {
      ++accepted;
      REQUIRE_MESSAGE(plan.peers.size() == 1, input, ": ", plan.rejected[0].reason);
      CHECK_MESSAGE(plan.peers[0].addresses[0].text() == line["canonical"], input);
    } else if (line["verdict"] == "self") {
      REQUIRE_MESSAGE(plan.rejected.size() == 1, input);
      CHECK(plan.rejected[0].reason == "this agent itself");
    } else {
      ++rejected;
      CHECK(line["verdict"] == "reject");
      CHECK_MESSAGE(is_rejected(input), input, " (", line["reason"], ")");
    }
  }
  CHECK(accepted >= 8);
  CHECK(rejected >= 40);
}

TEST_CASE("a rejection says what is wrong") {
  const std::string tail = "/tcp/4001/p2p/" + id;
  CHECK(read("") == "rejected: empty");
  CHECK(read("/") == "rejected: truncated");
  CHECK(read("/ip4") == "rejected: truncated");
  CHECK(read("/ip4/192.0.2.7") == "rejected: truncated");
  CHECK(read("/ip4/192.0.2.7/tcp") == "rejected: truncated");
  CHECK(read("/ip6zone") == "rejected: truncated");
  CHECK(read("/ip6zone/eth0") == "rejected: truncated");
  CHECK(read("/ip4/192.0.2.7/tcp/1/p2p/") == "rejected: truncated");
  CHECK(read("ip4/192.0.2.7" + tail) == "rejected: does not begin with /");
  CHECK(read("/ip4/192.0.2.7/udp/4001/p2p/" + id) == "rejected: transport must be tcp");
  CHECK(read("/ip4/192.0.2.7/tcp/4001/ws/p2p/" + id) == "rejected: unexpected component after the port: ws");
  CHECK(read("/ip4/192.0.2.7" + tail + "/p2p-circuit") == "rejected: unexpected component after the peer id");
  CHECK(read("/dnsaddr/a.example" + tail) == "rejected: unsupported first component dnsaddr");
  CHECK(read("/" + std::string(400, 'x') + "/1") == "rejected: unsupported first component " + std::string(32, 'x'));
  CHECK(read("/ip6/fe80::1" + tail) == "rejected: link-local address without a zone; use /ip6zone/INTERFACE/ip6/");
  CHECK(read("/ip6zone/eth0/ip4/192.0.2.7" + tail) == "rejected: a zone is followed by /ip6/");
  CHECK(read("/ip4/255.255.255.255" + tail) == "rejected: multicast or reserved address");
  CHECK(read("/ip6/::" + tail) == "rejected: unspecified address cannot be dialled");
}

TEST_CASE("one slash at the end is trimmed and leading zeros of a port go") {
  const std::string plain = "/ip4/192.0.2.7/tcp/80/p2p/" + id;
  CHECK(read(plain + "/") == plain);
  CHECK(is_rejected(plain + "//"));
  CHECK(read("/ip4/192.0.2.7/tcp/0080/p2p/" + id) == plain);
  CHECK(read("/ip4/192.0.2.7/tcp/00000000080/p2p/" + id) == plain);
  CHECK(read("/ip4/192.0.2.7/tcp/65535/p2p/" + id) == "/ip4/192.0.2.7/tcp/65535/p2p/" + id);
  for (const char* port : {"0", "000", "65536", "065536", "100000", "8 0", "0x50", "80.", ""}) {
    CHECK_MESSAGE(is_rejected("/ip4/192.0.2.7/tcp/" + std::string(port) + "/p2p/" + id), port);
  }
}

TEST_CASE("an IPv4-mapped IPv6 address becomes ip4, under ip4's rules and never past them") {
  CHECK(read("/ip6/::ffff:192.0.2.7/tcp/80/p2p/" + id) == "/ip4/192.0.2.7/tcp/80/p2p/" + id);
  CHECK(read("/ip6/::FFFF:c000:207/tcp/80/p2p/" + id) == "/ip4/192.0.2.7/tcp/80/p2p/" + id);
  CHECK(is_rejected("/ip6/::ffff:224.0.0.1/tcp/80/p2p/" + id));
  CHECK(is_rejected("/ip6/::ffff:255.255.255.255/tcp/80/p2p/" + id));
  CHECK(is_rejected("/ip6zone/eth0/ip6/::ffff:192.0.2.7/tcp/80/p2p/" + id));
}

TEST_CASE("ids become the base58 form under /p2p/, however they were written") {
  const std::string plain = "/dns/a.example/tcp/80/p2p/" + id;
  CHECK(read("/dns/a.example/tcp/80/ipfs/" + id) == plain);
  CHECK(read("/dns/a.example/tcp/80/ipfs/bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324") == plain);
}

TEST_CASE("host names are lower case, have no final dot, and labels of letters, digits and inner hyphens") {
  const std::string label(63, 'a');
  CHECK(read("/dns/A-1.Example./tcp/80/p2p/" + id) == "/dns/a-1.example/tcp/80/p2p/" + id);
  CHECK(read("/dns4/localhost/tcp/80/p2p/" + id) == "/dns4/localhost/tcp/80/p2p/" + id);
  CHECK(read("/dns6/xn--mgb/tcp/80/p2p/" + id) == "/dns6/xn--mgb/tcp/80/p2p/" + id);
  CHECK(read("/dns/1.2.3.example/tcp/80/p2p/" + id) == "/dns/1.2.3.example/tcp/80/p2p/" + id);
  CHECK_FALSE(is_rejected("/dns/" + label + "/tcp/80/p2p/" + id));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  CHECK_FALSE(is_rejected("/dns/" + longest + "./tcp/80/p2p/" + id));
  for (const std::string& host :
       {label + "a", longest + "a", std::string("."), std::string("a.."), std::string(".a"), std::string("a_b"),
        std::string("a-"), std::string("a.-b"), std::string("a:80"), std::string("*.example")}) {
    CHECK_MESSAGE(is_rejected("/dns/" + host + "/tcp/80/p2p/" + id), host);
  }
}

TEST_CASE("names that resolvers take for addresses do not get past the rules for addresses") {
  for (const char* host : {"224.0.0.1", "0.0.0.0", "0", "2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1",
                           "a.0x7f000001", "example.0X", "192.0.2.7."}) {
    CHECK_MESSAGE(
        read("/dns4/" + std::string(host) + "/tcp/80/p2p/" + id) == "rejected: host name: ends in a number; use /ip4/",
        host);
  }
}

TEST_CASE("a zone belongs to a link-local address and is the name of an interface") {
  CHECK(read("/ip6zone/eth0.2/ip6/FE80:0::1/tcp/80/p2p/" + id) == "/ip6zone/eth0.2/ip6/fe80::1/tcp/80/p2p/" + id);
  CHECK(read("/ip6zone/2/ip6/febf::1/tcp/80/p2p/" + id) == "/ip6zone/2/ip6/febf::1/tcp/80/p2p/" + id);
  CHECK(is_rejected("/ip6zone/sixteenlettersxx/ip6/fe80::1/tcp/80/p2p/" + id));
  CHECK(is_rejected("/ip6zone/a%b/ip6/fe80::1/tcp/80/p2p/" + id));
  CHECK(is_rejected("/ip6zone/eth0/ip6/fec0::1/tcp/80/p2p/" + id));
  CHECK(is_rejected("/ip6zone/eth0/dns6/a.example/tcp/80/p2p/" + id));
}

TEST_CASE("an address without a peer is accepted only where that is asked for") {
  const std::string plain = "/ip4/192.0.2.7/tcp/80";
  CHECK(read(plain) == "rejected: without /p2p/ and the peer's id");
  CHECK(read(plain, peer::PeerPart::optional) == plain);
  CHECK(read(plain + "/", peer::PeerPart::optional) == plain);
  CHECK(read(plain + "/p2p/" + id, peer::PeerPart::optional) == plain + "/p2p/" + id);
  CHECK(read(plain + "/p2p", peer::PeerPart::optional) == "rejected: truncated");
  CHECK(read(plain + "/p2p/x", peer::PeerPart::optional).starts_with("rejected: peer id: "));
}

TEST_CASE("512 characters are accepted and 513 are not") {
  const auto padded = [](std::size_t size) {
    const std::string head = "/ip4/192.0.2.7/tcp/";
    const std::string tail = "80/p2p/" + id;
    return head + std::string(size - head.size() - tail.size(), '0') + tail;
  };
  CHECK(read(padded(512)) == "/ip4/192.0.2.7/tcp/80/p2p/" + id);
  CHECK(read(padded(513)) == "rejected: too long");
}

TEST_CASE("addresses are equal when their canonical forms are") {
  const Multiaddr one = *peer::parse_multiaddr("/ip6/2001:DB8::0:7/tcp/080/ipfs/" + id);
  const Multiaddr two = *peer::parse_multiaddr("/ip6/2001:db8::7/tcp/80/p2p/" + id + "/");
  CHECK(one == two);
  CHECK(one != *peer::parse_multiaddr("/ip6/2001:db8::7/tcp/81/p2p/" + id));
  CHECK(one != *peer::parse_multiaddr("/ip6/2001:db8::7/tcp/80/p2p/" + testing::id_of_seed(2).text()));
}

TEST_CASE("whatever damage is done, what is accepted has one canonical form, which is accepted as it is") {
  testing::Dice dice(5);
  const std::vector<std::string> seeds{"/ip4/192.0.2.7/tcp/4001/p2p/" + id, "/ip6/2001:db8::7/tcp/4001/p2p/" + id + "/",
                                       "/dns4/Cache.Example.COM./tcp/1/ipfs/" + id,
                                       "/ip6zone/eth0/ip6/fe80::1/tcp/65535/p2p/" + id,
                                       "/ip6/::ffff:192.0.2.7/tcp/080/p2p/" + id};
  const std::string letters = "/:.0123456789abcdefxp-tcpdnsip6zone \x80";
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[dice.below(seeds.size())];
    for (std::size_t n = dice.below(3) + 1; n > 0 && !text.empty(); --n) {
      const auto at = static_cast<std::ptrdiff_t>(dice.below(std::min<std::size_t>(text.size(), 40)));
      switch (dice.below(4)) {
        case 0: text[static_cast<std::size_t>(at)] = letters[dice.below(letters.size())]; break;
        case 1: text.insert(text.begin() + at, letters[dice.below(letters.size())]); break;
        case 2: text.erase(text.begin() + at); break;
        case 3: text.insert(static_cast<std::size_t>(at), text.substr(dice.below(text.size()), dice.below(20))); break;
      }
    }
    if (const base::Result<Multiaddr> address = peer::parse_multiaddr(text, peer::PeerPart::optional)) {
      ++accepted;
      const base::Result<Multiaddr> again = peer::parse_multiaddr(address->text(), peer::PeerPart::optional);
      REQUIRE_MESSAGE(again, text);
      CHECK(*again == *address);
      CHECK(again->text() == address->text());
    }
  }
  CHECK(accepted > 500);
}
