#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/http/cache_control.hpp"

namespace ghoard::api {

enum class ErrorBody { to_stdout, to_stderr };

/// The command line of `ghoard api`, checked but not yet looked up anywhere.
struct Arguments {
  std::string endpoint;
  std::string method = "GET";
  bool method_given = false;
  std::vector<std::string> raw_fields;
  std::vector<std::string> fields;
  std::vector<std::string> headers;
  std::vector<std::string> previews;
  std::optional<std::string> input;
  std::optional<std::string> hostname;
  bool paginate = false;
  bool slurp = false;
  bool include = false;
  bool silent = false;
  bool verbose = false;
  std::string filter;  ///< of -q; empty: none
  std::vector<std::pair<std::string, std::string>> filter_strings;
  std::vector<std::pair<std::string, std::string>> filter_values;
  ErrorBody error_body = ErrorBody::to_stdout;
  http::RequestDirectives directives;  ///< what the freshness flags ask of the cache
  bool offline = false;
  bool no_spawn = false;
  bool help = false;

  [[nodiscard]] bool is_graphql() const { return endpoint == "graphql"; }
  /// As gh: GET, or POST once there is something to send, unless the method is named.
  [[nodiscard]] std::string effective_method() const {
    return !method_given && (input || !raw_fields.empty() || !fields.empty()) ? "POST" : method;
  }
};

/// A mistake in the flags is told with the usage below it, any other failure is not.
struct ArgumentError {
  std::string message;
  bool show_usage = true;
};

/// Parses and checks without looking at anything but the words themselves.
[[nodiscard]] tl::expected<Arguments, ArgumentError> parse_arguments(std::span<const std::string> words);

}  // namespace ghoard::api
