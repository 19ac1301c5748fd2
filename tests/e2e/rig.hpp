#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/soak.hpp"
#include "tests/support/standin.hpp"
#include "tests/support/temporary_home.hpp"

namespace ghoard::testing {

/// A stand-in GitHub and a private instance of the real programs that asks it.
struct Rig {
  Rig() {
    home.set("GHOARD_API_URL", github.url());
    home.set("GH_TOKEN", std::string(tokens::user_1));
  }

  StandIn github;
  TemporaryHome home;

  /// `ghoard api WORDS...` as a command that may run beside others.
  [[nodiscard]] Command api(std::vector<std::string> words, std::string_view token = {}) const {
    Command command = home.command({"ghoard", "api"});
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    if (!token.empty()) {
      command.environment["GH_TOKEN"] = std::string(token);
    }
    return command;
  }
  [[nodiscard]] ProcessResult run_api(std::vector<std::string> words, std::string_view token = {}) const {
    return run(api(std::move(words), token));
  }

  [[nodiscard]] nlohmann::json stats() const {
    return nlohmann::json::parse(home.run({"ghoard", "stats", "--json"}).out);
  }

  /// What `ghoard stats` says equals what the stand-in counted, and every request is in exactly one class. Only for
  /// tests in which one agent lived from first to last and every request went through it.
  void check_truth_in_counting() const {
    const nlohmann::json told = stats();
    const StandInCounters counted = github.counters();
    CHECK(told.at("upstream_requests").get<std::uint64_t>() == counted.requests + counted.asset_requests);
    CHECK(told.at("api_calls_made").get<std::uint64_t>() == counted.quota_spent);
    std::uint64_t sum = 0;
    for (const char* key : {"hits", "peer_hits", "coalesced", "revalidated", "misses", "bypassed", "errors"}) {
      sum += told.at(key).get<std::uint64_t>();
    }
    CHECK(told.at("requests").get<std::uint64_t>() == sum);
    CHECK(told.at("api_calls_saved").get<std::uint64_t>() ==
          told.at("hits").get<std::uint64_t>() + told.at("peer_hits").get<std::uint64_t>() +
              told.at("coalesced").get<std::uint64_t>() + told.at("revalidated").get<std::uint64_t>());
  }
};

/// Pids of running agents of this build that serve `home`.
[[nodiscard]] std::vector<int> agents_of(const TemporaryHome& home);

}  // namespace ghoard::testing
