#include "cli/api/git_config.hpp"

#include <algorithm>

#include "core/http/message.hpp"

namespace ghoard::api {

namespace {

/// A value after its '=': quotes, backslash escapes, comments, and lines continued by a backslash.
std::string take_value(std::string_view& text) {
  std::string value;
  std::size_t kept = 0;  // length up to the last character that is no trailing space
  bool inside_quotes = false;
  while (!text.empty() && text[0] != '\n') {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '"') {
      inside_quotes = !inside_quotes;
      kept = value.size();
    } else if (c == '\\' && !text.empty()) {
      const char escaped = text[0];
      text.remove_prefix(1);
      if (escaped != '\n') {
        value += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
        kept = value.size();
      }
    } else if (!inside_quotes && (c == '#' || c == ';')) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (inside_quotes || !value.empty() || (c != ' ' && c != '\t')) {
      value += c;
      kept = inside_quotes || (c != ' ' && c != '\t' && c != '\r') ? value.size() : kept;
    }
  }
  value.resize(kept);
  return value;
}

struct Section {
  std::string name;
  std::string subsection;
};

/// `[remote "origin"]`; leaves `text` after the ']'.
Section take_section(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  std::size_t i = std::min(line.find_first_of("\"]"), line.size());
  Section section{http::to_lower(http::trim(line.substr(1, std::max<std::size_t>(i, 1) - 1))), {}};
  if (i < line.size() && line[i] == '"') {
    for (++i; i < line.size() && line[i] != '"'; ++i) {
      i += line[i] == '\\' && i + 1 < line.size() ? 1 : 0;
      section.subsection += line[i];
    }
  }
  const std::size_t close = line.find(']', std::min(i, line.size()));
  text.remove_prefix(close == std::string_view::npos ? end : close + 1);
  return section;
}

}  // namespace

std::vector<GitSetting> parse_git_config(std::string_view config) {
  std::vector<GitSetting> settings;
  Section section;
  while (!config.empty()) {
    const char c = config[0];
    if (c == '[') {
      section = take_section(config);
    } else if (c == '#' || c == ';') {
      config.remove_prefix(std::min(config.find('\n'), config.size()));
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      config.remove_prefix(1);
    } else {
      const std::size_t end = std::min(config.find_first_of("=\n"), config.size());
      std::string key = http::to_lower(http::trim(config.substr(0, end)));
      config.remove_prefix(end);
      if (config.starts_with('=')) {
        config.remove_prefix(1);
        settings.push_back({section.name, section.subsection, std::move(key), take_value(config)});
      }
    }
  }
  return settings;
}

std::vector<Remote> git_remotes(std::span<const GitSetting> settings) {
  std::vector<Remote> remotes;
  for (const GitSetting& setting : settings) {
    if (setting.section != "remote" || setting.subsection.empty()) {
      continue;
    }
    auto found = std::find_if(remotes.begin(), remotes.end(),
                              [&](const Remote& remote) { return remote.name == setting.subsection; });
    if (found == remotes.end()) {
      found = remotes.insert(remotes.end(), Remote{setting.subsection, {}});
    }
    if (setting.key == "url" && found->url.empty()) {
      found->url = setting.value;  // git fetches from the first of several
    }
  }
  return remotes;
}

std::string rewritten_url(std::string_view url, std::span<const GitSetting> settings) {
  const GitSetting* best = nullptr;
  for (const GitSetting& setting : settings) {
    if (setting.section == "url" && setting.key == "insteadof" && !setting.value.empty() &&
        url.starts_with(setting.value) && (best == nullptr || setting.value.size() > best->value.size())) {
      best = &setting;
    }
  }
  return best == nullptr ? std::string(url) : best->subsection + std::string(url.substr(best->value.size()));
}

}  // namespace ghoard::api
