#include "net/local/agent_record.hpp"

#include <algorithm>
#include <charconv>

namespace ghoard::local {

namespace {

constexpr std::size_t max_record_bytes = 8 * 1024;

bool parse_number(std::string_view text, int least, int& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size() && into >= least;
}

bool assign(AgentRecord& record, std::string_view name, std::string_view value) {
  if (name == "pid") {
    return parse_number(value, 1, record.pid);
  }
  if (name == "protocol") {
    return parse_number(value, 0, record.protocol);
  }
  if (name == "version") {
    record.version = value;
  } else if (name == "socket") {
    record.socket = value;
  } else if (name == "api_url") {
    record.api_url = value;
  } else if (name == "settings") {
    record.settings = value;
  } else if (name == "overlay") {
    record.overlay = value != "off";  // whatever a later version means by another word, it is no "off"
  }
  return true;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

base::Result<AgentRecord> parse_agent_record(std::string_view text) {
  if (text.size() > max_record_bytes) {
    return base::fail(base::ErrorCode::too_large, "the agent's record is larger than 8 KiB");
  }
  AgentRecord record;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(0, space);
    const std::string_view value = line.substr(std::min(space + 1, line.size()));
    if (has_control(line) || !assign(record, name, value)) {
      return base::fail(base::ErrorCode::corrupted, "the agent's record has a malformed line");
    }
  }
  if (record.pid == 0 || !record.socket.starts_with('/')) {
    return base::fail(base::ErrorCode::corrupted, "the agent's record is incomplete");
  }
  return record;
}

std::string format_agent_record(const AgentRecord& record) {
  return "pid " + std::to_string(record.pid) + "\nversion " + record.version + "\nprotocol " +
         std::to_string(record.protocol) + "\nsocket " + record.socket + "\napi_url " + record.api_url + "\nsettings " +
         record.settings + "\noverlay " + (record.overlay ? "on" : "off") + "\n";
}

}  // namespace ghoard::local
