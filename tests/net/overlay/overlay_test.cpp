#include "net/overlay/overlay.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <thread>

#include "core/github/routes.hpp"
#include "tests/net/overlay/caller.hpp"
#include "tests/net/overlay/rig.hpp"

namespace ghoard::overlay::testing {

namespace {

using boost::asio::io_context;

/// An engine that keeps what it is given.
class KeepingHost final : public cache::PeerHost {
 public:
  std::optional<cache::SharedValue> find_shared(const cache::Resource&, const cache::ResourceKey& key,
                                                const cache::Fingerprint&, std::optional<base::Seconds>) override {
    const auto found = kept.find(key);
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  }
  void keep_shared(const cache::Resource&, const cache::ResourceKey& key, const cache::SharedValue& value) override {
    kept.insert_or_assign(key, value);
  }
  base::Result<void> apply(const std::vector<cache::Change>& changes) override {
    applied += changes.size();
    return {};
  }
  void distrust_older(bool) override {}

  std::map<cache::ResourceKey, cache::SharedValue> kept;
  std::size_t applied = 0;
};

std::unique_ptr<Overlay> make_overlay(io_context& loop, std::uint8_t seed, cache::PeerHost& host,
                                      const base::Clock& clock, const std::vector<peer::BootstrapPeer>& bootstrap,
                                      const std::string& keys = "a") {
  OverlayOptions options;
  options.identity = identity_of(seed);
  options.keys = keys_of(keys);
  options.listen = {"127.0.0.1", 0, false};
  options.bootstrap = bootstrap;
  options.software = "ghoard/test";
  base::Result<std::unique_ptr<Overlay>> overlay = Overlay::create(loop, std::move(options), host, clock);
  REQUIRE(overlay);
  return *std::move(overlay);
}

peer::BootstrapPeer bootstrap_of(const Overlay& overlay) {
  const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(overlay.listen_addresses().at(0));
  REQUIRE(address);
  return {*address->peer, {*address}};
}

bool is_linked(Overlay& overlay, std::size_t peers) {
  return overlay.node().members().linked().size() == peers;
}

/// Everybody knows everybody as one that may own keys.
bool may_own(Overlay& overlay, std::size_t peers) {
  return overlay.node().members().owners(mesh::SlotKey{}, 64).size() == peers;
}

cache::PeerQuestion question_about(const std::string& path) {
  cache::PeerQuestion question;
  question.resource = {"api.github.com", path, "", std::string(github::default_accept),
                       std::string(github::default_api_version)};
  question.key = github::key_of(question.resource);
  question.fingerprint = base::sha256("a token");
  return question;
}

cache::SharedValue answer_of(const std::string& text) {
  cache::SharedValue value;
  value.body = std::make_shared<const std::string>(text);
  value.fingerprint = base::sha256("a token");
  value.etag = "\"0123\"";
  return value;
}

struct Trio {
  SystemClock clock;
  io_context loop;
  std::array<KeepingHost, 3> hosts;
  std::vector<std::unique_ptr<Overlay>> overlays;

