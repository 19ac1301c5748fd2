#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/mesh/registry.hpp"
#include "core/peer/identity.hpp"
#include "tests/core/mesh/virtual_links.hpp"
#include "tests/support/manual_clock.hpp"

namespace ghoard::testing {

inline peer::Identity registry_identity(std::uint8_t number) {
  std::array<std::uint8_t, peer::Identity::seed_size> seed{};
  seed.fill(number);
  return *peer::Identity::create(seed);
}

inline base::SecretBytes registry_key(std::uint8_t fill) {
  std::array<std::uint8_t, peer::seal_key_size> bytes{};
  bytes.fill(fill);
  return *base::SecretBytes::copy(bytes);
}

inline peer::Multiaddr registry_address(std::uint8_t number) {
  return {peer::Multiaddr::Kind::ip4, "10.0.0." + std::to_string(number), "", 9100, std::nullopt};
}

inline std::array<std::uint8_t, peer::seal_nonce_size> some_nonce(std::uint8_t fill = 9) {
  std::array<std::uint8_t, peer::seal_nonce_size> nonce{};
  nonce.fill(fill);
  return nonce;
}

/// A repository as GitHub shows it: issues and comments in memory. A read that repeats what the same caller saw is
/// free, as a 304 is.
class FakeRepository {
 public:
  struct Issue {
    std::uint64_t number = 0;
    std::string title;
    bool open = true;
    bool pull_request = false;
  };
  struct Comment {
    std::uint64_t id = 0;
    std::uint64_t issue = 0;
    std::string body;
  };
  struct Call {
    std::string method;
    std::string target;
    std::string caller;
    bool paid = true;
  };

  mesh::RegistryAnswer answer(const std::string& caller, const std::string& method, const std::string& target,
                              const std::string& body) {
    mesh::RegistryAnswer result = refusal ? refusal(caller, method, target) : mesh::RegistryAnswer{};
    if (result.status == 0) {
      result = route(method, target, body);
    }
    const std::string text = result.body ? *result.body : "";
    const auto [seen, is_new] = m_shown.try_emplace(caller + target, text);
    const bool unchanged = !is_new && seen->second == text;
    seen->second = text;
    calls.push_back({method, target, caller, method != "GET" || !unchanged});
    return result;
  }
  std::uint64_t add_issue(const std::string& title, bool pull_request = false) {
    issues.push_back({++m_last, title, true, pull_request});
    return m_last;
  }
  std::uint64_t add_comment(std::uint64_t issue, std::string body) {
    comments.push_back({++m_last, issue, std::move(body)});
    return m_last;
  }
  [[nodiscard]] std::size_t count(const std::string& method, const std::string& caller = {}) const {
    return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), [&](const Call& call) {
      return call.method == method && (caller.empty() || call.caller == caller);
    }));
  }
  [[nodiscard]] std::size_t paid() const {
    return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), [](const Call& c) { return c.paid; }));
  }

  std::vector<Issue> issues;
  std::vector<Comment> comments;
  std::vector<Call> calls;
  /// Answers instead of the repository unless its status is 0.
  std::function<mesh::RegistryAnswer(const std::string& caller, const std::string& method, const std::string& target)>
      refusal;

 private:
  static mesh::RegistryAnswer json(int status, const nlohmann::json& value) {
    return {status, {}, std::make_shared<const std::string>(value.dump())};
  }
  static std::uint64_t number_after(const std::string& text, const std::string& before) {
    const std::size_t at = text.find(before);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + before.size()));
  }
  template <class Items>
  static mesh::RegistryAnswer page(const std::string& target, const Items& items) {
    const std::size_t first = (number_after(target, "&page=") - 1) * 100;
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = first; i < std::min(items.size(), first + 100); ++i) {
      list.push_back(items[i]);
    }
    return json(200, list);
  }
  mesh::RegistryAnswer route(const std::string& method, const std::string& target, const std::string& body) {
    const bool about_comments = target.find("/comments") != std::string::npos;
    if (method == "PATCH") {
      for (Comment& comment : comments) {
        if (comment.id == number_after(target, "/comments/")) {
          comment.body = nlohmann::json::parse(body)["body"];
          return json(200, {{"id", comment.id}});
        }
      }
      return json(404, {{"message", "Not Found"}});
    }
    if (method == "POST") {
      const nlohmann::json sent = nlohmann::json::parse(body);
      return about_comments ? json(201, {{"id", add_comment(number_after(target, "/issues/"), sent["body"])}})
                            : json(201, {{"number", add_issue(sent["title"])}, {"id", 5}});
    }
    std::vector<nlohmann::json> items;
    if (about_comments) {
      for (const Comment& comment : comments) {
        if (comment.issue == number_after(target, "/issues/")) {
          items.push_back({{"id", comment.id}, {"body", comment.body}, {"user", {{"id", 1}}}});
        }
      }
    } else {
      for (const Issue& issue : issues) {
        if (issue.open) {
          items.push_back({{"number", issue.number}, {"title", issue.title}, {"body", nullptr}});
          if (issue.pull_request) {
            items.back()["pull_request"] = {{"url", "x"}};
          }
        }
      }
    }
    return page(target, items);
  }

  std::uint64_t m_last = 0;
  std::map<std::string, std::string> m_shown;
};

