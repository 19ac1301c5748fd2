#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http/message.hpp"

namespace ghoard::standin {

/// Keeps the order of members, as GitHub's bodies do.
using Json = nlohmann::ordered_json;
using Params = std::vector<std::pair<std::string, std::string>>;

/// One request as it arrived.
struct Request {
  std::string method;
  std::string target;  ///< path and query, as received
  std::string path;    ///< percent-encoded, without the query
  std::string query;
  http::Headers headers;
  std::string body;

  [[nodiscard]] Params params() const;  ///< decoded
  [[nodiscard]] std::string param(std::string_view name, std::string_view otherwise = {}) const;
  [[nodiscard]] long number_param(std::string_view name, long otherwise, long least, long most) const;
};

/// How GitHub makes the ETag of a route.
enum class EtagKind {
  none,        ///< search, /rate_limit, errors
  formula,     ///< SHA-256 over request headers and body
  object_sha,  ///< the git object's SHA, verbatim
  opaque,      ///< diff and patch: not derivable
  empty,       ///< /notifications: `W/""`, only Last-Modified validates
};

/// What a route says, before rate limits, validators and transport.
struct Answer {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  http::Body body;  ///< null: no body
  EtagKind etag = EtagKind::none;
  std::string object_sha;       ///< for EtagKind::object_sha
  std::string last_modified;    ///< ISO 8601; empty: no Last-Modified
  std::string accepted_scopes;  ///< X-Accepted-OAuth-Scopes
  std::string media_param;      ///< of X-GitHub-Media-Type: "raw", "diff", ...
  long max_age = 60;            ///< negative: no Cache-Control
  std::vector<http::Header> extra;
};

[[nodiscard]] Answer json_answer(int status, const Json& value);
/// A 200 with GitHub's formula ETag.
[[nodiscard]] Answer resource_answer(const Json& value);
/// {"message": ..., "documentation_url": ...}.
[[nodiscard]] Answer error_answer(int status, std::string_view message);
[[nodiscard]] Answer not_found();
/// 422 with one entry in `errors`.
[[nodiscard]] Answer validation_failed(std::string_view resource, std::string_view field, std::string_view code);
[[nodiscard]] Answer no_content();

/// How the transport treats the answer.
enum class Delivery { normal, reset_before_head, reset_mid_body, slow_body, hang, truncate, hold };

/// What goes onto the wire.
struct Response {
  int status = 200;
  std::string fields;  ///< header lines, each with CRLF; without framing and Date
  http::Body body;     ///< null: no body and no Content-Length
  bool head_only = false;
  bool chunked = false;
  Delivery delivery = Delivery::normal;
  long delay_ms = 0;   ///< before the answer
  long damage_ms = 0;  ///< slow_body: between pieces; hang: until the connection is closed, 0 = until released
};

}  // namespace ghoard::standin
