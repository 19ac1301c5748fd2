#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ghoard::base {

/// What kind of failure it is; callers branch on this and people read the message.
enum class ErrorCode {
  invalid_input,  ///< bytes or words from outside that cannot be accepted
  unavailable,    ///< nobody answers: no agent, no upstream, no database
  timeout,        ///< a deadline passed
  truncated,      ///< a message ended before its announced end
  corrupted,      ///< stored data contradicts itself
  too_large,      ///< a cap was exceeded
  refused,        ///< policy forbids it (host not allowed, foreign uid, ...)
  busy,           ///< a lock or a limit is taken; trying again may help
  system,         ///< a system call failed for another reason
};

/// A failure: one lower-case line without a full stop, naming the source and, where there is one, the fix.
struct Error {
  ErrorCode code = ErrorCode::system;
  std::string message;

  /// The same failure with what was being done put in front: "context: message".
  [[nodiscard]] Error with_context(std::string_view context) const {
    return {code, std::string(context) + ": " + message};
  }
};

/// A value, or the reason why there is none. "Absent" is no failure: that is std::optional inside.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace ghoard::base
