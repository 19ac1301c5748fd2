// A body on its way to a terminal, in any shape and in pieces: nothing that the terminal would obey gets through, and
// laying out twice changes nothing.
// links: ghoard_cli_api

#include <algorithm>

#include "cli/api/array_merger.hpp"
#include "cli/api/error_text.hpp"
#include "cli/api/json_print.hpp"
#include "cli/api/page_info.hpp"
#include "cli/api/sanitiser.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

std::string sanitised(std::string_view text, std::size_t piece) {
  api::Sanitiser sanitiser;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    sanitiser.feed(text.substr(at, piece), out);
  }
  sanitiser.finish(out);
  return out;
}

std::string merged(std::string_view first, std::string_view second, std::size_t piece) {
  api::ArrayMerger merger;
  std::string out;
  for (const std::string_view page : {first, second}) {
    merger.begin_page();
    for (std::size_t at = 0; at < page.size(); at += piece) {
      merger.feed(page.substr(at, piece), out);
    }
    merger.end_page(page.data() == second.data() && page.size() == second.size(), out);
  }
  return out;
}

bool is_array(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '[' && api::print_json(text, api::Colour::off);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const std::string safe = sanitised(text, size + 1);
  require(safe == sanitised(text, 1), "how a body is cut changes nothing");
  require(safe.find('\x1b') == std::string::npos, "no escape character gets through");

  const std::optional<std::string> plain = api::print_json(safe, api::Colour::off);
  const std::optional<std::string> coloured = api::print_json(safe, api::Colour::on);
  require(plain.has_value() == coloured.has_value(), "colour does not decide what is JSON");
  if (plain) {
    require(api::print_json(*plain, api::Colour::off) == plain, "laying out twice changes nothing");
    require(coloured->size() >= plain->size(), "colour only adds");
  }
  static_cast<void>(api::read_error_body(text));
  static_cast<void>(api::find_end_cursor(text));

  const std::size_t middle = size / 2;
  const std::string_view first = text.substr(0, middle);
  const std::string_view second = text.substr(middle);
  const std::string joined = merged(first, second, size + 1);
  require(joined == merged(first, second, 1), "how a page is cut changes nothing");
  require(!is_array(first) || !is_array(second) || is_array(joined), "two lists make one list");
  return 0;
}
