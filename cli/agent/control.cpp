#include "cli/agent/control.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/agent/front.hpp"
#include "cli/agent/peers_report.hpp"
#include "core/base/version.hpp"
#include "core/http/uri.hpp"

namespace ghoard::agent {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t default_lines = 1000;
constexpr std::size_t most_lines = 1'000'000;
constexpr std::size_t longest_body = 64 * 1024;

cache::Reply reply(const Json& document) {
  return {200,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          std::make_shared<const std::string>(document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n")};
}

cache::Reply failure(const base::Error& error) {
  return error.code == base::ErrorCode::busy ? failure_reply(503, "cannot_invalidate", error.message)
                                             : failure_reply(500, "store", error.message);
}

/// Of what a caller wants of the overlay.
cache::Reply refusal(const base::Error& error) {
  return error.code == base::ErrorCode::unavailable ? failure_reply(409, "overlay_off", error.message)
                                                    : failure_reply(400, "refused", error.message);
}

/// The one text of a small object.
std::optional<std::string> text_in(const std::string& body, const char* name) {
  const Json document = Json::parse(body, nullptr, false);
  const auto found = document.is_object() ? document.find(name) : document.end();
  return document.is_object() && document.size() == 1 && found != document.end() && found->is_string()
             ? std::optional(found->get<std::string>())
             : std::nullopt;
}

std::int64_t unix_seconds(base::WallTime time) {
  return std::chrono::floor<base::Seconds>(time.time_since_epoch()).count();
}

std::string_view name_of(github::EtagClass etag_class) {
  switch (etag_class) {
    case github::EtagClass::derivable: return "derivable";
    case github::EtagClass::object_sha: return "object_sha";
    case github::EtagClass::opaque: return "opaque";
  }
  return "opaque";
}

Json line_of(const cache::Listing& listing, base::WallTime now) {
  const std::int64_t age = std::chrono::floor<base::Seconds>(now - listing.fetched_at).count();
  Json line = Json::object();
  line["host"] = listing.resource.host;
  line["path"] = listing.resource.path;
  line["query"] = listing.resource.query;
  line["status"] = listing.status;
  line["bytes"] = listing.body_bytes;
  line["age"] = age;
  line["ttl"] = listing.lifetime.count() - age;
  line["last_used"] = unix_seconds(listing.last_used);
  line["must_revalidate"] = listing.must_revalidate;
  line["grants"] = listing.grants;
  line["etag_class"] = name_of(listing.etag_class);
  line["accept"] = listing.resource.accept;
  return line;
}

/// Parameters of `GET /v1/cache`: limit, host, path, query.
struct ListQuery {
  cache::Selection selection;
  std::size_t limit = default_lines;
};

std::optional<ListQuery> parse_list_query(std::string_view target) {
  ListQuery parsed;
  for (const auto& [name, raw] : http::split_query(http::split_target(target).second)) {
    std::string value = http::decode_percent(raw);
    if (name == "host") {
      parsed.selection.host = std::move(value);
    } else if (name == "path") {
      parsed.selection.path = std::move(value);
    } else if (name == "query") {
      parsed.selection.query = std::move(value);
    } else if (name == "limit") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed.limit);
      if (error != std::errc{} || end != value.data() + value.size()) {
        return std::nullopt;
      }
    }
  }
  parsed.limit = std::min(parsed.limit, most_lines);
  return parsed;
}

/// The body of `POST /v1/cache/remove`: an object with any of host, path and query, and at least one of them.
std::optional<cache::Selection> parse_selection(const std::string& body) {
  const Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) {
    return std::nullopt;
  }
  cache::Selection selection;
  for (const auto& [name, value] : document.items()) {
    std::optional<std::string>* field = name == "host"    ? &selection.host
                                        : name == "path"  ? &selection.path
                                        : name == "query" ? &selection.query
                                                          : nullptr;
    if (field == nullptr || !value.is_string()) {
      return std::nullopt;
    }
    *field = value.get<std::string>();
  }
  if (!selection.host && !selection.path && !selection.query) {
    return std::nullopt;
  }
  return selection;
}

}  // namespace

