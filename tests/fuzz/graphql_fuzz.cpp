// GraphQL documents in any shape. The danger is a mutation taken for a query, so the properties are about that.
// links: ghoard_core_github nlohmann_json::nlohmann_json

#include <nlohmann/json.hpp>

#include "core/github/invalidation.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;
using Operation = github::GraphqlOperation;

namespace {

std::string body_of(const std::string& document) {
  return nlohmann::json{{"query", document}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  (void)github::graphql_operation(text);

  const Operation alone = github::graphql_operation(body_of(text));
  require(github::graphql_operation(body_of("# {\n" + text)) == alone, "a comment changes nothing");
  require(github::graphql_operation(body_of("," + text + "\n#}")) == alone, "ignored characters change nothing");
  const Operation with_mutation = github::graphql_operation(body_of("mutation M { x }\n" + text));
  require(with_mutation == Operation::mutation || with_mutation == Operation::unknown,
          "a document with a mutation and no operationName is never a query");
  if (alone == Operation::query) {
    require(text.find('{') != std::string::npos && text.rfind('}') > text.find('{'), "a query has a selection set");
    require(with_mutation == Operation::unknown, "two operations without operationName are unknown");
  }
  return 0;
}
