// Link fields in any shape: a target is part of the text, and nothing behind a complete field changes what is found.
// links: ghoard_core_http

#include "core/http/link.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string rel(fuzz::take_line(rest));
  const std::string field(rest);
  for (const std::string& wanted : {rel, std::string("next"), std::string("last")}) {
    const std::optional<std::string> target = http::find_link(field, wanted);
    if (!target) {
      continue;
    }
    require(field.find("<" + *target + ">") != std::string::npos, "a target is part of the field");
    require(target->find('>') == std::string::npos, "a target ends at its bracket");
    require(http::find_link("<first>; rel=\"" + std::string("other") + "\", " + field, wanted) == target ||
                wanted == "other",
            "a link before it with another relation changes nothing");
    require(http::find_link(field + ", broken", wanted) == target, "what follows changes nothing");
  }
  return 0;
}
