#include "cli/settings/settings_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/settings/settings.hpp"
#include "cli/settings/toml_lines.hpp"

namespace ghoard::settings {

namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;

tl::unexpected<base::Error> fail_at(std::string_view name, std::size_t line, std::string message) {
  return base::fail(base::ErrorCode::invalid_input,
                    std::string(name) + ":" + std::to_string(line) + ": " + std::move(message));
}

const Setting* find_setting(std::string_view key) {
  const std::span<const Setting> rows = table();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Setting& row) { return row.key == key; });
  return found == rows.end() ? nullptr : &*found;
}

std::string_view wanted(Setting::Kind kind) {
  switch (kind) {
    case Setting::Kind::boolean: return "true or false";
    case Setting::Kind::seconds: return "a number of seconds, or a string such as \"5m\"";
    case Setting::Kind::bytes: return "a number of bytes, or a string such as \"512MiB\"";
    case Setting::Kind::port: return "a port number";
    case Setting::Kind::list: return "an array of strings, or a string with commas";
    case Setting::Kind::url:
    case Setting::Kind::text:
    case Setting::Kind::path: return "a string";
  }
  return "a string";
}

/// Strings suit every kind; their content is read later.
bool suits(TomlLine::Type type, Setting::Kind kind) {
  switch (type) {
    case TomlLine::Type::boolean: return kind == Setting::Kind::boolean;
    case TomlLine::Type::integer:
      return kind == Setting::Kind::seconds || kind == Setting::Kind::bytes || kind == Setting::Kind::port;
    case TomlLine::Type::list: return kind == Setting::Kind::list;
    case TomlLine::Type::string: return true;
    case TomlLine::Type::other: return false;
  }
  return false;
}

base::Result<FileValue> read_line(std::string_view name, TomlLine line) {
  const Setting* setting = find_setting(line.key);
  if (setting == nullptr) {
    return fail_at(name, line.line,
                   "unknown key \"" + line.key.substr(0, 64) + "\"; `ghoard config list` shows the known ones");
  }
  if (!suits(line.type, setting->kind)) {
    return fail_at(name, line.line, line.key + " needs " + std::string(wanted(setting->kind)));
  }
  return FileValue{std::move(line.key), std::move(line.text), line.line, line.begin, line.end};
}

std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
    }
    result += c;
  }
  return result + "\"";
}

std::string toml_value(const Setting& setting, std::string_view text) {
  if (text.empty()) {
    return "\"\"";
  }
  switch (setting.kind) {
    case Setting::Kind::boolean:
    case Setting::Kind::seconds:
    case Setting::Kind::port: return std::string(text);
    case Setting::Kind::bytes:
      // TOML's integers are signed 64-bit.
      return text.size() < 19 ? std::string(text) : toml_string(text);
    case Setting::Kind::list:
    case Setting::Kind::url:
    case Setting::Kind::text:
    case Setting::Kind::path: return toml_string(text);
  }
  return toml_string(text);
}

base::Result<std::string> read_all(int descriptor, const std::string& name) {
  std::string text;
  char buffer[8192];
  for (;;) {
    const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return base::fail(base::ErrorCode::system, name + ": " + std::strerror(errno));
    }
    if (size == 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > max_file_bytes) {
      return base::fail(base::ErrorCode::too_large, name + ": larger than 1 MiB");
    }
  }
}

}  // namespace

base::Result<std::vector<FileValue>> parse_settings_file(std::string_view text, std::string_view name) {
  tl::expected<std::vector<TomlLine>, TomlError> lines = parse_toml_lines(text);
  if (!lines) {
    return fail_at(name, lines.error().line, std::move(lines.error().message));
  }
  std::vector<FileValue> values;
  for (TomlLine& line : *lines) {
    base::Result<FileValue> value = read_line(name, std::move(line));
    if (!value) {
      return tl::unexpected(value.error());
    }
    values.push_back(std::move(*value));
  }
  return values;
}

base::Result<std::string> edit_settings_file(std::string_view text, std::string_view name, std::string_view key,
                                             std::string_view value) {
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    return base::fail(base::ErrorCode::invalid_input,
                      "unknown setting \"" + std::string(key) + "\"; `ghoard config list` shows the known ones");
  }
  const base::Result<std::vector<FileValue>> before = parse_settings_file(text, name);
  if (!before) {
    return tl::unexpected(before.error());
  }
  std::string result(text);
  const auto line = std::find_if(before->begin(), before->end(), [&](const FileValue& row) { return row.key == key; });
  if (line != before->end()) {
    result.replace(line->begin, line->end - line->begin, toml_value(*setting, value));
  } else {
    result += result.empty() || result.ends_with('\n') ? "" : "\n";
    result += std::string(key) + " = " + toml_value(*setting, value) + "\n";
  }
  const base::Result<std::vector<FileValue>> after = parse_settings_file(result, name);
  const bool as_meant = after && std::any_of(after->begin(), after->end(),
                                             [&](const FileValue& row) { return row.key == key && row.text == value; });
  if (!as_meant) {
    return base::fail(base::ErrorCode::invalid_input,
                      std::string(name) + " could not be changed safely; please edit it by hand");
  }
  return result;
}

base::Result<std::optional<std::string>> read_settings_file(const std::filesystem::path& file) {
  // A FIFO without a writer would be waited for, for ever.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    return base::fail(base::ErrorCode::system, file.string() + ": " + std::strerror(errno));
  }
  struct stat status {};
  base::Result<std::string> text = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)
                                       ? read_all(descriptor, file.string())
                                       : base::fail(base::ErrorCode::refused, file.string() + " is no regular file");
  ::close(descriptor);
  if (!text) {
    return tl::unexpected(text.error());
  }
  return std::optional(std::move(*text));
}

}  // namespace ghoard::settings
