#include "cli/agent/agent_lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ghoard::agent {

namespace {

constexpr int attempts = 10;

tl::unexpected<base::Error> failed(const std::string& what, const std::filesystem::path& file) {
  return base::fail(base::ErrorCode::system, "cannot " + what + " " + file.string() + ": " + std::strerror(errno));
}

}  // namespace

bool is_same_file(int descriptor, const std::filesystem::path& file) {
  struct stat open_file {};
  struct stat named {};
  return ::fstat(descriptor, &open_file) == 0 && ::lstat(file.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

base::Result<AgentLock> AgentLock::take(const std::filesystem::path& file) {
  for (int i = 0; i < attempts; ++i) {
    server::Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!descriptor.open()) {
      return failed("open", file);
    }
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return base::fail(base::ErrorCode::busy, "another agent runs (it holds " + file.string() + ")");
      }
      return failed("lock", file);
    }
    if (is_same_file(descriptor.get(), file)) {
      return AgentLock(file, std::move(descriptor));
    }
    // Somebody removed the file between open and flock: that lock would be nobody's.
  }
  return base::fail(base::ErrorCode::busy, file.string() + " is being replaced all the time");
}

base::Result<void> AgentLock::write(const local::AgentRecord& record) {
  const std::string text = local::format_agent_record(record);
  // Readers, who take no lock, see an empty file or the whole record.
  if (::ftruncate(m_descriptor.get(), 0) != 0 ||
      ::pwrite(m_descriptor.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return failed("write", m_file);
  }
  return {};
}

bool AgentLock::still_ours() const {
  return is_same_file(m_descriptor.get(), m_file);
}

}  // namespace ghoard::agent
