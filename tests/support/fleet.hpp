#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/standin.hpp"
#include "tests/support/temporary_home.hpp"

namespace ghoard::testing {

/// A new network key as `ghoard network new-key` prints it.
[[nodiscard]] std::string new_network_key();

/// Several real agents on loopback, each with a home of its own, and the stand-in GitHub that they ask. They get the
/// same network key, and each but the first has the first one's address.
class Fleet {
 public:
  enum class Key {
    shared,  ///< GHOARD_NETWORK_KEY, the same for all
    token,   ///< none: from GH_TOKEN
    file,    ///< the same in each config.toml, so that it can be changed
  };
  explicit Fleet(std::size_t size, Key key = Key::shared);

  /// Starts them all, and waits until every one is linked with every other and all see the same owners.
  void start();
  /// Starts one; `bootstrap` may be empty. Its own address is remembered for the others.
  void start(std::size_t n, const std::string& bootstrap);
  /// True once all that run are linked and agree.
  [[nodiscard]] bool settled() const;

  [[nodiscard]] std::size_t size() const { return m_homes.size(); }
  TemporaryHome& home(std::size_t n) { return *m_homes.at(n); }
  [[nodiscard]] const TemporaryHome& home(std::size_t n) const { return *m_homes.at(n); }
  [[nodiscard]] const std::string& key() const { return m_key; }
  [[nodiscard]] const std::string& address(std::size_t n) const { return m_addresses.at(n); }

  /// `ghoard api WORDS...` on one of the machines, to be run beside others.
  [[nodiscard]] Command api(std::size_t n, std::vector<std::string> words, std::string_view token = {}) const;
  ProcessResult run_api(std::size_t n, std::vector<std::string> words, std::string_view token = {}) const;
  /// What the agent says to `GET TARGET` of the control endpoints; null if it does not answer.
  [[nodiscard]] nlohmann::json control(std::size_t n, const std::string& target) const;
  [[nodiscard]] nlohmann::json network(std::size_t n) const { return control(n, "/v1/network"); }
  [[nodiscard]] nlohmann::json peers(std::size_t n) const { return control(n, "/v1/peers")["peers"]; }
  [[nodiscard]] nlohmann::json stats(std::size_t n) const { return control(n, "/v1/stats"); }
  /// One number of all agents' stats together; of `leases` with a name such as "leases/held".
  [[nodiscard]] std::uint64_t sum(const std::string& name) const;

  /// Words that run a command elsewhere (`nsenter ...`), put before all of this machine's that begin from here on.
  void run_within(std::size_t n, std::vector<std::string> words) { m_prefixes.at(n) = std::move(words); }
  /// `ghoard WORDS...` on one of the machines.
  [[nodiscard]] Command command(std::size_t n, const std::vector<std::string>& words) const;
  void write_config(std::size_t n, const std::string& text) const;
  /// SIGHUP: keys and denied peers are read again.
  void hang_up(std::size_t n) const;
  /// kill -9, and waits until it is gone.
  void kill_agent(std::size_t n);

  StandIn github;

 private:
  std::string m_key;
  std::vector<std::unique_ptr<TemporaryHome>> m_homes;
  std::vector<std::string> m_addresses;  ///< empty: it does not run
  std::vector<std::vector<std::string>> m_prefixes;
};

}  // namespace ghoard::testing
