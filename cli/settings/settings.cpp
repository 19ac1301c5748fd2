#include "cli/settings/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "cli/settings/settings_file.hpp"
#include "core/base/digest.hpp"
#include "core/base/secret.hpp"
#include "core/http/uri.hpp"

namespace ghoard::settings {

namespace {

using Values = std::map<std::string, Value, std::less<>>;

const Setting* find_setting(std::string_view key) {
  const std::span<const Setting> rows = table();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Setting& row) { return row.key == key; });
  return found == rows.end() ? nullptr : &*found;
}

base::Result<void> assign(Values& values, const Setting& setting, std::string_view text, Source source,
                          std::string origin) {
  base::Result<std::string> normal = normalise(setting, text);
  if (!normal) {
    // A secret must not reach an error text, and what failed may be a part of it.
    return setting.secret ? base::fail(base::ErrorCode::invalid_input, origin + ": not a valid value")
                          : tl::unexpected(normal.error().with_context(origin));
  }
  if (!normal->empty()) {
    values.insert_or_assign(std::string(setting.key), Value{std::move(*normal), source, std::move(origin)});
  }
  return {};
}

base::Result<void> load_file(Values& values, const std::filesystem::path& file) {
  const base::Result<std::optional<std::string>> text = read_settings_file(file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  if (!*text) {
    return {};
  }
  const base::Result<std::vector<FileValue>> lines = parse_settings_file(**text, file.string());
  if (!lines) {
    return tl::unexpected(lines.error());
  }
  for (const FileValue& line : *lines) {
    const base::Result<void> assigned = assign(values, *find_setting(line.key), line.text, Source::file,
                                               file.string() + ":" + std::to_string(line.line));
    if (!assigned) {
      return assigned;
    }
  }
  return {};
}

base::Result<void> load_environment(Values& values, const Environment& environment) {
  for (const Setting& setting : table()) {
    for (const std::string_view name : {setting.alias, setting.environment}) {
      const std::optional<std::string> text = name.empty() ? std::nullopt : environment(std::string(name));
      if (!text) {
        continue;
      }
      // The alias comes first so that a variable of our own name replaces it.
      const base::Result<void> assigned = assign(values, setting, *text, Source::environment, std::string(name));
      if (!assigned) {
        return assigned;
      }
    }
  }
  return {};
}

std::string flag_of(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string short_hash(const Setting& setting, const Value& value) {
  if (setting.secret) {
    return value.text.empty() ? "unset" : "set";
  }
  return base::sha256(std::string(setting.key) + "=" + value.text).hex().substr(0, 8);
}

/// The hash of `key` in "key:hash,...", or nothing.
std::optional<std::string_view> hash_in(std::string_view record, std::string_view key) {
  while (!record.empty()) {
    const std::string_view item = record.substr(0, record.find(','));
    record.remove_prefix(std::min(item.size() + 1, record.size()));
    if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == ':') {
      return item.substr(key.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace

base::Result<Settings> Settings::load(const Paths& paths, const Environment& environment,
                                      const std::map<std::string, std::string>& flags) {
  Settings settings;
  for (const Setting& setting : table()) {
    settings.m_values.emplace(setting.key, Value{std::string(setting.default_value), Source::built_in, "default"});
  }
  base::Result<void> loaded = load_file(settings.m_values, paths.config_file());
  if (loaded) {
    loaded = load_environment(settings.m_values, environment);
  }
  for (const auto& [key, text] : flags) {
    const Setting* setting = find_setting(key);
    if (setting == nullptr) {
      return base::fail(base::ErrorCode::invalid_input, "unknown setting " + key);
    }
    if (loaded) {
      loaded = assign(settings.m_values, *setting, text, Source::flag, flag_of(key));
    }
  }
  if (!loaded) {
    return tl::unexpected(loaded.error());
  }
  return settings;
}

const Value& Settings::value(std::string_view key) const {
  static const Value unknown;
  const auto found = m_values.find(key);
  return found == m_values.end() ? unknown : found->second;
}

bool Settings::boolean(std::string_view key) const {
  return text(key) == "true";
}

std::uint64_t Settings::number(std::string_view key) const {
  const std::string& digits = text(key);
  std::uint64_t result = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return result;
}

std::vector<std::string> Settings::list(std::string_view key) const {
  std::vector<std::string> items;
  std::string_view rest = text(key);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    items.emplace_back(item);
  }
  return items;
}

void Settings::forget_secret(std::string_view key) {
  const auto found = m_values.find(key);
  if (found != m_values.end() && !found->second.text.empty()) {
    base::wipe(found->second.text);
    found->second.text = "set";
  }
}

void Settings::take_over(const Settings& other, std::string_view key) {
  const auto found = m_values.find(key);
  if (found != m_values.end()) {
    found->second = other.value(key);
  }
}

std::string Settings::fixed_hash() const {
  std::string result;
  for (const Setting& setting : table()) {
    if (setting.fixed_at_start) {
      result += result.empty() ? "" : ",";
      result += std::string(setting.key) + ":" + short_hash(setting, value(setting.key));
    }
  }
  return result;
}

std::vector<std::string_view> Settings::differing(std::string_view record_hash) const {
  std::vector<std::string_view> keys;
  for (const Setting& setting : table()) {
    if (!setting.fixed_at_start || !is_explicit(setting.key)) {
      continue;
    }
    const std::optional<std::string_view> theirs = hash_in(record_hash, setting.key);
    if (theirs && *theirs != short_hash(setting, value(setting.key))) {
      keys.push_back(setting.key);
    }
  }
  return keys;
}

github::OriginMap origin_map(const Settings& settings) {
  github::OriginMap map;
  if (!settings.is_explicit("api_url")) {
    return map;
  }
  // The value has been read once already, when the settings were loaded.
  if (base::Result<http::Url> url = http::parse_url(settings.text("api_url"))) {
    map.github_api = std::move(url->origin);
    map.github_prefix = std::move(url->target);
    while (map.github_prefix.ends_with('/')) {
      map.github_prefix.pop_back();
    }
  }
  return map;
}

}  // namespace ghoard::settings
