#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands/endpoint.hpp"
#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "cli/link/link.hpp"
#include "core/http/uri.hpp"

namespace ghoard::commands {

namespace {

base::WallTime now() {
  return std::chrono::floor<base::Millis>(std::chrono::system_clock::now());
}

const char* class_name(github::EtagClass etag_class) {
  switch (etag_class) {
    case github::EtagClass::derivable: return "derivable";
    case github::EtagClass::object_sha: return "object_sha";
    case github::EtagClass::opaque: return "opaque";
  }
  return "opaque";
}

long long seconds(base::Millis duration) {
  return std::chrono::floor<base::Seconds>(duration).count();
}

/// A line as the agent's /v1/cache has it.
Json line_of(const cache::Listing& listing) {
  const long long age = seconds(now() - listing.fetched_at);
  Json line = Json::object();
  line["host"] = listing.resource.host;
  line["path"] = listing.resource.path;
  line["query"] = listing.resource.query;
  line["status"] = listing.status;
  line["bytes"] = listing.body_bytes;
  line["age"] = age;
  line["ttl"] = listing.lifetime.count() - age;
  line["last_used"] = seconds(listing.last_used.time_since_epoch());
  line["must_revalidate"] = listing.must_revalidate;
  line["grants"] = listing.grants;
  line["etag_class"] = class_name(listing.etag_class);
  line["accept"] = listing.resource.accept;
  return line;
}

/// The listing from the agent, else from the database.
base::Result<Json> entries(const link::Program& program, const cache::Selection& selection, std::size_t limit) {
  std::string target = "/v1/cache?limit=" + std::to_string(limit);
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    target += value ? std::string("&") + name + "=" + http::encode_component(*value) : std::string();
  };
  add("host", selection.host);
  add("path", selection.path);
  add("query", selection.query);
  base::Result<std::optional<Json>> answer = ask_running_agent(program, target);
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  if (*answer && (*answer)->contains("entries") && (**answer)["entries"].is_array()) {
    return std::move(**answer);
  }
  Json document = Json::object();
  document["entries"] = Json::array();
  for (const cache::Listing& listing : link::list_stored(program, selection, limit)) {
    document["entries"].push_back(line_of(listing));
  }
  return document;
}

std::string format(const Json& lines) {
  std::vector<std::vector<std::string>> rows{{"STATUS", "SIZE", "AGE", "FRESH FOR", "GRANTS", "ENDPOINT"}};
  for (const Json& line : lines) {
    const auto stale = line.find("must_revalidate");
    const bool dirty = stale != line.end() && stale->is_boolean() && stale->get<bool>();
    const long long ttl = number_in(line, "ttl");
    const std::string query = text_in(line, "query");
    rows.push_back({std::to_string(number_in(line, "status")),
                    format_bytes(static_cast<unsigned long long>(number_in(line, "bytes"))),
                    format_seconds(number_in(line, "age")),
                    dirty ? "changed" : (ttl > 0 ? format_seconds(ttl) : "stale"),
                    std::to_string(number_in(line, "grants")),
                    text_in(line, "host") + text_in(line, "path") + (query.empty() ? "" : "?" + query)});
  }
  return rows.size() > 1 ? format_table(rows) : "the cache is empty\n";
}

int ls(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "cache ls", "Lists what the cache holds, the latest used first.");
  bool json = false;
  std::string endpoint;
  std::string hostname;
  std::size_t limit = 1000;
  line.add_json_flag(json);
  line.add_optional_argument("ENDPOINT", endpoint, "only this one, as `api` takes it");
  line.add_option("--hostname", hostname, "only this GitHub host; that of ENDPOINT");
  line.add_option("-L,--limit", limit, 1, 1'000'000, "at most so many (1000)");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  base::Result<cache::Selection> selection = cache::Selection{};
  if (!endpoint.empty()) {
    selection = select_endpoint(program, endpoint, hostname);
  } else if (!hostname.empty()) {
    selection = select_host(program, hostname);
  }
  if (!selection) {
    return print_failure(program, selection.error());
  }
  const base::Result<Json> document = entries(program, *selection, limit);
  if (!document) {
    return print_failure(program, document.error());
  }
  return json ? print_json(program, *document) : print_text(program, format((*document)["entries"]));
}

