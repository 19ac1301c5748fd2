#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/settings/settings.hpp"
#include "cli/settings/settings_file.hpp"

namespace ghoard::settings {

namespace {

tl::unexpected<base::Error> fail_system(const std::string& what) {
  return base::fail(base::ErrorCode::system, what + ": " + std::strerror(errno));
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return true;
}

/// Writes beside the file and renames, so that a reader sees the old text or the new one. A symbolic link is followed:
/// dotfiles are often kept elsewhere.
base::Result<void> replace_file(const std::filesystem::path& file, std::string_view text) {
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::weakly_canonical(file, ignored);
  const std::string target = real.empty() ? file.string() : real.string();
  std::string temporary = target + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // made with mode 0600
  if (descriptor < 0) {
    return fail_system(temporary);
  }
  const bool written = write_all(descriptor, text) && ::fsync(descriptor) == 0;
  const int failure = errno;
  ::close(descriptor);
  errno = failure;
  if (written && ::rename(temporary.c_str(), target.c_str()) == 0) {
    return {};
  }
  const auto result = fail_system(target);
  ::unlink(temporary.c_str());
  return result;
}

}  // namespace

base::Result<void> store_setting(const Paths& paths, std::string_view key, std::string_view value) {
  const std::span<const Setting> rows = table();
  const auto setting = std::find_if(rows.begin(), rows.end(), [&](const Setting& row) { return row.key == key; });
  if (setting == rows.end()) {
    return base::fail(base::ErrorCode::invalid_input,
                      "unknown setting \"" + std::string(key) + "\"; `ghoard config list` shows the known ones");
  }
  const base::Result<std::string> normal = normalise(*setting, value);
  if (!normal) {
    return tl::unexpected(normal.error().with_context(key));
  }
  base::Result<void> done = ensure_private_directory(paths.config);
  if (!done) {
    return done;
  }
  const base::Result<std::optional<std::string>> text = read_settings_file(paths.config_file());
  if (!text) {
    return tl::unexpected(text.error());
  }
  const base::Result<std::string> edited =
      edit_settings_file(text->value_or(std::string()), paths.config_file().string(), key, *normal);
  if (!edited) {
    return tl::unexpected(edited.error());
  }
  return replace_file(paths.config_file(), *edited);
}

}  // namespace ghoard::settings
