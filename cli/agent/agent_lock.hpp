#pragma once

#include <filesystem>
#include <sys/types.h>

#include "core/base/result.hpp"
#include "net/local/agent_record.hpp"
#include "net/server/descriptor.hpp"

namespace ghoard::agent {

/// `agent.lock`: the flock that makes its holder the one agent of a cache, and the record in the same file
/// (ARCHITECTURE.md, "The agent's record"). Held until destroyed.
class AgentLock {
 public:
  /// busy: another agent holds it. Waits for nobody.
  static base::Result<AgentLock> take(const std::filesystem::path& file);

  base::Result<void> write(const local::AgentRecord& record);
  /// False once the file is gone or another one stands in its place: then the lock guards nothing any more.
  [[nodiscard]] bool still_ours() const;

 private:
  AgentLock(std::filesystem::path file, server::Descriptor descriptor)
      : m_file(std::move(file)), m_descriptor(std::move(descriptor)) {}

  std::filesystem::path m_file;
  server::Descriptor m_descriptor;
};

/// True when `file` names what `descriptor` has open.
[[nodiscard]] bool is_same_file(int descriptor, const std::filesystem::path& file);

}  // namespace ghoard::agent
