// The server's request parser: any bytes, in pieces of any size, give the same requests as in one piece. The first byte
// of the input is the size of the pieces.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/server/request_parser.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using ghoard::fuzz::require;
using ghoard::server::RequestParser;
using State = RequestParser::State;

constexpr std::size_t header_limit = 4096;

struct Seen {
  std::string method;
  std::string target;
  std::string host;
  std::size_t fields = 0;
  std::string body;
  State state = State::head;

  bool operator==(const Seen&) const = default;
};

Seen seen_by(RequestParser& parser) {
  Seen seen;
  seen.state = parser.state();
  if (seen.state == State::complete) {
    const ghoard::cache::IncomingRequest& request = parser.request();
    seen.method = request.method;
    seen.target = request.target;
    seen.host = request.headers.joined("Host");
    seen.fields = request.headers.size();
    seen.body = parser.take_body();
  }
  return seen;
}

/// Parses request after request, as a connection does with a pipeline, until one fails or the bytes end.
std::vector<Seen> parse(std::string_view bytes, std::size_t step) {
  std::vector<Seen> all;
  std::size_t taken = 0;
  std::size_t arrived = 0;
  RequestParser parser(header_limit);
  while (arrived < bytes.size()) {
    arrived = std::min(bytes.size(), arrived + step);
    for (bool moved = true; moved && taken < arrived;) {
      const std::size_t size = parser.feed(bytes.substr(taken, arrived - taken));
      require(size <= arrived - taken, "no more is taken than was offered");
      taken += size;
      moved = size > 0;
      if (parser.state() == State::failed) {
        all.push_back(seen_by(parser));
        return all;
      }
      if (parser.state() == State::complete) {
        all.push_back(seen_by(parser));
        parser = RequestParser(header_limit);
        moved = true;
      }
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t step = static_cast<std::size_t>(data[0]) % 97 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<Seen> whole = parse(bytes, bytes.size());
  const std::vector<Seen> pieces = parse(bytes, step);
  // A limit is noticed where it is crossed, so a failure alone may come sooner or later; requests are the same.
  const std::size_t common = std::min(whole.size(), pieces.size());
  for (std::size_t i = 0; i < common; ++i) {
    require(whole[i] == pieces[i] || whole[i].state == State::failed || pieces[i].state == State::failed,
            "splitting changes nothing");
  }
  for (const Seen& seen : whole) {
    for (const char c : seen.target) {
      require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f, "a target is plain");
    }
  }
  return 0;
}
