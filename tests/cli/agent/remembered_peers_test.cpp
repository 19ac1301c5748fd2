#include "cli/agent/remembered_peers.hpp"

#include <array>
#include <doctest/doctest.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "core/peer/identity.hpp"
#include "tests/cli/home.hpp"

using namespace ghoard;
using namespace ghoard::agent;
using testing::Home;

namespace {

peer::PeerId id_of(std::uint16_t number) {
  std::array<std::uint8_t, peer::Identity::seed_size> seed{};
  seed[0] = static_cast<std::uint8_t>(number);
  seed[1] = static_cast<std::uint8_t>(number >> 8U);
  return peer::Identity::create(seed).value().id();
}

peer::Multiaddr address(int port) {
  return peer::parse_multiaddr("/ip4/10.0.0.1/tcp/" + std::to_string(port), peer::PeerPart::optional).value();
}

RememberedPeers some_peers() {
  RememberedPeers peers;
  peers.met.push_back({id_of(1), 42, {address(1), address(2)}, true});
  peers.met.push_back({id_of(2), 0, {address(3)}, true, true});
  peers.added.push_back({id_of(3), {address(4)}});
  peers.added[0].addresses[0].peer = id_of(3);
  return peers;
}

bool are_equal(const RememberedPeers& one, const RememberedPeers& other) {
  return format_remembered(one) == format_remembered(other);
}

}  // namespace

TEST_CASE("whom the agent has met, and whom somebody added, is read as it was written") {
  const RememberedPeers read = parse_remembered(format_remembered(some_peers()));
  REQUIRE(read.met.size() == 2);
  CHECK(read.met[0] == some_peers().met[0]);
  CHECK(read.met[1] == some_peers().met[1]);
  REQUIRE(read.added.size() == 1);
  CHECK(read.added[0].id == id_of(3));
  CHECK(read.added[0].addresses == some_peers().added[0].addresses);
}

TEST_CASE("entries that make no sense are left out one by one") {
  const std::string good = R"({"id":")" + id_of(1).text() + R"(","addresses":["/ip4/10.0.0.1/tcp/1","nonsense",7]})";
  const std::string text =
      R"({"met":[7,{},{"id":"x"},{"id":")" + id_of(2).text() + R"("},)" + good + "," + good + R"(],"added":{"id":1}})";
  const RememberedPeers read = parse_remembered(text);
  REQUIRE(read.met.size() == 1);  // the one without an address is of no use, and each peer is there once
  CHECK(read.met[0].id == id_of(1));
  CHECK(read.met[0].addresses == std::vector{address(1)});
  CHECK_FALSE(read.met[0].reachable);
  CHECK(read.added.empty());
  for (const std::string& damaged : {std::string(), std::string("{"), std::string("[]"), std::string("null"),
                                     std::string("{\"met\":null}"), std::string(100'000, '[')}) {
    CHECK(are_equal(parse_remembered(damaged), {}));
  }
}

TEST_CASE("no file makes the agent remember more than its bounds") {
  RememberedPeers many;
  for (std::uint16_t n = 1; n <= 300; ++n) {
    many.met.push_back({id_of(n), 1, std::vector<peer::Multiaddr>(12, address(n)), true});
    many.added.push_back({id_of(n), std::vector<peer::Multiaddr>(12, address(n))});
  }
  const RememberedPeers read = parse_remembered(format_remembered(many));
  CHECK(read.met.size() == most_met);
  CHECK(read.met[0].addresses.size() == mesh::most_addresses);
  CHECK(read.added.size() == most_added);
  CHECK(read.added[0].addresses.size() == peer::most_addresses_per_peer);
  CHECK(are_equal(parse_remembered(std::string(longest_peers_file + 1, ' ')), {}));
}

TEST_CASE("the file is closed to others, replaced whole, and nothing but a regular file of ours is read") {
  const Home home;
  const std::filesystem::path file = home.root() / "peers";
  CHECK(are_equal(load_remembered(file), {}));
  home.write("peers.new", "left over by a crash");
  REQUIRE(save_remembered(file, format_remembered(some_peers())));
  CHECK(are_equal(load_remembered(file), some_peers()));
  CHECK_FALSE(std::filesystem::exists(home.root() / "peers.new"));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const std::filesystem::path link = home.root() / "link";
  std::filesystem::create_symlink(file, link);
  CHECK(are_equal(load_remembered(link), {}));
  REQUIRE(::mkfifo((home.root() / "pipe").c_str(), 0600) == 0);
  CHECK(are_equal(load_remembered(home.root() / "pipe"), {}));
  CHECK(are_equal(load_remembered(home.root()), {}));
  CHECK_FALSE(save_remembered(home.root() / "absent" / "peers", "x"));
}