struct Control::Endpoint {
  std::string_view path;
  std::string_view method;
  cache::Reply (Control::*answer)(const cache::IncomingRequest&);
};

const Control::Endpoint* Control::find(std::string_view path) {
  static constexpr std::array<Endpoint, 11> table{{
      {"/v1/status", "GET", &Control::status},
      {"/v1/stats", "GET", &Control::stats},
      {"/v1/rate", "GET", &Control::rate},
      {"/v1/cache", "GET", &Control::list},
      {"/v1/cache/remove", "POST", &Control::remove},
      {"/v1/cache/clear", "POST", &Control::clear},
      {"/v1/stop", "POST", &Control::stop},
      {"/v1/peers", "GET", &Control::peers},
      {"/v1/peers/add", "POST", &Control::add_peer},
      {"/v1/peers/remove", "POST", &Control::remove_peer},
      {"/v1/network", "GET", &Control::network},
  }};
  const auto* found =
      std::find_if(table.begin(), table.end(), [&](const Endpoint& endpoint) { return endpoint.path == path; });
  return found == table.end() ? nullptr : found;
}

void Control::handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) {
  sink->send(answer(request));
  if (std::exchange(m_stopping, false)) {
    m_context.stop();
  }
}

cache::Reply Control::answer(const cache::IncomingRequest& request) {
  const Endpoint* endpoint = find(http::split_target(request.target).first);
  if (endpoint == nullptr) {
    return failure_reply(404, "not_found", "no such control path");
  }
  const bool head = request.method == "HEAD" && endpoint->method == "GET";
  if (request.method != endpoint->method && !head) {
    cache::Reply reply = failure_reply(405, "method", "this control path takes " + std::string(endpoint->method));
    reply.headers.add("Allow", endpoint->method == "GET" ? "GET, HEAD" : "POST");
    return reply;
  }
  if (endpoint->method == "POST" && request.headers.get("Ghoard-Control") != "1") {
    return failure_reply(403, "refused", "changing state needs the header Ghoard-Control: 1");
  }
  if (request.stream || request.body.size() > longest_body) {
    return failure_reply(413, "too_large", "control requests have bodies of at most 64 KiB");
  }
  return (this->*endpoint->answer)(request);
}

cache::Reply Control::status(const cache::IncomingRequest&) {
  const base::Millis uptime = m_context.clock.mono() - m_started;
  const std::string degraded = m_context.store.degraded();
  Json document = Json::object();
  document["pid"] = m_context.record.pid;
  document["version"] = m_context.record.version;
  document["protocol"] = m_context.record.protocol;
  document["socket"] = m_context.record.socket;
  const Sharing& sharing = m_context.sharing;
  document["peer_id"] = sharing.is_on() && sharing.self() ? sharing.self()->text() : "";
  document["listen"] = listen_document(sharing);
  document["overlay"] = sharing.is_on() ? "on" : "off";
  document["overlay_reason"] = sharing.off().reason;
  document["api_url"] = m_context.record.api_url;
  document["started"] = unix_seconds(m_context.metrics.since);
  document["uptime_seconds"] = std::chrono::floor<base::Seconds>(uptime).count();
  document["degraded"] = degraded;
  document["connections"] = m_context.connections();
  const std::optional<base::Seconds> ahead = m_context.clock_ahead();
  document["clock_ahead_seconds"] = ahead ? Json(ahead->count()) : Json(nullptr);
  return reply(document);
}

cache::Reply Control::stats(const cache::IncomingRequest&) {
  const cache::Metrics& metrics = m_context.metrics;
  const cache::StoreSize size = m_context.store.size();
  Json document = Json::object();
  document["since"] = unix_seconds(metrics.since);
  document["requests"] = metrics.requests();
  document["hits"] = metrics.hits;
  document["peer_hits"] = metrics.peer_hits;
  document["coalesced"] = metrics.coalesced;
  document["revalidated"] = metrics.revalidated;
  document["misses"] = metrics.misses;
  document["bypassed"] = metrics.bypassed;
  document["errors"] = metrics.errors;
  document["stale_served"] = metrics.stale_served;
  document["api_calls_made"] = metrics.api_calls_made;
  document["api_calls_saved"] = metrics.api_calls_saved();
  document["upstream_requests"] = metrics.upstream_requests;
  document["connected_peers"] = m_context.sharing.linked();
  document["evictions"] = size.evictions;
  document["cache_entries"] = size.entries;
  document["cache_bytes"] = size.bytes;
  document["leases"] = leases_document(m_context.sharing);
  return reply(document);
}