base::Result<long long> remove(link::Link& link, const std::string& target, const Json& what) {
  const base::Result<local::ClientResponse> answer =
      link.control_or_start("POST", target, what.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  const base::Result<Json> document = read_object(answer->status, answer->body);
  return document ? base::Result<long long>(number_in(*document, "removed")) : tl::unexpected(document.error());
}

int report_removed(const link::Program& program, long long removed, bool json) {
  if (json) {
    return print_json(program, Json{{"removed", removed}});
  }
  return print_text(program, "removed " + std::to_string(removed) + (removed == 1 ? " entry\n" : " entries\n"));
}

int rm(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "cache rm",
                   "Removes the answers of the named endpoints. Without a query, those for every query of the path.");
  bool json = false;
  std::vector<std::string> endpoints;
  std::string hostname;
  line.add_json_flag(json);
  line.add_arguments("ENDPOINT", endpoints, "as `api` takes it");
  line.add_option("--hostname", hostname, "the GitHub host of the endpoints");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  std::vector<Json> selections;
  for (const std::string& endpoint : endpoints) {
    const base::Result<cache::Selection> selection = select_endpoint(program, endpoint, hostname);
    if (!selection) {
      return print_failure(program, selection.error());
    }
    Json what{{"host", *selection->host}, {"path", *selection->path}};
    if (selection->query) {
      what["query"] = *selection->query;
    }
    selections.push_back(std::move(what));
  }
  link::Link link(program, link::Spawn::allowed);
  long long removed = 0;
  for (const Json& what : selections) {
    const base::Result<long long> count = remove(link, "/v1/cache/remove", what);
    if (!count) {
      return print_failure(program, count.error());
    }
    removed += *count;
  }
  return report_removed(program, removed, json);
}

int clear(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "cache clear", "Removes everything from the cache.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  link::Link link(program, link::Spawn::allowed);
  const base::Result<long long> removed = remove(link, "/v1/cache/clear", Json::object());
  return removed ? report_removed(program, *removed, json) : print_failure(program, removed.error());
}

int stats(const link::Program& program, Arguments arguments) {
  const tl::expected<Report, int> report =
      begin_report(program, arguments, "cache stats", "Shows how full the cache is.", "/v1/stats");
  if (!report) {
    return report.error();
  }
  const cache::StoreSize stored = report->answer ? cache::StoreSize{} : link::stored_size(program);
  const Json source = report->answer.value_or(Json{{"cache_entries", stored.entries}, {"cache_bytes", stored.bytes}});
  Json document = Json::object();
  document["directory"] = program.paths.cache.string();
  document["entries"] = number_in(source, "cache_entries");
  document["bytes"] = number_in(source, "cache_bytes");
  document["max_bytes"] = program.settings.number("max_cache_size");
  document["evictions"] = number_in(source, "evictions");
  if (report->json) {
    return print_json(program, document);
  }
  const auto size = [&](const char* key) {
    return format_bytes(static_cast<unsigned long long>(number_in(document, key)));
  };
  return print_text(program, std::to_string(number_in(document, "entries")) +
                                 (number_in(document, "entries") == 1 ? " entry, " : " entries, ") + size("bytes") +
                                 " of " + size("max_bytes") + ", in " + program.paths.cache.string() + "\n");
}

constexpr std::array<link::Command, 4> group{{{"ls", "list what is cached", ls},
                                              {"rm", "remove the answers of endpoints", rm},
                                              {"clear", "remove everything", clear},
                                              {"stats", "how full the cache is", stats}}};

}  // namespace

int run_cache(const link::Program& program, Arguments arguments) {
  return run_group(program, "cache", group, arguments);
}

}  // namespace ghoard::commands
