#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace ghoard::local {

/// What `agent.lock` says of the running agent (ARCHITECTURE.md, "The agent's record"). It may be left over from a dead
/// agent: only a successful connect proves anything.
struct AgentRecord {
  int pid = 0;
  std::string version;
  int protocol = 0;
  std::string socket;    ///< absolute path
  std::string api_url;   ///< the upstream base URL the agent was started with
  std::string settings;  ///< hash of the settings fixed at start
  /// It shares with peers. While it is away its cache may miss changes that they were told of; the line outlives it.
  bool overlay = false;

  bool operator==(const AgentRecord&) const = default;
};

/// At most 8 KiB; unknown lines are ignored so that a newer agent's record can be read.
[[nodiscard]] base::Result<AgentRecord> parse_agent_record(std::string_view text);
[[nodiscard]] std::string format_agent_record(const AgentRecord& record);

}  // namespace ghoard::local
