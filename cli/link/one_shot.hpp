#pragma once

#include <sys/types.h>

#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "net/local/client.hpp"

namespace ghoard::link {

/// `ghoard-agent --one-shot` on the other end of a socketpair: the agent's code without listeners and overlay, for one
/// command. Move-only.
class OneShot {
 public:
  /// What it is to be asked for. For `changes` it waits, up to 10 s, until no other process holds the cache.
  enum class Purpose { reads, changes };

  static base::Result<OneShot> start(const Program& program, Purpose purpose);
  OneShot(OneShot&& other) noexcept;
  OneShot& operator=(OneShot&& other) noexcept;
  OneShot(const OneShot&) = delete;
  OneShot& operator=(const OneShot&) = delete;
  /// Waits for a bounded time until it has written what it keeps, provided its connection has been closed.
  ~OneShot();

  /// The connection, once.
  local::Connection take_connection() { return std::move(m_connection); }

 private:
  OneShot(pid_t child, local::Connection connection) : m_child(child), m_connection(std::move(connection)) {}

  pid_t m_child = -1;
  local::Connection m_connection;
};

}  // namespace ghoard::link
