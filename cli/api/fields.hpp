#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/api/value.hpp"
#include "core/base/result.hpp"

namespace ghoard::api {

/// What typed fields reach outside for; injected so that the rules can be tested and fuzzed alone.
struct FieldSources {
  std::function<base::Result<std::string>(const std::string& name)> read_file;  ///< "-" is standard input
  std::function<base::Result<std::string>(std::string_view text)> fill_placeholders;
};

/// Builds the parameters: all `-f` first, then all `-F`, as gh does whatever their order on the line. Nesting is
/// spelled `a[b]=1`, `a[]=1`, `p[][n]=1`; a bare `a[]` is an empty array. At most 1,000 levels deep.
[[nodiscard]] base::Result<Value::Object> parse_fields(std::span<const std::string> raw_fields,
                                                       std::span<const std::string> typed_fields,
                                                       const FieldSources& sources);

/// The value of `-F key=TEXT`: a file for `@`, an integer as Go's Atoi reads it, true, false, null, or a text with its
/// placeholders filled.
[[nodiscard]] base::Result<Value> typed_value(std::string_view text, const FieldSources& sources);

/// Go's strconv.Atoi: an optional sign, decimal digits, within 64 bits.
[[nodiscard]] std::optional<std::int64_t> parse_go_integer(std::string_view text);

/// Everything but `query` and `operationName` goes under `variables`.
[[nodiscard]] Value group_graphql_variables(const Value::Object& parameters);

/// Go's %q, for messages.
[[nodiscard]] std::string go_quoted(std::string_view text);

}  // namespace ghoard::api
