#include "tests/standin/site.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "core/base/digest.hpp"
#include "tests/standin/gzip.hpp"
#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace {

constexpr std::size_t most_prepared = 20'000;
constexpr std::size_t least_gzipped = 1024;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void add_field(std::string& fields, std::string_view name, std::string_view value) {
  fields.append(name).append(": ").append(value).append("\r\n");
}

bool is_read(const Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

std::string_view vary_of(const Identity& who) {
  return who.anonymous() ? "Accept" : "Accept, Authorization, Cookie, X-GitHub-OTP";
}

std::string etag_of(const Request& request, const Identity& who, const Answer& answer) {
  switch (answer.etag) {
    case EtagKind::none: return {};
    case EtagKind::formula: return "W/\"" + formula_etag(request, vary_of(who), *answer.body) + "\"";
    case EtagKind::object_sha:
    case EtagKind::opaque: return "W/\"" + answer.object_sha + "\"";
    case EtagKind::empty: return "W/\"\"";
  }
  return {};
}

std::string_view without_weak(std::string_view tag) {
  return tag.starts_with("W/") ? tag.substr(2) : tag;
}

/// RFC 9110 section 13.1: If-None-Match, by weak comparison, rules out If-Modified-Since.
bool not_modified(const Request& request, const Prepared& prepared) {
  if (!is_read(request) || prepared.status != 200) {
    return false;
  }
  const std::string tags = request.headers.joined("If-None-Match");
  if (!tags.empty() && prepared.etag != "W/\"\"") {
    if (prepared.etag.empty()) {
      return false;
    }
    const std::vector<std::string> list = split(tags, ',');
    return std::any_of(list.begin(), list.end(), [&](const std::string& tag) {
      return http::trim(tag) == "*" || without_weak(http::trim(tag)) == without_weak(prepared.etag);
    });
  }
  const std::optional<std::int64_t> since = parse_date(request.headers.get("If-Modified-Since"));
  const std::optional<std::int64_t> changed = parse_iso_time(prepared.last_modified);
  return since && changed && *changed <= *since;
}

std::string cache_control(const Identity& who, const Answer& answer) {
  if (answer.max_age == 0) {
    return "no-cache";
  }
  const std::string age = std::to_string(answer.max_age);
  return std::string(who.anonymous() ? "public" : "private") + ", max-age=" + age + ", s-maxage=" + age;
}

std::string media_type_field(const Answer& answer) {
  return "github.v3; " + (answer.media_param.empty() ? "format=json" : "param=" + answer.media_param);
}

}  // namespace

std::string formula_etag(const Request& request, std::string_view vary, const std::string& body) {
  base::Sha256 hash;
  for (const char* name : {"Accept", "Authorization", "Cookie"}) {
    const std::string_view value = request.headers.get(name);
    if (!value.empty() && list_has(vary, name)) {
      hash.update(value).update(":");
    }
  }
  return hash.update(body).finish().hex();
}

std::string Site::load(const std::string& data_directory) {
  return m_recorded.load(data_directory + "/recorded_github.json");
}

Answer Site::route(Call& call, std::int64_t now) {
  if (call.request.path == "/rate_limit" && is_read(call.request)) {
    return rate_limit_route(m_limits, call.who, m_config, now);
  }
  if (call.request.path == "/graphql") {
    return graphql_route(call);
  }
  if (!is_read(call.request)) {
    return write_route(call);
  }
  return m_recorded.has(call.request.target) ? m_recorded.answer(call) : read_route(call);
}

Site::PreparedPtr Site::render(const Request& request, const Identity& who, const Answer& answer) const {
  auto prepared = std::make_shared<Prepared>();
  prepared->status = answer.status;
  prepared->body = answer.body;
  prepared->last_modified = answer.last_modified;
  if (answer.status == 200) {
    prepared->etag = etag_of(request, who, answer);
  }
  if (!answer.content_type.empty()) {
    add_field(prepared->entity_fields, "Content-Type", answer.content_type);
  }
  std::string& fields = prepared->fields;
  if (answer.max_age >= 0) {
    add_field(fields, "Cache-Control", cache_control(who, answer));
    add_field(fields, "Vary", vary_of(who));
  }
  if (!prepared->etag.empty()) {
    add_field(fields, "ETag", prepared->etag);
  }
  if (const std::optional<std::int64_t> changed = parse_iso_time(answer.last_modified)) {
    add_field(fields, "Last-Modified", http_date(*changed));
  }
  if (who.classic_scopes) {
    add_field(fields, "X-OAuth-Scopes", who.scopes);
    add_field(fields, "X-Accepted-OAuth-Scopes", answer.accepted_scopes);
  }
  add_field(fields, "X-GitHub-Media-Type", media_type_field(answer));
  for (const http::Header& extra : answer.extra) {
    add_field(fields, extra.name, extra.value);
  }
  add_field(fields, "Vary", "Accept-Encoding, Accept, X-Requested-With");
  return prepared;
}

Site::PreparedPtr Site::prepare(const Request& request, const Identity& who, std::int64_t now) {
  const bool may_keep = is_read(request) && request.path != "/rate_limit";
  std::string key;
  if (may_keep) {
    for (const char* name : {"Authorization", "Accept", "Cookie", "Host"}) {
      key.append(request.headers.get(name)).push_back('\n');
    }
    key += request.target;
    if (m_prepared_version != m_world.version() || m_prepared.size() > most_prepared) {
      m_prepared.clear();
      m_prepared_version = m_world.version();
    }
    if (const auto found = m_prepared.find(key); found != m_prepared.end()) {
      return found->second;
    }
  }
  Call call{request, who, m_world, "http://" + std::string(request.headers.get("Host")), m_asset_base, nullptr};
  if (request.path == "/graphql") {
    const Budget& budget = m_limits.budget(who, "graphql", m_config, now);
    call.graphql_rate = Json{{"limit", budget.limit},
                             {"cost", 1},
                             {"remaining", budget.remaining()},
                             {"used", budget.used},
                             {"resetAt", iso_time(budget.reset)},
                             {"nodeCount", 1}};
  }
  PreparedPtr prepared = render(request, who, route(call, now));
  if (may_keep && prepared->status == 200) {
    m_prepared.emplace(std::move(key), prepared);
  }
  return prepared;
}

