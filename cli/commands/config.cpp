#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::commands {

namespace {

const char* source_name(settings::Source source) {
  switch (source) {
    case settings::Source::built_in: return "default";
    case settings::Source::file: return "file";
    case settings::Source::environment: return "environment";
    case settings::Source::flag: return "flag";
  }
  return "default";
}

std::string shown(const settings::Setting& setting, const settings::Value& value) {
  return setting.secret ? (value.text.empty() ? "" : "(set)") : value.text;
}

int list(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "config list", "Shows every setting with its value and where the value comes from.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  if (program.problem) {
    return print_failure(program, *program.problem);
  }
  Json document = Json::object();
  std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "FROM"}};
  for (const settings::Setting& setting : settings::table()) {
    const settings::Value& value = program.settings.value(setting.key);
    document[std::string(setting.key)] =
        Json{{"value", shown(setting, value)}, {"source", source_name(value.source)}, {"origin", value.origin}};
    rows.push_back({std::string(setting.key), shown(setting, value), value.origin});
  }
  return json ? print_json(program, document) : print_text(program, format_table(rows));
}

int get(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "config get", "Prints the value of one setting.");
  std::string key;
  bool json = false;
  line.add_argument("KEY", key, "as `config list` shows it");
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  if (program.problem) {
    return print_failure(program, *program.problem);
  }
  const auto rows = settings::table();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const settings::Setting& s) { return s.key == key; });
  if (row == rows.end()) {
    print_error(program, "unknown setting \"" + key + "\"; `" + program.name + " config list` shows the known ones");
    return link::exit_failure;
  }
  const settings::Value& value = program.settings.value(key);
  if (json) {
    return print_json(program, Json{{"key", key}, {"value", shown(*row, value)}, {"origin", value.origin}});
  }
  return print_text(program, shown(*row, value) + "\n");
}

int set(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "config set", "Writes one setting into config.toml. An empty VALUE unsets it.");
  std::string key;
  std::string value;
  line.add_argument("KEY", key, "as `config list` shows it");
  line.add_argument("VALUE", value, "the new value; `-` reads it from standard input");
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  if (value == "-") {
    char buffer[8192];
    value.clear();
    for (ssize_t size = 0; value.size() < 64 * 1024 && (size = ::read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
      value.append(buffer, static_cast<std::size_t>(size));
    }
    value.erase(value.find_last_not_of("\r\n") + 1);
  }
  if (key == "network_key") {
    if (const auto keys = peer::parse_network_keys(value); !keys) {
      return print_failure(program, keys.error());
    }
  }
  const base::Result<void> stored = settings::store_setting(program.paths, key, value);
  return stored ? link::exit_ok : print_failure(program, stored.error());
}

int path(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "config path", "Prints the path of config.toml.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  const link::Program& p = program;
  if (p.paths.config.empty() && p.problem) {
    return print_failure(program, *p.problem);
  }
  if (json) {
    return print_json(program, Json{{"config", p.paths.config_file().string()},
                                    {"cache", p.paths.cache.string()},
                                    {"state", p.paths.state.string()},
                                    {"run", p.paths.run.string()}});
  }
  return print_text(program, p.paths.config_file().string() + "\n");
}

constexpr std::array<link::Command, 4> group{{{"list", "every setting, its value and where that comes from", list},
                                              {"get", "the value of one setting", get},
                                              {"set", "write one setting into config.toml", set},
                                              {"path", "the path of config.toml", path}}};

}  // namespace

int run_config(const link::Program& program, Arguments arguments) {
  return run_group(program, "config", group, arguments);
}

}  // namespace ghoard::commands
