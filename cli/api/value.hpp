#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ghoard::api {

/// A request parameter: what `-f` and `-F` build. Objects keep their keys sorted, as gh writes them.
struct Value {
  using Array = std::vector<Value>;
  using Object = std::map<std::string, Value>;

  std::variant<std::nullptr_t, bool, std::int64_t, std::string, Array, Object> data = nullptr;

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(data); }
  [[nodiscard]] Array* array() { return std::get_if<Array>(&data); }
  [[nodiscard]] Object* object() { return std::get_if<Object>(&data); }
};

/// As Go's encoding/json writes it: no spaces, `<>&` and U+2028, U+2029 escaped, invalid UTF-8 as U+FFFD.
[[nodiscard]] std::string to_json(const Value& value);
void append_json_string(std::string& out, std::string_view text);

/// The name gh's messages have for a value's type: Go's.
[[nodiscard]] std::string_view go_type_name(const Value& value);

}  // namespace ghoard::api
