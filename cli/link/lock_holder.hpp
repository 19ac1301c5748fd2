#pragma once

#include <filesystem>
#include <sys/types.h>

#include "cli/link/descriptor.hpp"
#include "core/base/result.hpp"

namespace ghoard::link {

/// A process of which the kernel says that it holds the flock on a file. Move-only. Held by a pidfd, so that a signal
/// never reaches another process to which the number was given meanwhile.
class LockHolder {
 public:
  /// refused: the process does not hold that lock, or nothing tells (no /proc/locks).
  static base::Result<LockHolder> open(pid_t pid, const std::filesystem::path& file);

  [[nodiscard]] base::Result<void> send(int signal) const;

 private:
  explicit LockHolder(Descriptor handle) : m_handle(std::move(handle)) {}

  Descriptor m_handle;
};

}  // namespace ghoard::link
