#include "cli/agent/peers_report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace ghoard::agent {

namespace {

using Json = nlohmann::ordered_json;
using mesh::MemberState;

std::string_view name_of(MemberState state) {
  switch (state) {
    case MemberState::known: return "known";
    case MemberState::linked: return "linked";
    case MemberState::suspect: return "suspect";
    case MemberState::dead: return "dead";
  }
  return "known";
}

std::string_view name_of(std::optional<peer::KeySource> source) {
  if (!source) {
    return "none";
  }
  switch (*source) {
    case peer::KeySource::network_key: return "network-key";
    case peer::KeySource::github_token: return "github-token";
  }
  return "none";
}

/// What a peer sends as its name is for people to read: whatever it holds, one line of ASCII remains.
std::string printable(const std::string& text) {
  return peer::printable_entry(text).substr(0, 64);
}

Json addresses_of(const mesh::PeerRecord& record) {
  Json texts = Json::array();
  for (peer::Multiaddr address : record.addresses) {
    address.peer = record.id;
    texts.push_back(address.text());
  }
  return texts;
}

bool is_linked(const mesh::MemberInfo& member, const std::map<mesh::PeerId, overlay::LinkFigures>& links) {
  return links.contains(member.record.id);
}

Json line_of(const mesh::MemberInfo& member, const overlay::LinkFigures* link, const mesh::PeerWorth& worth,
             const base::Clock& clock) {
  Json line = Json::object();
  line["id"] = member.record.id.text();
  line["state"] = name_of(member.state);
  line["eligible"] = member.eligible;
  line["reachable"] = member.record.reachable;
  line["slow"] = member.record.slow;
  line["addresses"] = addresses_of(member.record);
  line["round_trip_ms"] = member.round_trip ? Json(member.round_trip->count()) : Json(nullptr);
  line["direction"] = link == nullptr ? "" : link->inbound ? "in" : "out";
  line["remote"] = link == nullptr ? std::string() : link->remote;
  const base::WallTime since = link == nullptr ? base::WallTime{} : clock.wall() - (clock.mono() - link->since);
  line["since"] = std::chrono::floor<base::Seconds>(since.time_since_epoch()).count();
  line["bytes_in"] = link == nullptr ? 0 : link->bytes_in;
  line["bytes_out"] = link == nullptr ? 0 : link->bytes_out;
  line["software"] = printable(link == nullptr || link->software.empty() ? member.software : link->software);
  line["hits_served"] = worth.values_sent;
  line["hits_received"] = worth.values_received;
  line["last_failure"] = member.last_failure;
  return line;
}

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  const std::string text(digits.data(), end);
  return std::string(digits.size() - text.size(), '0') + text;
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

Json discovery_of(const Sharing& sharing) {
  const mesh::RegistryStatus status = sharing.discovery().value_or(mesh::RegistryStatus{});
  Json document = Json::object();
  document["repository"] = sharing.settings().text("github_repo");
  document["problem"] = status.problem;
  document["issue"] = status.issue;
  document["published"] = status.published;
  document["peers"] = status.peers;
  return document;
}

}  // namespace

Json peers_document(const Sharing& sharing, const base::Clock& clock) {
  Json document = Json::object();
  document["peers"] = Json::array();
  if (!sharing.is_on()) {
    return document;
  }
  const overlay::Overlay& overlay = *sharing.overlay();
  std::map<mesh::PeerId, overlay::LinkFigures> links;
  for (overlay::LinkFigures& link : overlay.links()) {
    links.emplace(link.peer, std::move(link));
  }
  std::vector<mesh::MemberInfo> members = overlay.node().members().list();
  std::stable_partition(members.begin(), members.end(),
                        [&](const mesh::MemberInfo& member) { return is_linked(member, links); });
  for (const mesh::MemberInfo& member : members) {
    const auto link = links.find(member.record.id);
    document["peers"].push_back(
        line_of(member, link == links.end() ? nullptr : &link->second, overlay.node().worth(member.record.id), clock));
  }
  return document;
}

Json listen_document(const Sharing& sharing) {
  return sharing.is_on() ? Json(sharing.overlay()->listen_addresses()) : Json::array();
}

Json network_document(const Sharing& sharing) {
  const NetworkSecrets& secrets = sharing.secrets();
  Json document = Json::object();
  document["overlay"] = sharing.is_on() ? "on" : "off";
  document["reason"] = sharing.off().reason;
  document["is_fault"] = sharing.off().is_fault;
  document["peer_id"] = sharing.is_on() && sharing.self() ? sharing.self()->text() : "";
  document["network_name"] = sharing.settings().text("network_name");
  document["key_kind"] = name_of(secrets.source);
  document["key_id"] = secrets.keys.empty() ? "" : secrets.keys.front().id();
  document["accepted_keys"] = secrets.keys.size();
  document["listen"] = listen_document(sharing);
  const bool on = sharing.is_on();
  const mesh::Members* members = on ? &sharing.overlay()->node().members() : nullptr;
  document["reachable"] = on && members->own_record().reachable;
  document["slow"] = on && members->own_record().slow;
  document["linked"] = sharing.linked();
  document["view"] = on ? hex(members->view_digest()) : "";
  document["bootstrap"] = Json::array();
  for (const peer::BootstrapPeer& peer : sharing.bootstrap()) {
    for (const peer::Multiaddr& address : peer.addresses) {
      document["bootstrap"].push_back(address.text());
    }
  }
  document["rejected"] = Json::array();
  for (const peer::Rejected& entry : sharing.rejected()) {
    document["rejected"].push_back(Json{{"entry", entry.entry}, {"reason", entry.reason}});
  }
  document["discovery"] = discovery_of(sharing);
  document["descriptor_limit"] = descriptor_limit();
  return document;
}

Json leases_document(const Sharing& sharing) {
  const mesh::LeaseCounters counters =
      sharing.is_on() ? sharing.overlay()->node().lease_counters() : mesh::LeaseCounters{};
  Json document = Json::object();
  document["granted"] = counters.granted;
  document["held"] = counters.held;
  document["waited"] = counters.waited;
  document["promoted"] = counters.promoted;
  document["forwarded"] = counters.forwarded;
  document["taken_up"] = counters.taken_up;
  document["released"] = counters.released;
  document["budgets_missed"] = counters.budgets_missed;
  document["values_served"] = counters.values_served;
  document["values_received"] = counters.values_received;
  return document;
}

}  // namespace ghoard::agent
