// The request line's re-encoder and the head scanner: what they promise holds for any bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/server/request_line.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using ghoard::fuzz::require;
using ghoard::server::HeadScanner;

void check_encoding(std::string_view line) {
  const std::optional<std::string> encoded = ghoard::server::encode_request_line(line);
  if (!encoded) {
    return;
  }
  require(encoded->size() > line.size() && encoded->size() <= 3 * line.size(), "encoding at most triples a line");
  const std::size_t first = encoded->find(' ');
  const std::size_t last = encoded->rfind(' ');
  require(first < last && encoded->find(' ', first + 1) == last, "an encoded line has two spaces");
  for (const char c : std::string_view(*encoded).substr(first + 1, last - first - 1)) {
    require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f, "an encoded target is plain");
  }
  require(!ghoard::server::encode_request_line(*encoded), "encoding once is enough");
}

/// However the bytes are split in two, the scanner says the same.
void check_scanning(std::string_view bytes) {
  HeadScanner whole;
  const HeadScanner::State expected = whole.scan(bytes);
  require(expected != HeadScanner::State::complete || bytes.substr(0, whole.size()).ends_with("\r\n\r\n") ||
              bytes.substr(0, whole.size()) == "\r\n",
          "a head ends with an empty line");
  const std::size_t step = bytes.size() / 16 + 1;
  for (std::size_t split = 0; split < bytes.size(); split += step) {
    HeadScanner scanner;
    HeadScanner::State state = scanner.scan(bytes.substr(0, split));
    if (state == HeadScanner::State::partial) {
      state = scanner.scan(bytes);
    }
    require(state == expected && (state != HeadScanner::State::complete || scanner.size() == whole.size()),
            "splitting changes nothing");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_encoding(bytes.substr(0, bytes.find("\r\n")));
  check_scanning(bytes);
  return 0;
}
