#include "cli/agent/overlay_plan.hpp"

#include <array>
#include <doctest/doctest.h>
#include <map>

using namespace ghoard;
using namespace ghoard::agent;

namespace {

using Flags = std::map<std::string, std::string>;

constexpr std::string_view stable_token = "ghp_PlanTestToken00000000000000000000001";
static_assert(stable_token.size() == 40);

std::string key_of(std::uint8_t byte) {
  std::array<std::uint8_t, peer::network_secret_size> random{};
  random.fill(byte);
  return peer::make_network_key(random);
}

peer::Identity identity_of(std::uint8_t byte) {
  std::array<std::uint8_t, peer::Identity::seed_size> seed{};
  seed.fill(byte);
  return peer::Identity::create(seed).value();
}

settings::Settings settings_of(const Flags& flags) {
  return settings::Settings::load(
             {"/nowhere", "/nowhere", "/nowhere", "/nowhere"}, [](const std::string&) { return std::nullopt; }, flags)
      .value();
}

/// As the agent does it, with `token` told at the start.
OverlayPlan plan(const Flags& flags, std::string_view token = {}, bool* asked_identity = nullptr) {
  const settings::Settings settings = settings_of(flags);
  return plan_overlay(settings, derive_secrets(settings.text("network_key"), token, settings.text("network_name")),
                      [&]() -> base::Result<HeldIdentity> {
                        if (asked_identity != nullptr) {
                          *asked_identity = true;
                        }
                        return HeldIdentity{identity_of(1), HeldIdentity::Origin::loaded};
                      });
}

std::string address_of(std::uint8_t peer, int port = 9100) {
  return "/ip4/10.0.0.1/tcp/" + std::to_string(port) + "/p2p/" + identity_of(peer).id().text();
}

}  // namespace

TEST_CASE("without a wish for peers nothing listens, although there is a token to make a key from") {
  bool asked = false;
  const OverlayPlan made = plan({}, stable_token, &asked);
  CHECK(made.off.reason.starts_with("nothing to share with"));
  CHECK_FALSE(made.off.is_fault);
  CHECK_FALSE(asked);  // no identity file is made for nothing
}

TEST_CASE("any of a network key, bootstrap peers, a listen setting and a discovery repository is such a wish") {
  for (const Flags& flags :
       {Flags{{"network_key", key_of(1)}}, Flags{{"bootstrap_peers", address_of(2)}}, Flags{{"listen_port", "9100"}},
        Flags{{"listen_addr", "127.0.0.1"}}, Flags{{"github_repo", "o/r"}}}) {
    CAPTURE(flags.begin()->first);
    const OverlayPlan made = plan(flags, stable_token);
    CHECK(made.off.reason == "");
    CHECK(made.options.keys.size() == 1);
  }
}

TEST_CASE("switched off is off, whatever else is set") {
  const OverlayPlan made = plan({{"enable_p2p", "no"}, {"network_key", key_of(1)}});
  CHECK(made.off.reason == "peer sharing is switched off (enable_p2p)");
  CHECK_FALSE(made.off.is_fault);
}

TEST_CASE("a key made from a token shares that token's answers alone, a network key all") {
  const OverlayPlan of_token = plan({{"listen_port", "0"}}, stable_token);
  REQUIRE(of_token.options.only_token);
  CHECK(*of_token.options.only_token == github::canonical_credential("token " + std::string(stable_token)).fingerprint);
  const OverlayPlan of_key = plan({{"network_key", key_of(1)}}, stable_token);
  CHECK_FALSE(of_key.options.only_token);
  CHECK(of_key.options.keys.front().id() != of_token.options.keys.front().id());
}

TEST_CASE("several network keys are taken in their order, and another network name makes other keys") {
  const OverlayPlan both = plan({{"network_key", key_of(1) + "," + key_of(2)}});
  REQUIRE(both.options.keys.size() == 2);
  CHECK(both.options.keys[0].id() == plan({{"network_key", key_of(1)}}).options.keys[0].id());
  CHECK(both.options.keys[1].id() == plan({{"network_key", key_of(2)}}).options.keys[0].id());
  CHECK(both.options.keys[0].id() !=
        plan({{"network_key", key_of(1)}, {"network_name", "other"}}).options.keys[0].id());
}