std::string Site::live_fields(const Identity& who, const Request& request, const Budget& budget) {
  std::string fields;
  fields.reserve(256);
  add_field(fields, "X-RateLimit-Limit", std::to_string(budget.limit));
  add_field(fields, "X-RateLimit-Remaining", std::to_string(budget.remaining()));
  add_field(fields, "X-RateLimit-Reset", std::to_string(budget.reset));
  add_field(fields, "X-RateLimit-Used", std::to_string(budget.used));
  add_field(fields, "X-RateLimit-Resource", resource_of(request));
  char number[16] = {};
  const auto [end, error] = std::to_chars(number, number + sizeof number, ++m_next_request_id, 16);
  add_field(fields, "X-GitHub-Request-Id", "5748:" + std::string(number, end) + ":" + std::to_string(who.id));
  return fields;
}

Response Site::respond(const Request& request, const Identity& who, Prepared& prepared, std::int64_t now,
                       bool limited) {
  Response response;
  const bool unchanged = not_modified(request, prepared);
  response.status = unchanged ? 304 : prepared.status;
  Budget& budget = m_limits.budget(who, resource_of(request), m_config, now);
  const bool free = limited || (unchanged && !who.anonymous()) || request.path == "/rate_limit";
  budget.used += free ? 0 : 1;
  m_ledger.count(request, who, response.status, free ? 0 : 1);
  response.fields = prepared.fields + live_fields(who, request, budget);
  response.chunked = m_config.chunked;
  response.head_only = request.method == "HEAD";
  if (unchanged) {
    return response;
  }
  response.fields += prepared.entity_fields;
  response.body = prepared.body;
  if (m_config.gzip && response.body && response.body->size() >= least_gzipped &&
      request.headers.joined("Accept-Encoding").find("gzip") != std::string::npos) {
    if (!prepared.gzipped) {
      prepared.gzipped = gzip(prepared.body);
    }
    response.body = prepared.gzipped;
    add_field(response.fields, "Content-Encoding", "gzip");
  }
  return response;
}

Response Site::processed(const Request& request) {
  const std::int64_t now = unix_now();
  const std::optional<Identity> known = m_identities.find(request.headers.get("Authorization"));
  const Identity who = known.value_or(Identity{});
  const auto refuse = [&](const Answer& answer, bool limited) {
    return respond(request, who, *render(request, who, answer), now, limited);
  };
  if (!known) {
    return refuse(error_answer(401, "Bad credentials"), false);
  }
  const bool over_concurrent =
      m_config.secondary_concurrent > 0 && m_ledger.concurrent() > m_config.secondary_concurrent;
  if (over_concurrent || !m_limits.take_points(who, points_of(request), m_config, now)) {
    return refuse(secondary_limit_answer(m_config), true);
  }
  const std::string resource = resource_of(request);
  if (request.path != "/rate_limit" && m_limits.budget(who, resource, m_config, now).remaining() == 0) {
    return refuse(primary_limit_answer(who, m_config, resource == "graphql"), true);
  }
  const PreparedPtr prepared = prepare(request, who, now);
  return respond(request, who, *prepared, now, false);
}

Response Site::faulty(const Request& request, const Fault& fault) {
  Response response;
  if (fault.kind == "status") {
    const Identity who = m_identities.find(request.headers.get("Authorization")).value_or(Identity{});
    Answer answer = error_answer(fault.status, "Arranged failure");
    if (!fault.body.empty()) {
      answer.body = std::make_shared<const std::string>(fault.body);
    }
    answer.extra = fault.headers;
    response = respond(request, who, *render(request, who, answer), unix_now(), false);
  } else if (fault.process) {
    response = processed(request);
  } else {
    m_ledger.count(request, m_identities.find(request.headers.get("Authorization")).value_or(Identity{}), 0, 0);
  }
  response.delivery = *delivery_of(fault.kind);
  const bool damages_body = response.delivery == Delivery::slow_body || response.delivery == Delivery::hang;
  (damages_body ? response.damage_ms : response.delay_ms) = fault.delay_ms;
  return response;
}

Response Site::api(const Request& request) {
  const std::optional<Fault> fault = m_faults.take(request);
  Response response = fault ? faulty(request, *fault) : processed(request);
  response.delay_ms += m_config.latency_ms;
  return response;
}

Response Site::asset(const Request& request) {
  m_ledger.count_asset(request);
  Response response;
  response.head_only = request.method == "HEAD";
  add_field(response.fields, "Content-Type", "application/octet-stream");
  const std::vector<std::string> segments = path_segments(request.path);
  std::size_t size = 4096;
  if (matches("download/{}/{*}", segments)) {
    size = static_cast<std::size_t>(std::clamp(parse_number(segments[1]).value_or(0), 0L, 64L << 20U));
  }
  // The path is repeated until the size is reached: every asset has bytes of its own.
  std::string body;
  body.reserve(size + request.path.size() + 1);
  while (body.size() < size) {
    body.append(request.path).push_back('\n');
  }
  body.resize(size);
  response.body = std::make_shared<const std::string>(std::move(body));
  response.delay_ms = m_config.latency_ms;
  return response;
}

}  // namespace ghoard::standin
