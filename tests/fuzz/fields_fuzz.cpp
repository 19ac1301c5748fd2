// Fields in any shape: what is accepted becomes valid JSON and a query without raw bytes. First line: how many of the
// fields that follow, one a line, are raw ones.
// links: ghoard_cli_api

#include <algorithm>
#include <vector>

#include "cli/api/fields.hpp"
#include "cli/api/json_print.hpp"
#include "cli/api/placeholders.hpp"
#include "cli/api/query.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::size_t raw_count = fuzz::take_line(rest).size();
  std::vector<std::string> fields;
  while (!rest.empty() && fields.size() < 50) {
    fields.emplace_back(fuzz::take_line(rest));
  }
  const std::span<const std::string> all(fields);
  const std::size_t cut = std::min(raw_count, all.size());
  const api::FieldSources sources{[](const std::string& name) -> base::Result<std::string> { return name; },
                                  [](std::string_view text) {
                                    return api::fill_placeholders(
                                        text, [](api::Placeholder) -> base::Result<std::string> { return "filled"; });
                                  }};
  const auto parsed = api::parse_fields(all.first(cut), all.subspan(cut), sources);
  if (!parsed) {
    require(!parsed.error().message.empty(), "a refusal has its reason");
    return 0;
  }
  const std::string json = api::to_json(api::Value{*parsed});
  require(api::print_json(json, api::Colour::off).has_value(), "a body is valid JSON");
  const std::string query = api::add_query("x", *parsed);
  require(std::all_of(query.begin(), query.end(), [](char c) { return c > ' ' && c < 0x7F; }), "a query is encoded");
  return 0;
}
