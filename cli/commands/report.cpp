#include "cli/commands/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include "cli/commands/parse.hpp"
#include "cli/link/link.hpp"

namespace ghoard::commands {

namespace {

/// Columns that a terminal needs for UTF-8 text of single-width characters.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

int print_text(const link::Program& program, const std::string& text) {
  return link::write_out(program, text) ? link::exit_ok : link::exit_failure;
}

int print_json(const link::Program& program, const Json& document) {
  return print_text(program, document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

int print_failure(const link::Program& program, const base::Error& error) {
  print_error(program, error.message);
  return link::exit_failure;
}

base::Result<Json> read_object(int status, const std::string& body) {
  Json document = Json::parse(body, nullptr, false);
  if (!document.is_object()) {
    return base::fail(base::ErrorCode::invalid_input,
                      "the agent answered " + std::to_string(status) + " without a JSON object");
  }
  if (status != 200) {
    const std::string message = text_in(document, "message");
    return base::fail(base::ErrorCode::refused, "the agent answered " + std::to_string(status) +
                                                    (message.empty() ? "" : ": " + printable(message)));
  }
  return document;
}

base::Result<std::optional<Json>> ask_running_agent(const link::Program& program, const std::string& target) {
  link::Link link(program, link::Spawn::forbidden);
  const base::Result<local::ClientResponse> answer = link.control("GET", target);
  if (!answer) {
    return answer.error().code == base::ErrorCode::unavailable ? base::Result<std::optional<Json>>(std::nullopt)
                                                               : tl::unexpected(answer.error());
  }
  base::Result<Json> document = read_object(answer->status, answer->body);
  return document ? base::Result<std::optional<Json>>(std::move(*document)) : tl::unexpected(document.error());
}

tl::expected<Report, int> begin_report(const link::Program& program, Arguments arguments, std::string_view command,
                                       const std::string& description, const std::string& target) {
  CommandLine line(program, command, description);
  Report report;
  line.add_json_flag(report.json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return tl::unexpected(*code);
  }
  if (program.problem && program.paths.state.empty()) {
    return tl::unexpected(print_failure(program, *program.problem));
  }
  base::Result<std::optional<Json>> answer = ask_running_agent(program, target);
  if (!answer) {
    return tl::unexpected(print_failure(program, answer.error()));
  }
  report.answer = *std::move(answer);
  return report;
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += printable(row[i]) + std::string(widths[i] - columns(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string format_seconds(long long seconds) {
  const std::string sign = seconds < 0 ? "-" : "";
  const long long size = seconds < 0 ? -seconds : seconds;
  if (size < 120) {
    return sign + std::to_string(size) + " s";
  }
  if (size < 2 * 3600) {
    return sign + std::to_string(size / 60) + " min";
  }
  return sign + (size < 2 * 86400 ? std::to_string(size / 3600) + " h" : std::to_string(size / 86400) + " d");
}

std::string format_bytes(unsigned long long bytes) {
  static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    return std::to_string(bytes) + " B";
  }
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) {
    value /= 1024;
  }
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
  return text.data();
}

long long number_in(const Json& object, const char* key, long long fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<long long>() : fallback;
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> texts_in(const Json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found != object.end() && found->is_array()) {
    for (const Json& item : *found) {
      if (item.is_string()) {
        texts.push_back(item.get<std::string>());
      }
    }
  }
  return texts;
}

std::vector<Json> objects_in(const Json& object, const char* key) {
  std::vector<Json> objects;
  const auto found = object.find(key);
  if (found != object.end() && found->is_array()) {
    std::copy_if(found->begin(), found->end(), std::back_inserter(objects),
                 [](const Json& item) { return item.is_object(); });
  }
  return objects;
}

}  // namespace ghoard::commands
