#include "store/location.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ghoard::store {

namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;
constexpr mode_t others = 0077;

tl::unexpected<base::Error> unavailable(std::string_view what, const std::filesystem::path& path, int error) {
  return base::fail(base::ErrorCode::unavailable, "cannot " + std::string(what) + " " + path.string() + ": " +
                                                      std::generic_category().message(error));
}

base::Result<void> make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), directory_mode) != 0) {
    return errno == EEXIST ? base::Result<void>() : unavailable("create", directory, errno);
  }
  // The umask may have taken even the owner's rights.
  return ::chmod(directory.c_str(), directory_mode) == 0 ? base::Result<void>()
                                                         : unavailable("restrict", directory, errno);
}

/// Ours, and nobody else's to enter.
base::Result<void> close_to_others(const std::filesystem::path& path, const struct stat& status, mode_t mode) {
  if (status.st_uid != ::geteuid()) {
    return base::fail(base::ErrorCode::unavailable, path.string() + " belongs to another user");
  }
  if ((status.st_mode & others) != 0 && ::chmod(path.c_str(), mode) != 0) {
    return unavailable("restrict", path, errno);
  }
  return {};
}

base::Result<void> secure_directory(const std::filesystem::path& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return unavailable("use", directory, errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return unavailable("use", directory, ENOTDIR);
  }
  return close_to_others(directory, status, directory_mode);
}

/// True: the file is new.
base::Result<bool> create_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode);
  if (descriptor < 0) {
    return errno == EEXIST ? base::Result<bool>(false) : unavailable("create", file, errno);
  }
  // The process's umask may have taken bits away from 0600, never added any: there was no moment to race with.
  const int result = ::fchmod(descriptor, file_mode);
  const int error = errno;
  ::close(descriptor);
  return result == 0 ? base::Result<bool>(true) : unavailable("restrict", file, error);
}

/// An existing file of the database: closed to others if it is a regular one.
base::Result<void> secure_file(const std::filesystem::path& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) {
    return errno == ENOENT ? base::Result<void>() : unavailable("use", file, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return base::fail(base::ErrorCode::corrupted, file.string() + " is not a file");
  }
  return close_to_others(file, status, file_mode);
}

base::Result<void> check_writable(const std::filesystem::path& directory) {
  // SQLite has to create the log and the shared memory beside the database.
  return is_writable(directory) ? base::Result<void>() : unavailable("write to", directory, errno);
}

}  // namespace

std::int64_t filesystem_type(const std::filesystem::path& directory) {
  struct statfs status {};
  return ::statfs(directory.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.f_type) : 0;
}

std::string_view network_filesystem(std::int64_t type) {
  // linux/magic.h, and the sources of file systems outside of it. FUSE does not tell what is behind it (sshfs, rclone).
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 14> known{{
      {0x6969, "NFS"},
      {0x517b, "SMB"},
      {0xfe534d42, "SMB2"},
      {0xff534d42, "CIFS"},
      {0x65735546, "FUSE"},
      {0x01021997, "9p"},
      {0x00c36400, "Ceph"},
      {0x73757245, "Coda"},
      {0x5346414f, "AFS"},
      {0x6b414653, "AFS"},
      {0x0bd00bd0, "Lustre"},
      {0x01161970, "GFS2"},
      {0x7461636f, "OCFS2"},
      {0x47504653, "GPFS"},
  }};
  // f_type is 32 bits wide on some machines, and then sign-extended.
  const std::int64_t magic = type & 0xffffffff;
  for (const auto& [value, name] : known) {
    if (value == magic) {
      return name;
    }
  }
  return {};
}

bool is_writable(const std::filesystem::path& directory) {
  return ::access(directory.c_str(), W_OK | X_OK) == 0;
}

bool has_database(const std::filesystem::path& directory) {
  struct stat status {};
  return ::lstat((directory / database_name).c_str(), &status) == 0 || errno != ENOENT;
}

base::Result<void> prepare_location(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / database_name;
  for (base::Result<void> (*step)(const std::filesystem::path&) : {make_directory, secure_directory, check_writable}) {
    if (base::Result<void> done = step(directory); !done) {
      return done;
    }
  }
  base::Result<bool> created = create_file(file);
  if (!created) {
    return tl::unexpected(std::move(created.error()));
  }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::path part = file;
    part += suffix;
    if (base::Result<void> done = secure_file(part); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace ghoard::store
