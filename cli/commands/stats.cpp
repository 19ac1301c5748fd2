#include <nlohmann/json.hpp>

#include "cli/commands/report.hpp"
#include "cli/link/link.hpp"

namespace ghoard::commands {

namespace {

/// The keys of `stats --json` with what holds when no agent runs.
Json empty_stats(const link::Program& program) {
  const cache::StoreSize size = link::stored_size(program);
  Json document = Json::object();
  document["since"] = 0;
  for (const char* key :
       {"requests", "hits", "peer_hits", "coalesced", "revalidated", "misses", "bypassed", "errors", "stale_served",
        "api_calls_made", "api_calls_saved", "upstream_requests", "connected_peers", "evictions"}) {
    document[key] = 0;
  }
  document["cache_entries"] = size.entries;
  document["cache_bytes"] = size.bytes;
  for (const char* key : {"granted", "held", "waited", "promoted", "forwarded", "taken_up", "released",
                          "budgets_missed", "values_served", "values_received"}) {
    document["leases"][key] = 0;
  }
  return document;
}

std::string line(const char* name, const std::string& value) {
  return std::string(name) + std::string(20 - std::string_view(name).size(), ' ') + value + "\n";
}

std::string count(const Json& stats, const char* key) {
  return std::to_string(number_in(stats, key));
}

std::string format(const Json& stats, bool running) {
  const long long requests = number_in(stats, "requests");
  const long long saved = number_in(stats, "api_calls_saved");
  std::string text = running ? "" : "no agent runs; the counters begin when one starts\n";
  text += line("requests", count(stats, "requests"));
  for (const char* key : {"hits", "peer_hits", "coalesced", "revalidated", "misses", "bypassed", "errors"}) {
    text += "  " + line(key, count(stats, key));
  }
  text += line("stale served", count(stats, "stale_served"));
  text += line("API calls made", count(stats, "api_calls_made"));
  text += line("API calls saved",
               count(stats, "api_calls_saved") +
                   (requests > 0 ? " (" + std::to_string(100 * saved / requests) + " % of the requests)" : ""));
  text += line("upstream requests", count(stats, "upstream_requests"));
  text += line("connected peers", count(stats, "connected_peers"));
  const auto found = stats.find("leases");
  const Json leases = found != stats.end() && found->is_object() ? *found : Json::object();
  text += line("values for peers", count(leases, "values_served"));
  text += line("values from peers", count(leases, "values_received"));
  text += line("cache", count(stats, "cache_entries") + " entries, " +
                            format_bytes(static_cast<unsigned long long>(number_in(stats, "cache_bytes"))));
  return text + line("evictions", count(stats, "evictions"));
}

}  // namespace

int run_stats(const link::Program& program, Arguments arguments) {
  const tl::expected<Report, int> report = begin_report(
      program, arguments, "stats", "Shows what the running agent has counted since its start.", "/v1/stats");
  if (!report) {
    return report.error();
  }
  const Json document = report->answer ? *report->answer : empty_stats(program);
  return report->json ? print_json(program, document)
                      : print_text(program, format(document, report->answer.has_value()));
}

}  // namespace ghoard::commands