cache::Reply Control::rate(const cache::IncomingRequest&) {
  Json lines = Json::array();
  for (const github::RateBook::Line& seen : m_context.rates.lines()) {
    Json line = Json::object();
    line["host"] = seen.host;
    line["token"] = seen.fingerprint == github::anonymous_fingerprint() ? std::string("anonymous")
                                                                        : seen.fingerprint.base64().substr(0, 8);
    line["resource"] = seen.rate.resource;
    line["limit"] = seen.rate.limit;
    line["remaining"] = seen.rate.remaining;
    line["used"] = seen.rate.used;
    line["reset"] = unix_seconds(seen.rate.reset);
    line["seen"] = unix_seconds(seen.seen);
    lines.push_back(std::move(line));
  }
  Json document = Json::object();
  document["rate"] = std::move(lines);
  return reply(document);
}

cache::Reply Control::list(const cache::IncomingRequest& request) {
  const std::optional<ListQuery> query = parse_list_query(request.target);
  if (!query) {
    return failure_reply(400, "malformed", "limit is no number");
  }
  const base::Result<std::vector<cache::Listing>> listed = m_context.store.list(query->selection, query->limit);
  if (!listed) {
    return failure(listed.error());
  }
  Json document = Json::object();
  document["entries"] = Json::array();
  for (const cache::Listing& listing : *listed) {
    document["entries"].push_back(line_of(listing, m_context.clock.wall()));
  }
  return reply(document);
}

cache::Reply Control::remove(const cache::IncomingRequest& request) {
  const std::optional<cache::Selection> selection = parse_selection(request.body);
  if (!selection) {
    return failure_reply(400, "malformed", "the body has to be an object with host, path or query as texts");
  }
  const base::Result<std::uint64_t> removed = m_context.store.remove(*selection);
  m_context.forget_memory();  // whatever went before a failure
  return removed ? reply(Json{{"removed", *removed}}) : failure(removed.error());
}

cache::Reply Control::clear(const cache::IncomingRequest&) {
  const std::uint64_t entries = m_context.store.size().entries;
  const base::Result<void> cleared = m_context.store.clear();
  m_context.forget_memory();
  return cleared ? reply(Json{{"removed", entries}}) : failure(cleared.error());
}

cache::Reply Control::stop(const cache::IncomingRequest&) {
  m_stopping = true;
  return reply(Json{{"stopping", true}});
}

cache::Reply Control::peers(const cache::IncomingRequest&) {
  return reply(peers_document(m_context.sharing, m_context.clock));
}

cache::Reply Control::network(const cache::IncomingRequest&) {
  return reply(network_document(m_context.sharing));
}

cache::Reply Control::add_peer(const cache::IncomingRequest& request) {
  const std::optional<std::string> address = text_in(request.body, "address");
  if (!address) {
    return failure_reply(400, "malformed", "the body has to be an object with address as a text");
  }
  const base::Result<peer::PeerId> added = m_context.sharing.add_peer(*address);
  return added ? reply(Json{{"added", added->text()}}) : refusal(added.error());
}

cache::Reply Control::remove_peer(const cache::IncomingRequest& request) {
  const std::optional<std::string> peer = text_in(request.body, "peer");
  if (!peer) {
    return failure_reply(400, "malformed", "the body has to be an object with peer as a text");
  }
  const base::Result<bool> removed = m_context.sharing.remove_peer(*peer);
  return removed ? reply(Json{{"removed", *removed}}) : refusal(removed.error());
}

}  // namespace ghoard::agent