TEST_CASE("a bad network key, an unstable token and no token are faults that name the way out and not the secret") {
  const std::string five = key_of(1) + "," + key_of(2) + "," + key_of(3) + "," + key_of(4) + "," + key_of(5);
  for (const std::string& keys : {std::string("correct-horse"), key_of(1) + "," + key_of(1), five}) {
    const OverlayPlan made = plan({{"network_key", keys}}, stable_token);
    CHECK(made.off.is_fault);
    CHECK(made.off.reason.find("network key") != std::string::npos);
    CHECK(made.off.reason.find(keys.substr(0, 13)) == std::string::npos);
  }
  const OverlayPlan unstable = plan({{"listen_port", "0"}}, "gho_PlanTestToken00000000000000000000001");
  CHECK(unstable.off.is_fault);
  CHECK(unstable.off.reason.find("set a network key") != std::string::npos);
  const OverlayPlan none = plan({{"listen_port", "0"}});
  CHECK(none.off.is_fault);
  CHECK(none.off.reason.find("new-key") != std::string::npos);
}

TEST_CASE("an identity that cannot be had keeps the overlay off with its reason") {
  const settings::Settings settings = settings_of({{"network_key", key_of(1)}});
  const OverlayPlan made = plan_overlay(settings, derive_secrets(settings.text("network_key"), {}, "default"), [] {
    return base::fail(base::ErrorCode::refused, "identity file /x is a symbolic link");
  });
  CHECK(made.off.reason == "identity file /x is a symbolic link");
  CHECK(made.off.is_fault);
}

TEST_CASE("bad bootstrap entries and this very agent are left out with their reason, and the good ones stay") {
  const OverlayPlan made = plan({{"network_key", key_of(1)},
                                 {"bootstrap_peers", "10.0.0.1:9100," + address_of(2) + "," + address_of(1)},
                                 {"denied_peers", identity_of(3).id().text() + ",nobody," + address_of(4)}});
  CHECK(made.off.reason == "");
  REQUIRE(made.options.bootstrap.size() == 1);
  CHECK(made.options.bootstrap[0].id == identity_of(2).id());
  REQUIRE(made.rejected.size() == 3);
  CHECK(made.rejected[0].entry == "10.0.0.1:9100");
  CHECK(made.rejected[1].reason == "this agent itself");
  CHECK(made.rejected[2].entry == "nobody");
  CHECK(made.rejected[2].reason.starts_with("denied_peers: "));
  CHECK(made.options.denied == std::set<peer::PeerId>{identity_of(3).id(), identity_of(4).id()});
}

TEST_CASE("the port is looked for unless it was set, and what is announced has to be an address of this agent's") {
  CHECK_FALSE(plan({{"network_key", key_of(1)}}).options.listen.port_is_explicit);
  CHECK(plan({{"network_key", key_of(1)}}).options.listen.port == 9100);
  const OverlayPlan fixed = plan({{"network_key", key_of(1)}, {"listen_port", "9105"}, {"listen_addr", "::1"}});
  CHECK(fixed.options.listen.port_is_explicit);
  CHECK(fixed.options.listen.port == 9105);
  CHECK(fixed.options.listen.address == "::1");

  const OverlayPlan announced = plan({{"network_key", key_of(1)}, {"announce_addr", "/dns4/A.example/tcp/1"}});
  REQUIRE(announced.options.announce);
  CHECK(announced.options.announce->text() == "/dns4/a.example/tcp/1");
  CHECK(plan({{"network_key", key_of(1)}, {"announce_addr", address_of(1)}}).off.reason == "");
  CHECK(plan({{"network_key", key_of(1)}, {"announce_addr", address_of(2)}}).off.reason ==
        "announce_addr: it names another peer; leave out /p2p/ and the id");
  CHECK(plan({{"network_key", key_of(1)}, {"announce_addr", "here"}}).off.is_fault);
}

TEST_CASE("copied secrets are the same secrets") {
  const NetworkSecrets secrets = derive_secrets(key_of(1) + "," + key_of(2), {}, "default");
  const base::Result<NetworkSecrets> copy = copy_of(secrets);
  REQUIRE(copy);
  REQUIRE(copy->keys.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(copy->keys[i].noise_psk.equals(secrets.keys[i].noise_psk.bytes()));
    CHECK(copy->keys[i].registry_key.equals(secrets.keys[i].registry_key.bytes()));
  }
  CHECK(copy->source == secrets.source);
}
