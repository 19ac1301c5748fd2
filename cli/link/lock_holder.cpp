#include "cli/link/lock_holder.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ghoard::link {

namespace {

constexpr int max_locks = 100'000;

/// A line of /proc/locks (proc(5)): `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`. The device is not compared: some
/// file systems (btrfs, overlayfs) tell stat(2) of another one.
bool is_flock_of(const std::string& line, pid_t pid, ino_t inode) {
  std::istringstream words(line);
  std::string number;
  std::string kind;
  std::string advisory;
  std::string access;
  pid_t holder = 0;
  std::string place;
  if (!(words >> number >> kind >> advisory >> access >> holder >> place)) {
    return false;  // "->" lines too: those only wait
  }
  return kind == "FLOCK" && access == "WRITE" && holder == pid &&
         place.substr(place.rfind(':') + 1) == std::to_string(inode);
}

bool holds_lock(pid_t pid, const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return false;
  }
  std::ifstream locks("/proc/locks");
  std::string line;
  for (int i = 0; i < max_locks && std::getline(locks, line); ++i) {
    if (is_flock_of(line, pid, status.st_ino)) {
      return true;
    }
  }
  return false;
}

}  // namespace

base::Result<LockHolder> LockHolder::open(pid_t pid, const std::filesystem::path& file) {
  // The handle first: what is found out afterwards is true of the process it stands for.
  Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle.is_open()) {
    return base::fail(base::ErrorCode::system, std::string("pidfd_open: ") + std::strerror(errno));
  }
  if (!holds_lock(pid, file)) {
    return base::fail(base::ErrorCode::refused, "nothing proves that it holds " + file.string());
  }
  return LockHolder(std::move(handle));
}

base::Result<void> LockHolder::send(int signal) const {
  // ESRCH: it has gone, which is what was wanted.
  if (::syscall(SYS_pidfd_send_signal, m_handle.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    return base::fail(base::ErrorCode::system, std::string("the agent cannot be signalled: ") + std::strerror(errno));
  }
  return {};
}

}  // namespace ghoard::link