  Trio() {
    std::vector<peer::BootstrapPeer> first;
    for (std::uint8_t i = 0; i < 3; ++i) {
      overlays.push_back(make_overlay(loop, static_cast<std::uint8_t>(i + 1), hosts.at(i), clock, first));
      if (i == 0) {
        first.push_back(bootstrap_of(*overlays[0]));
      }
    }
  }
  [[nodiscard]] bool meet() {
    return run_until(loop, [&] {
      return std::all_of(overlays.begin(), overlays.end(),
                         [](const auto& overlay) { return is_linked(*overlay, 2) && may_own(*overlay, 3); });
    });
  }
};

}  // namespace

TEST_SUITE("net/overlay/overlay") {
  TEST_CASE("overlays that know one of them find each other and may all own keys") {
    Trio trio;
    REQUIRE(trio.meet());
    for (const auto& overlay : trio.overlays) {
      CHECK(overlay->links().size() == 2);
      CHECK(overlay->links()[0].software == "ghoard/test");
    }
  }

  TEST_CASE("one fetches, the others get its value") {
    Trio trio;
    REQUIRE(trio.meet());
    const cache::PeerQuestion question = question_about("/repos/o/r");
    std::vector<std::optional<cache::PeerAnswer>> answers(3);
    std::vector<std::unique_ptr<cache::PeerNetwork::Question>> open;
    for (std::size_t i = 0; i < 3; ++i) {
      open.push_back(trio.overlays[i]->network().ask(
          question, [&answers, i](cache::PeerAnswer answer) { answers[i] = std::move(answer); }));
    }
    const auto leases = [&] {
      return std::count_if(answers.begin(), answers.end(), [](const auto& answer) {
        const auto* ahead = answer ? std::get_if<cache::GoAhead>(&*answer) : nullptr;
        return ahead != nullptr && ahead->lease != nullptr;
      });
    };
    REQUIRE(run_until(trio.loop, [&] { return leases() == 1; }));
    for (auto& answer : answers) {
      if (answer) {
        std::get<cache::GoAhead>(*answer).lease->done(answer_of("the answer"));
      }
    }
    REQUIRE(run_until(trio.loop, [&] {
      return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer.has_value(); });
    }));
    std::size_t values = 0;
    for (const auto& answer : answers) {
      if (const auto* value = std::get_if<cache::SharedValue>(&*answer)) {
        CHECK(*value->body == "the answer");
        ++values;
      }
    }
    CHECK(values == 2);
    answers.clear();
    open.clear();
  }

  TEST_CASE("an announced change is applied by all before it is acknowledged") {
    Trio trio;
    REQUIRE(trio.meet());
    bool acknowledged = false;
    trio.overlays[0]->network().announce({base::sha256("a token")}, [&] { acknowledged = true; });
    REQUIRE(run_until(trio.loop, [&] { return acknowledged; }));
    REQUIRE(run_until(trio.loop, [&] { return trio.hosts[1].applied == 1 && trio.hosts[2].applied == 1; }));
    CHECK(trio.hosts[0].applied == 0);
  }

  TEST_CASE("a peer that stops is gone for the others at once and they keep their link") {
    Trio trio;
    REQUIRE(trio.meet());
    trio.overlays[0]->stop();
    REQUIRE(run_until(trio.loop, [&] {
      return is_linked(*trio.overlays[1], 1) && may_own(*trio.overlays[1], 2) && is_linked(*trio.overlays[2], 1);
    }));
  }

  TEST_CASE("a peer that starts later than those who know it is joined") {
    SystemClock clock;
    io_context loop;
    KeepingHost host_a;
    KeepingHost host_b;
    const std::uint16_t later = Trap().port();
    peer::BootstrapPeer expected{identity_of(2)->id(), {loopback(later)}};
    const auto a = make_overlay(loop, 1, host_a, clock, {expected});
    loop.run_for(std::chrono::milliseconds(1));
    OverlayOptions options;
    options.identity = identity_of(2);
    options.keys = keys_of("a");
    options.listen = {"127.0.0.1", later, true};
    base::Result<std::unique_ptr<Overlay>> b = Overlay::create(loop, std::move(options), host_b, clock);
    REQUIRE(b);
    CHECK(run_until(loop, [&] { return is_linked(*a, 1) && is_linked(**b, 1); }));
  }

  TEST_CASE("peers are added and removed while it runs") {
    SystemClock clock;
    io_context loop;
    KeepingHost host_a;
    KeepingHost host_b;
    const auto a = make_overlay(loop, 1, host_a, clock, {});
    const auto b = make_overlay(loop, 2, host_b, clock, {});
    a->add_peer(bootstrap_of(*b));
    REQUIRE(run_until(loop, [&] { return is_linked(*a, 1) && is_linked(*b, 1); }));
    a->remove_peer(identity_of(2)->id());
    REQUIRE(run_until(loop, [&] { return is_linked(*a, 0); }));
  }

  TEST_CASE("another network key keeps networks apart") {
    SystemClock clock;
    io_context loop;
    KeepingHost host_a;
    KeepingHost host_b;
    KeepingHost host_c;
    const auto a = make_overlay(loop, 1, host_a, clock, {});
    const auto b = make_overlay(loop, 2, host_b, clock, {bootstrap_of(*a)}, "b");
    const auto c = make_overlay(loop, 3, host_c, clock, {bootstrap_of(*a)});
    REQUIRE(run_until(loop, [&] { return is_linked(*c, 1); }));
    CHECK(is_linked(*b, 0));
    CHECK(is_linked(*a, 1));
  }

  TEST_CASE("the network key is switched in a running overlay") {
    Trio trio;
    REQUIRE(trio.meet());
    for (const std::string keys : {"ab", "ba", "b"}) {
      for (const auto& overlay : trio.overlays) {
        overlay->set_keys(keys_of(keys));
      }
      REQUIRE(run_until(trio.loop, [&] {
        return std::all_of(trio.overlays.begin(), trio.overlays.end(), [](const auto& overlay) {
          const std::vector<LinkFigures> links = overlay->links();
          return links.size() == 2 &&
                 std::all_of(links.begin(), links.end(), [](const LinkFigures& link) { return link.key_index == 0; });
        });
      }));
    }
  }

  TEST_CASE("without a key, or with a port that is taken, there is no overlay and a reason") {
    SystemClock clock;
    io_context loop;
    KeepingHost host;
    OverlayOptions options;
    options.identity = identity_of(1);
    const auto without = Overlay::create(loop, std::move(options), host, clock);
    REQUIRE_FALSE(without);
    CHECK(without.error().code == base::ErrorCode::invalid_input);
    const Trap taken;
    OverlayOptions occupied;
    occupied.identity = identity_of(1);
    occupied.keys = keys_of("a");
    occupied.listen = {"127.0.0.1", taken.port(), true};
    const auto busy = Overlay::create(loop, std::move(occupied), host, clock);
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code == base::ErrorCode::busy);
  }

  TEST_CASE("the announced address comes first") {
    SystemClock clock;
    io_context loop;
    KeepingHost host;
    OverlayOptions options;
    options.identity = identity_of(1);
    options.keys = keys_of("a");
    options.listen = {"127.0.0.1", 0, false};
    options.announce = *peer::parse_multiaddr("/dns4/ghoard.example/tcp/9100", peer::PeerPart::optional);
    const auto overlay = Overlay::create(loop, std::move(options), host, clock);
    REQUIRE(overlay);
    const std::vector<std::string> addresses = (*overlay)->listen_addresses();
    REQUIRE(addresses.size() == 2);
    CHECK(addresses[0] == "/dns4/ghoard.example/tcp/9100/p2p/" + identity_of(1)->id().text());
    CHECK(peer::parse_multiaddr(addresses[1]));
  }

  TEST_CASE("overlays on threads of their own, as processes have them, meet") {
    SystemClock clock;
    KeepingHost host_a;
    KeepingHost host_b;
    io_context loop_a;
    io_context loop_b;
    auto a = make_overlay(loop_a, 1, host_a, clock, {});
    auto b = make_overlay(loop_b, 2, host_b, clock, {bootstrap_of(*a)});
    std::atomic<bool> met{false};
    std::atomic<bool> other_met{false};
    std::thread other([&] {
      other_met = run_until(loop_b, [&] { return is_linked(*b, 1) && met; });
      b.reset();
    });
    const bool linked = run_until(loop_a, [&] { return is_linked(*a, 1); });
    met = true;
    const bool left = run_until(loop_a, [&] { return is_linked(*a, 0); });
    other.join();
    CHECK(linked);
    CHECK(left);
    CHECK(other_met);
  }
}

}  // namespace ghoard::overlay::testing
