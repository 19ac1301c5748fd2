#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/base/time.hpp"

namespace ghoard::agent {

/// Keeps one Authorization value per host and gh configuration for callers that ask with `Ghoard-Token: kept`, since
/// `gh auth token` costs them 55 ms (ARCHITECTURE.md, "The local protocol"). `config` is the caller's mark of its gh
/// configuration: callers with another one may be logged in to another account. A value goes when it has been unused
/// for ten minutes or when the server refused it. Never on disk. One thread.
class TokenKeeper {
 public:
  static constexpr base::Seconds keep_unused{600};
  static constexpr std::size_t most_kept = 64;
  static constexpr std::size_t longest = 8 * 1024;
  static constexpr std::size_t longest_config = 64;

  /// system: libsodium does not work here.
  static base::Result<TokenKeeper> create(const base::Clock& clock);

  /// Beyond `most_kept` the longest unused goes; values over `longest` are not kept.
  void keep(std::string_view host, std::string_view config, std::string_view authorization);
  /// The value, counted as used now.
  [[nodiscard]] std::optional<std::string> find(std::string_view host, std::string_view config);
  /// Forgets the value, unless another has taken its place.
  void drop(std::string_view host, std::string_view config, std::string_view authorization);
  /// To be called now and then: forgets what has been unused for too long.
  void tick();
  [[nodiscard]] std::size_t size() const { return m_kept.size(); }

 private:
  struct Kept {
    base::SecretBytes authorization;
    base::MonoTime used;
  };

  using Name = std::pair<std::string, std::string>;  // lower-case authority, configuration

  explicit TokenKeeper(const base::Clock& clock) : m_clock(&clock) {}
  static Name name_of(std::string_view host, std::string_view config);

  const base::Clock* m_clock;
  std::map<Name, Kept> m_kept;
};

}  // namespace ghoard::agent
