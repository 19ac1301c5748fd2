#include "core/base/version.hpp"

#include <nlohmann/json.hpp>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"

namespace ghoard::commands {

int run_version(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "version", "Prints the version.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  if (json) {
    return print_json(program, Json{{"version", base::version}, {"protocol", base::local_protocol}});
  }
  return print_text(program, "ghoard version " + std::string(base::version) + "\n");
}

}  // namespace ghoard::commands