class FakeRegistryApi final : public mesh::RegistryApi {
 public:
  FakeRegistryApi(FakeRepository& repository, std::string caller)
      : m_repository(repository), m_caller(std::move(caller)) {}
  void ask(std::string method, std::string target, std::string body, Done done) override {
    done(m_repository.answer(m_caller, method, target, body));
  }

 private:
  FakeRepository& m_repository;
  std::string m_caller;
};

/// Notes who is dialled; links are made by the test.
class DialledLinks final : public mesh::Links {
 public:
  void send(const mesh::PeerId&, mesh::Message) override {}
  void dial(const mesh::PeerId& to, std::vector<peer::Multiaddr> addresses) override { dialled[to] = addresses; }
  void dial_back(const mesh::PeerId&, std::vector<peer::Multiaddr>) override {}
  void close(const mesh::PeerId&) override {}
  void wake() override {}

  std::map<mesh::PeerId, std::vector<peer::Multiaddr>> dialled;
};

/// One agent as far as discovery concerns it.
struct RegistryAgent {
  RegistryAgent(std::uint8_t agent_number, mesh::RegistryApi& agent_api, ManualClock& agent_clock,
                std::uint8_t network = 1)
      : number(agent_number),
        api(agent_api),
        clock(agent_clock),
        random(agent_number),
        identity(std::make_shared<const peer::Identity>(registry_identity(agent_number))) {
    mesh::MemberOptions options;
    options.self.id = identity->id();
    options.self.sequence = 1;
    options.self.addresses = {registry_address(agent_number)};
    members = std::make_unique<mesh::Members>(std::move(options), links, clock, [this] { return random(); });
    members->start();
    start(network);
  }
  /// Anew, as another process of the same machine would.
  void start(std::uint8_t network = 1) {
    mesh::RegistryOptions options;
    options.place = {"acme/peers", "default"};
    options.keys.push_back(registry_key(network));
    options.identity = identity;
    registry = std::make_unique<mesh::Registry>(std::move(options), *members, api, clock, [this] { return random(); });
  }
  [[nodiscard]] mesh::PeerId id() const { return identity->id(); }
  [[nodiscard]] bool knows(const RegistryAgent& other) const {
    const std::vector<mesh::MemberInfo> list = members->list();
    return std::any_of(list.begin(), list.end(),
                       [&](const mesh::MemberInfo& info) { return info.record.id == other.id(); });
  }

  std::uint8_t number;
  mesh::RegistryApi& api;
  ManualClock& clock;
  SeededRandom random;
  std::shared_ptr<const peer::Identity> identity;
  DialledLinks links;
  std::unique_ptr<mesh::Members> members;
  std::unique_ptr<mesh::Registry> registry;
};

inline void link_agents(RegistryAgent& one, RegistryAgent& other) {
  one.members->link_up(other.id(), false, "10.0.0.99");
  other.members->link_up(one.id(), true, "10.0.0.99");
}

}  // namespace ghoard::testing
