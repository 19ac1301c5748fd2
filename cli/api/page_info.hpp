#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ghoard::api {

/// The cursor of the next page of a GraphQL answer: `endCursor` of the first `pageInfo` that holds both it and
/// `hasNextPage`. Nothing if there is no further page.
[[nodiscard]] std::optional<std::string> find_end_cursor(std::string_view body);

}  // namespace ghoard::api
