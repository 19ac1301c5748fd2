#include "cli/agent/local_listener.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace ghoard::agent {

namespace {

constexpr int backlog = 512;

tl::unexpected<base::Error> failed(const std::string& what, const std::filesystem::path& path) {
  return base::fail(base::ErrorCode::system, "cannot " + what + " " + path.string() + ": " + std::strerror(errno));
}

base::Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) {
    return base::fail(base::ErrorCode::invalid_input,
                      "the socket's path has " + std::to_string(text.size()) + " bytes, " +
                          std::to_string(sizeof address.sun_path - 1) +
                          " are possible; set GHOARD_HOME or XDG_RUNTIME_DIR to a shorter directory: " + text);
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

/// Removes what a dead agent left. A socket that somebody listens on (an agent with another state directory) stays.
base::Result<void> clear_the_way(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    return {};
  }
  if (!S_ISSOCK(found.st_mode)) {
    return base::fail(base::ErrorCode::refused, path.string() + " is in the way and is no socket");
  }
  const server::Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool answered = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (answered || errno == EAGAIN) {
    return base::fail(base::ErrorCode::busy,
                      "another agent, with another state directory, listens on " + path.string());
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return failed("remove", path);
  }
  return {};
}

}  // namespace

base::Result<LocalListener> LocalListener::bind(const std::filesystem::path& path) {
  const base::Result<sockaddr_un> address = address_of(path);
  if (!address) {
    return tl::unexpected(address.error());
  }
  if (base::Result<void> clear = clear_the_way(path, *address); !clear) {
    return tl::unexpected(clear.error());
  }
  server::Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool bound = ::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un)) == 0;
  ::umask(before);
  if (!bound) {
    return failed("bind", path);
  }
  LocalListener listener(path, std::move(descriptor));
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) {
    return failed("find", path);
  }
  listener.m_device = made.st_dev;
  listener.m_inode = made.st_ino;
  if (::listen(listener.m_descriptor.get(), backlog) != 0) {
    const tl::unexpected<base::Error> failure = failed("listen on", path);
    listener.remove();
    return failure;
  }
  return listener;
}

bool LocalListener::still_ours() const {
  struct stat found {};
  return ::lstat(m_path.c_str(), &found) == 0 && found.st_dev == m_device && found.st_ino == m_inode;
}

void LocalListener::remove() const {
  if (still_ours()) {
    ::unlink(m_path.c_str());
  }
}

}  // namespace ghoard::agent
