#include "cli/link/hosts_yml.hpp"

#include "cli/link/yaml_reader.hpp"
#include "core/http/message.hpp"

namespace ghoard::link {

namespace {

constexpr std::size_t max_bytes = 1024 * 1024;
constexpr std::size_t max_hosts = 256;
constexpr int max_depth = 16;

/// Follows the events of one document: level 1 is the mapping of hosts, level 2 a host's own mapping.
class Collector {
 public:
  base::Result<void> take(yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return scalar({reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length});
      case YAML_ALIAS_EVENT: return scalar({});
      case YAML_MAPPING_START_EVENT:
      case YAML_SEQUENCE_START_EVENT: return begin(event.type == YAML_MAPPING_START_EVENT);
      case YAML_MAPPING_END_EVENT:
      case YAML_SEQUENCE_END_EVENT:
        --m_depth;
        end_value();
        return {};
      case YAML_DOCUMENT_END_EVENT: m_done = true; return {};
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_START_EVENT: return {};
    }
    return {};
  }

  [[nodiscard]] bool is_done() const { return m_done; }
  std::vector<GhHost> take_hosts() { return std::move(m_hosts); }

 private:
  static base::Result<void> not_hosts() { return base::fail(base::ErrorCode::invalid_input, "not a mapping of hosts"); }

  base::Result<void> begin(bool mapping) {
    // A mapping or sequence as a key has no meaning here.
    if ((m_depth == 0 && !mapping) || (m_depth >= 1 && m_depth <= 2 && m_key[m_depth].empty())) {
      return not_hosts();
    }
    if (++m_depth > max_depth) {
      return base::fail(base::ErrorCode::too_large, "nested too deeply");
    }
    if (m_depth == 2 && !mapping) {
      return not_hosts();
    }
    return {};
  }

  base::Result<void> scalar(std::string_view value) {
    if (m_depth == 0) {
      return value.empty() ? base::Result<void>() : not_hosts();
    }
    if (m_depth > 2) {
      return {};
    }
    std::string& key = m_key[m_depth];
    if (!key.empty()) {
      store(key, value);
      end_value();
      return {};
    }
    if (value.empty()) {
      return not_hosts();
    }
    key = value;
    return m_depth == 1 ? add_host(key) : base::Result<void>();
  }

  base::Result<void> add_host(const std::string& name) {
    if (m_hosts.size() >= max_hosts) {
      return base::fail(base::ErrorCode::too_large, "more than 256 hosts");
    }
    m_hosts.push_back({http::to_lower(name), {}, {}});
    return {};
  }

  void store(const std::string& key, std::string_view value) {
    if (m_depth != 2) {
      return;
    }
    if (key == "oauth_token") {
      m_hosts.back().oauth_token = value;
    } else if (key == "user") {
      m_hosts.back().user = value;
    }
  }

  void end_value() {
    if (m_depth == 1 || m_depth == 2) {
      m_key[m_depth].clear();
    }
  }

  std::vector<GhHost> m_hosts;
  std::string m_key[3];  // by depth
  int m_depth = 0;
  bool m_done = false;
};

}  // namespace

base::Result<std::vector<GhHost>> parse_hosts_yml(std::string_view text) {
  if (text.size() > max_bytes) {
    return base::fail(base::ErrorCode::too_large, "larger than 1 MiB");
  }
  YamlParser parser(text);
  Collector collector;
  for (bool more = true; more && !collector.is_done();) {
    YamlEvent event;
    if (!parser.next(*event)) {
      return base::fail(base::ErrorCode::invalid_input, "malformed YAML in line " + std::to_string(parser.line()));
    }
    more = event->type != YAML_STREAM_END_EVENT;
    const base::Result<void> taken = collector.take(*event);
    if (!taken) {
      return tl::unexpected(taken.error().with_context("line " + std::to_string(event->start_mark.line + 1)));
    }
  }
  return collector.take_hosts();
}

}  // namespace ghoard::link
