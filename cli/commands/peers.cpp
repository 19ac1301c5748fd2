#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "cli/link/link.hpp"
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

/// "12D3KooWHSso..RTnBfY": enough to tell peers apart by eye.
std::string shortened(const std::string& id) {
  return id.size() <= 20 ? id : id.substr(0, 12) + ".." + id.substr(id.size() - 6);
}

/// Where it is linked, else the first address that is known, without the id.
std::string place_of(const Json& peer) {
  if (const std::string remote = text_in(peer, "remote"); !remote.empty()) {
    return remote;
  }
  const std::vector<std::string> addresses = texts_in(peer, "addresses");
  return addresses.empty() ? "-" : addresses.front().substr(0, addresses.front().find("/p2p/"));
}

/// Of those that are linked: why one owns no keys.
std::string state_of(const Json& peer) {
  const std::string state = text_in(peer, "state");
  if (state != "linked" || flag_in(peer, "eligible")) {
    return state;
  }
  return state + (flag_in(peer, "slow") ? " (slow)" : " (client)");
}

std::string table_of(const std::vector<Json>& peers) {
  std::vector<std::vector<std::string>> rows{
      {"PEER", "STATE", "ADDRESS", "RTT", "IN", "OUT", "SERVED", "RECEIVED", "LAST FAILURE"}};
  for (const Json& peer : peers) {
    const auto bytes = [&](const char* key) {
      return format_bytes(static_cast<unsigned long long>(number_in(peer, key)));
    };
    const long long round_trip = number_in(peer, "round_trip_ms", -1);
    rows.push_back({shortened(text_in(peer, "id")), state_of(peer), place_of(peer),
                    round_trip < 0 ? "-" : std::to_string(round_trip) + " ms", bytes("bytes_in"), bytes("bytes_out"),
                    std::to_string(number_in(peer, "hits_served")), std::to_string(number_in(peer, "hits_received")),
                    text_in(peer, "last_failure")});
  }
  return format_table(rows);
}

int list(const link::Program& program, Arguments arguments) {
  const tl::expected<Report, int> report =
      begin_report(program, arguments, "peers list",
                   "Shows the peers that the running agent knows of, linked ones first.", "/v1/peers");
  if (!report) {
    return report.error();
  }
  const Json document = report->answer.value_or(Json{{"peers", Json::array()}});
  if (report->json) {
    return print_json(program, document);
  }
  if (!report->answer) {
    return print_text(program, "no agent runs\n");
  }
  const std::vector<Json> peers = objects_in(document, "peers");
  if (peers.empty()) {
    return print_text(program,
                      "no peers; `" + program.name + " network status` tells why, or where others find this agent\n");
  }
  return print_text(program, table_of(peers));
}

/// A change that the running agent is asked for; none is started for it.
base::Result<Json> change(const link::Program& program, const std::string& target, const Json& body) {
  link::Link link(program, link::Spawn::forbidden);
  const base::Result<local::ClientResponse> answer =
      link.control("POST", target, body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) {
    return tl::unexpected(
        answer.error().code == base::ErrorCode::unavailable
            ? base::Error{base::ErrorCode::unavailable, "no agent runs; run `" + program.name + " agent start` first"}
            : answer.error());
  }
  base::Result<Json> document = read_object(answer->status, answer->body);
  // Refusals as `peers check` words them: the reason alone.
  const auto reason = [&] { return text_in(Json::parse(answer->body, nullptr, false), "message"); };
  if (!document && answer->status == 400) {
    return base::fail(base::ErrorCode::invalid_input, "rejected: " + reason());
  }
  if (!document && answer->status == 409) {
    return base::fail(base::ErrorCode::unavailable, reason());
  }
  return document;
}

int add(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "peers add", "Has the running agent connect to a peer, now and in later runs.");
  bool json = false;
  std::string address;
  line.add_json_flag(json);
  line.add_argument("ADDR", address, "such as /ip4/192.0.2.7/tcp/9100/p2p/12D3KooW...");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<Json> added = change(program, "/v1/peers/add", Json{{"address", address}});
  if (!added) {
    return print_failure(program, added.error());
  }
  return json ? print_json(program, *added)
              : print_text(program, "connecting; `" + program.name + " peers` shows what comes of it\n");
}

int remove(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "peers remove",
                   "Has the running agent leave a peer and forget it. The peer may come back by itself: `denied_peers` "
                   "keeps one out.");
  bool json = false;
  std::string peer;
  line.add_json_flag(json);
  line.add_argument("PEER", peer, "its id or an address");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const base::Result<Json> removed = change(program, "/v1/peers/remove", Json{{"peer", peer}});
  const bool is_no_name = !removed && removed.error().code == base::ErrorCode::invalid_input;
  if (!removed && !is_no_name) {
    return print_failure(program, removed.error());
  }
  if (is_no_name || !flag_in(*removed, "removed")) {
    print_error(program, is_no_name ? removed.error().message : "no such peer is known",
                "run `" + program.name + " peers --json` for whole ids");
    return link::exit_failure;
  }
  return json ? print_json(program, *removed) : print_text(program, "the peer is forgotten\n");
}

constexpr std::array<link::Command, 4> group{
    {{"list", "show the peers of the running agent, as `peers` alone does", list, true},
     {"add", "connect to a peer", add},
     {"remove", "leave a peer and forget it", remove},
     {"check", "check addresses of peers", check, true}}};

}  // namespace

int run_peers(const link::Program& program, Arguments arguments) {
  const bool is_list = arguments.empty() || arguments.front() == "--json";
  return is_list ? list(program, arguments) : run_group(program, "peers", group, arguments);
}

}  // namespace ghoard::commands
