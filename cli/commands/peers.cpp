#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "core/peer/bootstrap.hpp"
#include "core/peer/multiaddr.hpp"

namespace ghoard::commands {

namespace {

int check(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "peers check", "Checks addresses of peers and prints their canonical form.");
  bool json = false;
  std::vector<std::string> entries;
  line.add_json_flag(json);
  line.add_arguments("ADDR", entries, "such as /ip4/192.0.2.7/tcp/9100/p2p/12D3KooW...");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  Json lines = Json::array();
  std::string accepted;
  std::string rejected;
  for (const std::string& entry : entries) {
    const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(entry);
    if (address) {
      accepted += address->text() + "\n";
      lines.push_back(Json{{"entry", entry}, {"address", address->text()}});
    } else {
      const std::string& reason = address.error().message;
      rejected +=
          "rejected: " + reason + (entries.size() > 1 ? ": \"" + peer::printable_entry(entry) + "\"" : "") + "\n";
      lines.push_back(Json{{"entry", entry}, {"rejected", reason}});
    }
  }
  const int code = json ? print_json(program, Json{{"addresses", lines}}) : print_text(program, accepted);
  // Without the program's name, since scripts look for these lines.
  std::fputs(rejected.c_str(), stderr);
  return rejected.empty() ? code : link::exit_failure;
}

constexpr std::array<link::Command, 1> group{{{"check", "check addresses of peers", check, true}}};

}  // namespace

int run_peers(const link::Program& program, Arguments arguments) {
  return run_group(program, "peers", group, arguments);
}

}  // namespace ghoard::commands
