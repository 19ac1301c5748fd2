#pragma once

#include <span>
#include <string>
#include <variant>

namespace ghoard::agent {

/// What one invocation of ghoard-agent is asked to do.
struct Arguments {
  enum class Mode { run, one_shot } mode = Mode::run;
  bool foreground = false;  ///< stays with its terminal: a hang-up ends it
  int status_fd = -1;       ///< where `ready` or `error TEXT` goes; -1: nowhere
  int secrets_fd = -1;      ///< where token and network key come from, up to its end; may be `status_fd`; -1: nowhere
  int one_shot_fd = -1;     ///< the one connection of --one-shot
  bool exclusive = false;   ///< --one-shot waits for the cache's lock, since it is to change what is stored
};

/// Instead of doing something: print a text and exit. Code 0 goes to stdout, any other to stderr.
struct Farewell {
  int code = 0;
  std::string text;
};

[[nodiscard]] std::variant<Arguments, Farewell> parse_arguments(std::span<const char* const> argv);

}  // namespace ghoard::agent
