// ETags and If-None-Match: derived tags class as derivable and match themselves, in lists and weakly.
// Input lines: ETag field, If-None-Match field, Vary, Accept, Authorization; the rest is the body.
// links: ghoard_core_github

#include <string>

#include "core/github/etag.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string etag(fuzz::take_line(rest));
  const std::string list(fuzz::take_line(rest));
  const std::string_view vary = fuzz::take_line(rest);
  const std::string_view accept = fuzz::take_line(rest);
  const github::EtagInputs sent{accept, fuzz::take_line(rest), {}};

  const std::string derived = github::derive_etag(vary, sent, rest);
  require(derived.size() == 64, "a derived ETag is a SHA-256 value");
  require(github::classify_etag("W/\"" + derived + "\"", vary, sent, rest) == github::EtagClass::derivable,
          "a derived ETag is derivable");
  require(
      github::classify_etag("\"" + derived + "\"", vary, sent, std::string(rest) + "x") == github::EtagClass::opaque,
      "another body has another ETag");

  const std::optional<std::string_view> value = github::etag_value(etag);
  if (value) {
    const std::string tag = '"' + std::string(*value) + '"';
    require(github::etag_value("W/" + tag) == value, "a value survives a round trip");
    require(github::if_none_match_matches(tag, etag) && github::if_none_match_matches("\"x\", W/" + tag, etag),
            "an ETag matches itself");
    require(github::if_none_match_matches(list, etag) == github::if_none_match_matches(list, "W/" + tag),
            "comparison is weak");
  } else {
    require(github::classify_etag(etag, vary, sent, rest) == github::EtagClass::opaque, "a malformed ETag is opaque");
    require(http::trim(list) == "*" || !github::if_none_match_matches(list, etag), "a malformed ETag matches nothing");
  }
  return 0;
}
