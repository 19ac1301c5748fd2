#include "core/base/secret.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace ghoard;
using base::SecretBytes;

TEST_CASE("a secret begins as zeros, can be written, and is held by one owner only") {
  SecretBytes secret = *SecretBytes::create(4);
  CHECK(secret.view() == std::string_view("\0\0\0\0", 4));
  secret.writable()[1] = 'x';
  CHECK(secret.view() == std::string_view("\0x\0\0", 4));
  SecretBytes moved = std::move(secret);
  CHECK(moved.size() == 4);
  CHECK(secret.empty());  // NOLINT: what is left behind is part of the contract
  CHECK(secret.view().empty());
  secret = std::move(moved);
  CHECK(secret.view() == std::string_view("\0x\0\0", 4));
  CHECK(moved.empty());  // NOLINT: the same
}

TEST_CASE("a copy does not follow its original") {
  std::string original = "squeamish";
  const SecretBytes secret = *SecretBytes::copy(original);
  original = "ossifrage";
  CHECK(secret.view() == "squeamish");
}

TEST_CASE("secrets are equal when they have the same bytes, whatever came before a difference") {
  const SecretBytes secret = *SecretBytes::copy(std::string_view("abcd"));
  CHECK(secret.equals(SecretBytes::copy(std::string_view("abcd"))->bytes()));
  CHECK_FALSE(secret.equals(SecretBytes::copy(std::string_view("abce"))->bytes()));
  CHECK_FALSE(secret.equals(SecretBytes::copy(std::string_view("abc"))->bytes()));
  CHECK_FALSE(secret.equals({}));
  CHECK(SecretBytes().equals({}));
}

TEST_CASE("an empty secret is possible and one above the cap is not") {
  CHECK(SecretBytes::create(0)->empty());
  CHECK(SecretBytes::create(SecretBytes::longest)->size() == SecretBytes::longest);
  const auto refused = SecretBytes::create(SecretBytes::longest + 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::ErrorCode::too_large);
}
