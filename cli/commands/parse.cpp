#include "cli/commands/parse.hpp"

#include <algorithm>

namespace ghoard::commands {

std::optional<int> parse(const link::Program& program, CLI::App& app, Arguments arguments) {
  // CLI11 takes the words from the back.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return link::write_out(program, app.help()) ? link::exit_ok : link::exit_failure;
  } catch (const CLI::Error& error) {
    print_error(program, error.what(), "\n" + app.help());
    return link::exit_failure;
  }
  return std::nullopt;
}

void add_json_flag(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "print JSON");
}

void add_setting_flags(CLI::App& app, std::map<std::string, std::string>& values) {
  for (const settings::Setting& setting : settings::table()) {
    // A secret in the arguments would show in every process list.
    if (!setting.fixed_at_start || setting.secret) {
      continue;
    }
    std::string flag = "--" + std::string(setting.key);
    std::replace(flag.begin(), flag.end(), '_', '-');
    app.add_option_function<std::string>(
           flag, [&values, key = std::string(setting.key)](const std::string& text) { values[key] = text; },
           std::string(setting.summary))
        ->take_last()
        ->type_name("VALUE");
  }
}

}  // namespace ghoard::commands
