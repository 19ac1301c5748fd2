// Response heads from hostile servers: whatever comes, what gets further is clean.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/upstream/headers.hpp"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check(const ghoard::cache::ResponseHead& head) {
  require(head.status >= 200 && head.status <= 599);
  for (const ghoard::http::Header& field : head.headers) {
    require(ghoard::upstream::is_token(field.name) && !ghoard::upstream::is_connection_field(field.name));
    for (const char c : field.value) {
      require(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ghoard::upstream::HeadParser;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  HeadParser parser(4096);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    rest.remove_prefix(line.size());
    const auto state = parser.line(line);
    if (!state) {
      return 0;
    }
    if (*state == HeadParser::State::complete) {
      check(parser.take());
      return 0;
    }
  }
  return 0;
}
