#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/standin/message.hpp"

namespace ghoard::standin {

/// A field, inline fragment or fragment spread of a selection.
struct Selection {
  enum class Kind { field, inline_fragment, spread };
  Kind kind = Kind::field;
  std::string name;   ///< of the field or the fragment
  std::string alias;  ///< the key in the answer
  Json arguments = Json::object();
  std::vector<Selection> selections;
};

struct GraphqlDocument {
  bool mutation = false;
  std::vector<Selection> selections;
  std::vector<std::pair<std::string, std::vector<Selection>>> fragments;
};

/// As much of the grammar (spec of October 2021, section 2) as clients of GitHub use: one operation, fragments,
/// aliases, arguments with variables. Directives are read and ignored. Nothing: a syntax error.
[[nodiscard]] std::optional<GraphqlDocument> parse_graphql(std::string_view text, const Json& variables);

}  // namespace ghoard::standin
