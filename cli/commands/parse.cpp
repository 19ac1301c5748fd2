#include "cli/commands/parse.hpp"

// CLI11 includes <iostream>, which sets up eight streams and their locales at every start of the program, with a
// tenth of the instructions of a cached answer. Nothing here prints through them, so libstdc++'s header is told that it
// was seen, and the declarations that CLI11's unused functions need are made here.
#include <istream>
#include <ostream>
#define _GLIBCXX_IOSTREAM 1  // NOLINT: libstdc++'s own guard
namespace std {              // NOLINT: as in <iostream>
extern istream cin;
extern ostream cout;
extern ostream cerr;
}  // namespace std

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace ghoard::commands {

class CommandLine::Impl {
 public:
  Impl(const link::Program& asked, std::string_view command, const std::string& description)
      : program(asked), app(description, asked.name + " " + std::string(command)) {}

  const link::Program& program;
  CLI::App app;
};

CommandLine::CommandLine(const link::Program& program, std::string_view command, const std::string& description)
    : m_impl(std::make_unique<Impl>(program, command, description)) {}
CommandLine::~CommandLine() = default;

void CommandLine::add_flag(const std::string& names, bool& value, const std::string& help) {
  m_impl->app.add_flag(names, value, help);
}

void CommandLine::add_option(const std::string& names, std::string& value, const std::string& help) {
  m_impl->app.add_option(names, value, help)->take_last();
}

void CommandLine::add_option(const std::string& names, std::size_t& value, int least, int most,
                             const std::string& help) {
  m_impl->app.add_option(names, value, help)->take_last()->check(CLI::Range(least, most));
}

void CommandLine::add_argument(const std::string& name, std::string& value, const std::string& help) {
  m_impl->app.add_option(name, value, help)->required();
}

void CommandLine::add_optional_argument(const std::string& name, std::string& value, const std::string& help) {
  m_impl->app.add_option(name, value, help);
}

void CommandLine::add_arguments(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  m_impl->app.add_option(name, values, help)->required();
}

void CommandLine::add_json_flag(bool& json) {
  add_flag("--json", json, "print JSON");
}

void CommandLine::add_setting_flags(std::map<std::string, std::string>& values) {
  for (const settings::Setting& setting : settings::table()) {
    // A secret in the arguments would show in every process list.
    if (!setting.fixed_at_start || setting.secret) {
      continue;
    }
    std::string flag = "--" + std::string(setting.key);
    std::replace(flag.begin(), flag.end(), '_', '-');
    m_impl->app
        .add_option_function<std::string>(
            flag, [&values, key = std::string(setting.key)](const std::string& text) { values[key] = text; },
            std::string(setting.summary))
        ->take_last()
        ->type_name("VALUE");
  }
}

std::optional<int> CommandLine::parse(Arguments arguments) {
  CLI::App& app = m_impl->app;
  // CLI11 takes the words from the back.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return link::write_out(m_impl->program, app.help()) ? link::exit_ok : link::exit_failure;
  } catch (const CLI::Error& error) {
    print_error(m_impl->program, error.what(), "\n" + app.help());
    return link::exit_failure;
  }
  return std::nullopt;
}

}  // namespace ghoard::commands
