#pragma once

#include <filesystem>
#include <sys/types.h>

#include "core/base/result.hpp"
#include "net/server/descriptor.hpp"

namespace ghoard::agent {

/// The agent's listening Unix socket, 0600. Only the holder of the agent's lock makes one.
class LocalListener {
 public:
  /// Replaces a dead socket at `path`; busy: somebody listens there. The directory must exist.
  static base::Result<LocalListener> bind(const std::filesystem::path& path);

  /// Gives the descriptor away, for the server.
  [[nodiscard]] int release() { return m_descriptor.release(); }
  /// False once the path is gone or names another socket: then no client can find this one.
  [[nodiscard]] bool still_ours() const;
  /// Removes the path, if it is still ours.
  void remove() const;

 private:
  LocalListener(std::filesystem::path path, server::Descriptor descriptor)
      : m_path(std::move(path)), m_descriptor(std::move(descriptor)) {}

  std::filesystem::path m_path;
  server::Descriptor m_descriptor;
  dev_t m_device = 0;
  ino_t m_inode = 0;
};

}  // namespace ghoard::agent
