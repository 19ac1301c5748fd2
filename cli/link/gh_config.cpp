#include "cli/link/gh_config.hpp"

#include "cli/link/gh.hpp"
#include "cli/link/yaml_reader.hpp"

namespace ghoard::link {

namespace {

constexpr std::size_t max_bytes = 1024 * 1024;

/// Looks for the key among the members of the outermost mapping.
class Search {
 public:
  explicit Search(std::string_view key) : m_key(key) {}

  /// False: there is no more to see.
  bool take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return scalar({reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length});
      case YAML_ALIAS_EVENT: return scalar({});
      case YAML_MAPPING_START_EVENT: ++m_depth; return true;
      case YAML_SEQUENCE_START_EVENT: return ++m_depth > 1;
      case YAML_MAPPING_END_EVENT:
      case YAML_SEQUENCE_END_EVENT: return --m_depth != 1 || member_done();
      case YAML_STREAM_START_EVENT:
      case YAML_DOCUMENT_START_EVENT: return true;
      case YAML_NO_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_END_EVENT: return false;
    }
    return false;
  }

  [[nodiscard]] const std::optional<std::string>& found() const { return m_found; }

 private:
  bool scalar(std::string_view value) {
    if (m_depth != 1) {
      return m_depth > 1;
    }
    if (!m_at_value) {
      m_matches = value == m_key;
      m_at_value = true;
      return true;
    }
    if (m_matches && !value.empty()) {
      m_found = value;
    }
    return member_done() && !m_matches;
  }

  // A key or a value has ended.
  bool member_done() {
    m_at_value = !m_at_value;
    return true;
  }

  std::string_view m_key;
  int m_depth = 0;
  bool m_at_value = false;
  bool m_matches = false;
  std::optional<std::string> m_found;
};

}  // namespace

std::optional<std::string> find_gh_setting(std::string_view config_yml, std::string_view key) {
  if (config_yml.size() > max_bytes) {
    return std::nullopt;
  }
  YamlParser parser(config_yml);
  Search search(key);
  for (bool more = true; more;) {
    YamlEvent event;
    if (!parser.next(*event)) {
      return std::nullopt;
    }
    more = search.take(*event);
  }
  return search.found();
}

std::optional<std::string> read_gh_setting(const settings::Environment& environment, std::string_view key) {
  const std::optional<std::filesystem::path> directory = gh_config_directory(environment);
  if (!directory) {
    return std::nullopt;
  }
  const base::Result<std::optional<std::string>> text = read_small_file(*directory / "config.yml", max_bytes);
  return text && *text ? find_gh_setting(**text, key) : std::nullopt;
}

}  // namespace ghoard::link
