#include "store/quarantine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include "store/location.hpp"

namespace ghoard::store {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view corrupt_prefix = "cache.db.corrupt-";
constexpr std::string_view schema_prefix = "cache.db.schema-";
constexpr std::int64_t max_number = 1'000'000'000;
// The database goes first, whatever is done to it. Without its log it would be an older state of itself, in which
// marks and revocations that were promised are missing. A log without its database is nothing: SQLite deletes it when
// it finds an empty database beside it.
constexpr std::array<std::string_view, 3> parts{"", "-wal", "-shm"};

tl::unexpected<base::Error> failed(std::string_view what, const fs::path& path, int error) {
  return base::fail(base::ErrorCode::system, "cannot " + std::string(what) + " " + path.string() + ": " +
                                                 std::generic_category().message(error));
}

fs::path with_suffix(const fs::path& file, std::string_view suffix) {
  fs::path path = file;
  path += suffix;
  return path;
}

/// Names and their absence are data of the directory: only its own fsync makes them last.
base::Result<void> sync(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) {
    return failed("open", path, errno);
  }
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  return result == 0 ? base::Result<void>() : failed("sync", path, error);
}

base::Result<void> sync_directory(const fs::path& directory) {
  return sync(directory, O_RDONLY | O_DIRECTORY);
}

/// The number at the end of a quarantined database's name; nothing for other names, those of logs included.
std::optional<std::int64_t> number_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && number >= 0 && number <= max_number ? std::optional(number) : std::nullopt;
}

struct Quarantined {
  fs::path file;
  std::tuple<std::int64_t, std::int64_t, std::int64_t> order;  ///< when it was moved (seconds, nanoseconds), number
};

std::vector<Quarantined> quarantined(const fs::path& directory) {
  std::vector<Quarantined> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    for (std::string_view prefix : {corrupt_prefix, schema_prefix}) {
      struct stat status {};
      if (const auto number = number_of(name, prefix); number && ::lstat(it->path().c_str(), &status) == 0) {
        found.push_back({it->path(), {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, *number}});
      }
    }
  }
  return found;
}

void remove_database(const fs::path& file) {
  std::error_code ignored;
  for (std::string_view part : parts) {
    fs::remove_all(with_suffix(file, part), ignored);
  }
}

void prune(const fs::path& directory, const fs::path& latest) {
  std::vector<Quarantined> all = quarantined(directory);
  std::erase_if(all, [&](const Quarantined& one) { return one.file == latest; });
  std::sort(all.begin(), all.end(), [](const auto& left, const auto& right) { return left.order > right.order; });
  for (std::size_t i = kept_databases - 1; i < all.size(); ++i) {
    remove_database(all[i].file);
  }
}

base::Result<void> move_aside(const fs::path& directory, const fs::path& target) {
  const fs::path file = directory / database_name;
  remove_database(target);
  for (std::string_view part : parts) {
    const fs::path from = with_suffix(file, part);
    if (::rename(from.c_str(), with_suffix(target, part).c_str()) != 0 && errno != ENOENT) {
      return failed("move aside", from, errno);
    }
  }
  // Shared memory is worth nothing without its processes.
  ::unlink(with_suffix(target, "-shm").c_str());
  // The time of the move, so that "the latest" has a meaning; best effort.
  ::utimensat(AT_FDCWD, target.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  prune(directory, target);
  return sync_directory(directory);
}

int remove_files(const fs::path& file) {
  int error = 0;
  for (std::string_view part : parts) {
    if (::unlink(with_suffix(file, part).c_str()) != 0 && errno != ENOENT) {
      error = errno;
    }
  }
  return error;
}

base::Result<void> empty_files(const fs::path& file) {
  for (std::string_view part : {"", "-wal"}) {
    const fs::path path = with_suffix(file, part);
    if (::truncate(path.c_str(), 0) != 0) {
      if (errno == ENOENT) {
        continue;
      }
      return failed("empty", path, errno);
    }
    if (base::Result<void> done = sync(path, O_RDWR | O_NOFOLLOW); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace

base::Result<void> quarantine_corrupt(const fs::path& directory) {
  std::int64_t number = 0;
  for (const Quarantined& one : quarantined(directory)) {
    number = std::max(number, number_of(one.file.filename().string(), corrupt_prefix).value_or(0));
  }
  return move_aside(directory, directory / (std::string(corrupt_prefix) + std::to_string(number + 1)));
}

base::Result<void> quarantine_newer(const fs::path& directory, std::int64_t version) {
  return move_aside(directory, directory / (std::string(schema_prefix) + std::to_string(version)));
}

base::Result<void> discard_database(const fs::path& directory) {
  const fs::path file = directory / database_name;
  if (remove_files(file) == 0) {
    return sync_directory(directory);
  }
  return empty_files(file);
}

}  // namespace ghoard::store
