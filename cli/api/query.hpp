#pragma once

#include <string>

#include "cli/api/value.hpp"

namespace ghoard::api {

/// Appends parameters to a path or URL as Go's url.Values does: sorted by key, '+' for space, null as an empty value,
/// array entries as `key[]`; an object's members stand under their own names.
[[nodiscard]] std::string add_query(std::string path, const Value::Object& parameters);

/// For --paginate: asks for 100 entries a page unless the path or the parameters name a number.
[[nodiscard]] std::string add_per_page(std::string path, const Value::Object& parameters);

}  // namespace ghoard::api
