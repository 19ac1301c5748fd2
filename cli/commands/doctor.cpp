#include "cli/commands/doctor.hpp"

#include <nlohmann/json.hpp>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"

namespace ghoard::commands {

int run_doctor(const link::Program& program, Arguments arguments) {
  CommandLine line(
      program, "doctor",
      "Looks for what could keep ghoard from working, and says what to do. Asks GitHub nothing; exits 1 on "
      "problems.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const std::vector<Check> checks = examine(program);
  bool healthy = true;
  Json document = Json::object();
  std::string text;
  document["checks"] = Json::array();
  for (const Check& check : checks) {
    healthy = healthy && check.ok;
    document["checks"].push_back(
        Json{{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}, {"fix", check.fix}});
    text += std::string(check.ok ? "ok       " : "problem  ") + check.name + ": " + check.detail + "\n";
    text += check.fix.empty() ? "" : "         -> " + check.fix + "\n";
  }
  document["ok"] = healthy;
  const int printed = json ? print_json(program, document) : print_text(program, text);
  return healthy ? printed : link::exit_failure;
}

}  // namespace ghoard::commands
