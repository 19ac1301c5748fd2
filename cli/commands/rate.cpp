#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands/report.hpp"

namespace ghoard::commands {

namespace {

long long now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string format(const Json& lines) {
  std::vector<std::vector<std::string>> rows{{"HOST", "TOKEN", "RESOURCE", "LEFT", "OF", "USED", "RESETS IN"}};
  for (const Json& line : lines) {
    const long long reset = number_in(line, "reset") - now();
    rows.push_back({text_in(line, "host"), text_in(line, "token"), text_in(line, "resource"),
                    std::to_string(number_in(line, "remaining")), std::to_string(number_in(line, "limit")),
                    std::to_string(number_in(line, "used")), reset > 0 ? format_seconds(reset) : "has reset"});
  }
  return rows.size() > 1 ? format_table(rows) : "no rate limits have been seen yet\n";
}

}  // namespace

int run_rate(const link::Program& program, Arguments arguments) {
  const tl::expected<Report, int> report =
      begin_report(program, arguments, "rate",
                   "Shows what GitHub last said of each token's rate limits. Asks GitHub nothing.", "/v1/rate");
  if (!report) {
    return report.error();
  }
  Json document = report->answer.value_or(Json::object());
  if (!document.contains("rate") || !document["rate"].is_array()) {
    document["rate"] = Json::array();
  }
  return report->json ? print_json(program, document) : print_text(program, format(document["rate"]));
}

}  // namespace ghoard::commands
