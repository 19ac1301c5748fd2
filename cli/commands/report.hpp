#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.hpp"
#include "core/base/result.hpp"

namespace ghoard::commands {

using Json = nlohmann::ordered_json;

/// Prints a document and a newline. Bytes that are no UTF-8 become U+FFFD. Returns the exit code.
int print_json(const link::Program& program, const Json& document);
int print_text(const link::Program& program, const std::string& text);
/// Prints the error and returns exit_failure.
int print_failure(const link::Program& program, const base::Error& error);

/// A control answer's JSON object; an error for another status or other bytes.
[[nodiscard]] base::Result<Json> read_object(int status, const std::string& body);

/// What the running agent says to a GET; nothing where no agent runs.
[[nodiscard]] base::Result<std::optional<Json>> ask_running_agent(const link::Program& program,
                                                                  const std::string& target);

/// What a command that only reports begins with.
struct Report {
  bool json = false;
  std::optional<Json> answer;  ///< the agent's; nothing where none runs
};
/// Parses `--json`, all that such a command takes, and asks the running agent. Else the exit code, help or error having
/// been printed. `command` as it is typed after the program's name.
[[nodiscard]] tl::expected<Report, int> begin_report(const link::Program& program, Arguments arguments,
                                                     std::string_view command, const std::string& description,
                                                     const std::string& target);

/// Rows as columns padded to one width, two spaces apart; the first row is the heading. Control characters become '?'.
[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// "3 s", "5 min", "2 h", "4 d".
[[nodiscard]] std::string format_seconds(long long seconds);
/// "812 B", "4.0 KiB", "1.5 MiB".
[[nodiscard]] std::string format_bytes(unsigned long long bytes);

/// Members of an object from outside, whatever they are: the fallback when missing or of another type.
[[nodiscard]] long long number_in(const Json& object, const char* key, long long fallback = 0);
[[nodiscard]] std::string text_in(const Json& object, const char* key);
[[nodiscard]] bool flag_in(const Json& object, const char* key);
/// The texts of an array; what is none is left out.
[[nodiscard]] std::vector<std::string> texts_in(const Json& object, const char* key);
/// The objects of an array; what is none is left out.
[[nodiscard]] std::vector<Json> objects_in(const Json& object, const char* key);

}  // namespace ghoard::commands
