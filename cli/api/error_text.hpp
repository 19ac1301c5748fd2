#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/http/message.hpp"

namespace ghoard::api {

/// What the JSON body of an answer says of errors.
struct ErrorBodyText {
  std::string message;          ///< `message`
  std::string errors;           ///< `errors`: the string, or the messages of the list joined by newlines
  bool errors_is_text = false;  ///< `errors` was a string
  std::string ghoard_error;     ///< the agent's own code: the failure is ghoard's, not GitHub's
};

/// Nothing if the body is no JSON object.
[[nodiscard]] std::optional<ErrorBodyText> read_error_body(std::string_view body);

/// gh's one message for it; empty if the body names no error: `errors` as text with the message in brackets, else
/// `MESSAGE (HTTP N)`, else the list's messages.
[[nodiscard]] std::string error_message(const ErrorBodyText& text, int status);

/// A hint when the token lacks a scope that the endpoint accepts (X-Accepted-OAuth-Scopes, X-OAuth-Scopes); 4xx except
/// 422 only. Empty: no hint.
[[nodiscard]] std::string scope_hint(int status, const http::Headers& headers, std::string_view gh_host);

}  // namespace ghoard::api
