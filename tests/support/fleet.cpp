#include "tests/support/fleet.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/http_client.hpp"

namespace ghoard::testing {

std::string new_network_key() {
  const ProcessResult made =
      run({{program("ghoard"), "network", "new-key"}, {{"HOME", "/nonexistent"}}, {}, false, {}});
  if (made.exit_code != 0 || made.out.size() < 2) {
    throw std::runtime_error("no network key: " + made.err);
  }
  return made.out.substr(0, made.out.size() - 1);
}

Fleet::Fleet(std::size_t size, Key key) : m_key(new_network_key()), m_addresses(size), m_prefixes(size) {
  for (std::size_t n = 0; n < size; ++n) {
    m_homes.push_back(std::make_unique<TemporaryHome>());
    TemporaryHome& home = *m_homes.back();
    home.set("GHOARD_API_URL", github.url());
    home.set("GH_TOKEN", std::string(tokens::user_1));
    home.set("GHOARD_LISTEN_ADDR", "127.0.0.1");
    home.set("GHOARD_LISTEN_PORT", "0");
    switch (key) {
      case Key::shared: home.set("GHOARD_NETWORK_KEY", m_key); break;
      case Key::file: write_config(n, "network_key = \"" + m_key + "\"\n"); break;
      case Key::token: break;
    }
  }
}

void Fleet::start(std::size_t n, const std::string& bootstrap) {
  if (!bootstrap.empty()) {
    home(n).set("GHOARD_BOOTSTRAP_PEERS", bootstrap);
  }
  const ProcessResult started = run(command(n, {"agent", "start", "--json"}));
  const nlohmann::json status = nlohmann::json::parse(started.out, nullptr, false);
  if (started.exit_code != 0 || !status.is_object()) {
    throw std::runtime_error("an agent did not start: " + started.err);
  }
  const nlohmann::json& listen = status.at("listen");
  m_addresses.at(n) = listen.empty() ? std::string() : listen.at(0).get<std::string>();
}

void Fleet::start() {
  for (std::size_t n = 0; n < size(); ++n) {
    start(n, n == 0 ? std::string() : address(0));
  }
  if (!eventually([&] { return settled(); }, base::Seconds(60))) {
    std::string views;
    for (std::size_t n = 0; n < size(); ++n) {
      views += network(n).dump() + "\n";
    }
    throw std::runtime_error("the agents do not find each other:\n" + views);
  }
}

bool Fleet::settled() const {
  std::vector<nlohmann::json> views;
  for (std::size_t n = 0; n < size(); ++n) {
    if (!m_addresses[n].empty()) {
      views.push_back(network(n));
    }
  }
  return std::all_of(views.begin(), views.end(), [&](const nlohmann::json& view) {
    return view.is_object() && view.at("linked") == views.size() - 1 && view.at("view") == views.front().at("view") &&
           (views.size() == 1 || view.at("reachable") == true);
  });
}

Command Fleet::command(std::size_t n, const std::vector<std::string>& words) const {
  Command command = home(n).command({"ghoard"});
  command.arguments.insert(command.arguments.begin(), m_prefixes[n].begin(), m_prefixes[n].end());
  command.arguments.insert(command.arguments.end(), words.begin(), words.end());
  return command;
}

Command Fleet::api(std::size_t n, std::vector<std::string> words, std::string_view token) const {
  words.insert(words.begin(), "api");
  Command command = this->command(n, words);
  if (!token.empty()) {
    command.environment["GH_TOKEN"] = std::string(token);
  }
  return command;
}

ProcessResult Fleet::run_api(std::size_t n, std::vector<std::string> words, std::string_view token) const {
  return run(api(n, std::move(words), token));
}

nlohmann::json Fleet::control(std::size_t n, const std::string& target) const {
  base::Result<HttpClient> client = HttpClient::unix_socket((home(n).run_directory() / "agent.sock").string());
  if (!client) {
    return nullptr;
  }
  const base::Result<HttpAnswer> answer = client->exchange("GET", target, {{"Host", "ghoard"}});
  return answer ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
}

std::uint64_t Fleet::sum(const std::string& name) const {
  std::uint64_t total = 0;
  for (std::size_t n = 0; n < size(); ++n) {
    const nlohmann::json told = stats(n);
    total += told.is_object() ? told.at(nlohmann::json::json_pointer("/" + name)).get<std::uint64_t>() : 0;
  }
  return total;
}

void Fleet::write_config(std::size_t n, const std::string& text) const {
  std::filesystem::create_directories(home(n).config());
  std::filesystem::permissions(home(n).config(), std::filesystem::perms::owner_all);
  std::ofstream(home(n).config() / "config.toml") << text;
}

void Fleet::hang_up(std::size_t n) const {
  if (const std::optional<pid_t> pid = home(n).agent_pid()) {
    ::kill(*pid, SIGHUP);
  }
}

void Fleet::kill_agent(std::size_t n) {
  const std::optional<pid_t> pid = home(n).agent_pid();
  if (!pid) {
    throw std::runtime_error("no agent to kill");
  }
  ::kill(*pid, SIGKILL);
  m_addresses.at(n).clear();
  // A client may start the next one at once: that one has another pid.
  if (!eventually([&] { return home(n).agent_pid() != pid; })) {
    throw std::runtime_error("the agent does not die");
  }
}

}  // namespace ghoard::testing
