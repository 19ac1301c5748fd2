#include "net/local/start_secrets.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace ghoard;
using local::StartSecrets;

namespace {

StartSecrets make(std::string_view network_keys, std::string_view token) {
  return {base::SecretBytes::copy(network_keys).value(), base::SecretBytes::copy(token).value()};
}

}  // namespace

TEST_CASE("what is told of both secrets, one of them or none is read as it was") {
  for (const auto& [keys, token] : {std::pair{"a,b", "t"}, std::pair{"", "t"}, std::pair{"a", ""}, std::pair{"", ""}}) {
    const base::Result<base::SecretBytes> text = local::format_start_secrets(make(keys, token));
    REQUIRE(text);
    const base::Result<StartSecrets> read = local::parse_start_secrets(text->view());
    REQUIRE(read);
    CHECK(read->network_keys.view() == keys);
    CHECK(read->token.view() == token);
  }
  CHECK(local::format_start_secrets(make("", ""))->empty());
}

TEST_CASE("a secret of several lines, or one that is too long, is not told") {
  CHECK_FALSE(local::format_start_secrets(make("a\ntoken b", "")));
  CHECK_FALSE(local::format_start_secrets(make("", std::string(local::longest_start_secret, 'x'))));
}

TEST_CASE("lines of a later version are passed over, and half a line is refused without being shown") {
  const base::Result<StartSecrets> read = local::parse_start_secrets("later x\ntoken t\n");
  REQUIRE(read);
  CHECK(read->token.view() == "t");
  const base::Result<StartSecrets> half = local::parse_start_secrets("token s3cret");
  REQUIRE_FALSE(half);
  CHECK(half.error().code == base::ErrorCode::corrupted);
  CHECK(half.error().message.find("s3cret") == std::string::npos);
  CHECK_FALSE(local::parse_start_secrets("token " + std::string(local::longest_start_secret, 'x') + "\n"));
}
