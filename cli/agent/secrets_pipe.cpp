#include "cli/agent/secrets_pipe.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sodium.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace ghoard::agent {

namespace {

constexpr std::size_t longest = 2 * local::longest_start_secret + 64;

tl::unexpected<base::Error> unreadable(std::string_view why) {
  return base::fail(base::ErrorCode::system, "cannot read the secrets of the start: " + std::string(why));
}

/// 0: the end.
base::Result<std::size_t> read_some(int descriptor, std::span<std::uint8_t> into,
                                    std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<base::Millis>(deadline - std::chrono::steady_clock::now()).count();
    pollfd entry{descriptor, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&entry, 1, static_cast<int>(left)) : 0;
    if (ready == 0) {
      return base::fail(base::ErrorCode::timeout, "whoever started this agent does not finish telling its secrets");
    }
    const ssize_t size = ready < 0 ? -1 : ::read(descriptor, into.data(), into.size());
    if (size >= 0) {
      return static_cast<std::size_t>(size);
    }
    if (errno != EINTR) {
      return unreadable(std::strerror(errno));
    }
  }
}

}  // namespace

base::Result<local::StartSecrets> read_start_secrets(int descriptor, base::Millis patience) {
  base::Result<base::SecretBytes> bytes = base::SecretBytes::create(longest);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t size = 0;
  for (;;) {
    if (size == bytes->size()) {
      return base::fail(base::ErrorCode::too_large, "the secrets of the start are too long");
    }
    const base::Result<std::size_t> more = read_some(descriptor, bytes->writable().subspan(size), deadline);
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (*more == 0) {
      return local::parse_start_secrets(bytes->view().substr(0, size));
    }
    size += *more;
  }
}

base::Result<local::StartSecrets> take_environment_secrets() {
  local::StartSecrets secrets;
  for (const char* name : {"GH_TOKEN", "GITHUB_TOKEN", "GHOARD_NETWORK_KEY"}) {
    char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') {
      continue;
    }
    base::SecretBytes& into = std::string_view(name).starts_with("GHOARD") ? secrets.network_keys : secrets.token;
    const std::size_t size = std::strlen(value);
    if (into.empty() && size < local::longest_start_secret) {
      base::Result<base::SecretBytes> copy = base::SecretBytes::copy(std::string_view(value, size));
      if (!copy) {
        return tl::unexpected(copy.error());
      }
      into = *std::move(copy);
    }
    sodium_memzero(value, size);
    ::unsetenv(name);
  }
  return secrets;
}

}  // namespace ghoard::agent
