#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace ghoard::agent {

/// Bytes in libsodium's guarded, locked memory; wiped when they go. Move-only.
class LockedBytes {
 public:
  explicit LockedBytes(std::string_view bytes);
  [[nodiscard]] std::string_view view() const { return {m_bytes.get(), m_size}; }
  [[nodiscard]] bool held() const { return m_bytes != nullptr; }

 private:
  struct Free {
    void operator()(char* bytes) const;
  };
  std::unique_ptr<char, Free> m_bytes;
  std::size_t m_size = 0;
};

/// Keeps one Authorization value per host for callers that ask with `Ghoard-Token: kept`, since `gh auth token` costs
/// them 55 ms (ARCHITECTURE.md, "The local protocol"). A value goes when it has been unused for ten minutes, when the
/// server refused it, or when gh's files changed. Never on disk. One thread.
class TokenKeeper {
 public:
  static constexpr base::Seconds keep_unused{600};
  static constexpr std::size_t most_hosts = 64;
  static constexpr std::size_t longest = 8 * 1024;

  /// `stamp` tells a text that changes whenever gh's files do. system: libsodium does not work here.
  static base::Result<TokenKeeper> create(const base::Clock& clock, std::function<std::string()> stamp);

  /// Beyond `most_hosts` the longest unused goes; values over `longest` are not kept.
  void keep(std::string_view host, std::string_view authorization);
  /// The value for `host`, counted as used now.
  [[nodiscard]] std::optional<std::string> find(std::string_view host);
  /// Forgets the value, unless another has taken its place.
  void drop(std::string_view host, std::string_view authorization);
  /// To be called now and then: forgets what has been unused for too long.
  void tick();
  [[nodiscard]] std::size_t size() const { return m_kept.size(); }

 private:
  struct Kept {
    LockedBytes authorization;
    std::string stamp;
    base::MonoTime used;
  };

  TokenKeeper(const base::Clock& clock, std::function<std::string()> stamp)
      : m_clock(&clock), m_stamp(std::move(stamp)) {}

  const base::Clock* m_clock;
  std::function<std::string()> m_stamp;
  std::map<std::string, Kept, std::less<>> m_kept;  // by lower-case authority
};

}  // namespace ghoard::agent
