#include "core/mesh/registry_record.hpp"

#include <doctest/doctest.h>

#include "tests/core/mesh/registry_rig.hpp"

using namespace ghoard;
using namespace ghoard::mesh;
using namespace ghoard::testing;

namespace {

const RegistryPlace place{"acme/peers", "default"};

PublishedRecord example() {
  PublishedRecord published;
  published.record = {registry_identity(1).id(), 7, {registry_address(1), registry_address(2)}, true};
  published.written = base::WallTime(base::Seconds{1'770'000'000});
  return published;
}

std::string comment_in(const RegistryPlace& where, std::uint8_t key = 1) {
  return *format_comment(where, registry_key(key), registry_identity(1), example(), some_nonce());
}

std::optional<OpenedRecord> opened(std::string_view body, std::uint8_t key = 1, const RegistryPlace& where = place) {
  const std::vector<base::SecretBytes> keys = [&] {
    std::vector<base::SecretBytes> all;
    all.push_back(registry_key(key));
    return all;
  }();
  return read_comment(where, keys, body);
}

}  // namespace

TEST_CASE("a published record says what was published, and nothing of it in the clear") {
  const std::string body = comment_in(place);
  const auto result = opened(body);
  REQUIRE(result);
  CHECK(result->published.record == example().record);
  CHECK(result->published.written == example().written);
  CHECK(body.starts_with(registry_marker));
  CHECK(body.size() <= longest_comment);
  CHECK(body.find("10.0.0.1") == std::string::npos);
  CHECK(body.find(example().record.id.text()) == std::string::npos);
}

TEST_CASE("a record of another network, repository or name is nobody's") {
  CHECK_FALSE(opened(comment_in(place, 2)));
  CHECK_FALSE(opened(comment_in({"acme/other", "default"})));
  CHECK_FALSE(opened(comment_in({"acme/peers", "staging"})));
  CHECK(opened(comment_in({"Acme/Peers", "default"})));
}

TEST_CASE("any of several keys opens a record, and it is known which one did") {
  std::vector<base::SecretBytes> keys;
  keys.push_back(registry_key(3));
  keys.push_back(registry_key(1));
  const auto result = read_comment(place, keys, comment_in(place));
  REQUIRE(result);
  CHECK(result->key == 1);
}

TEST_CASE("a member cannot write another one's record") {
  // Sealed with the network's key by peer 2, about peer 1: the signature of peer 1 is not there.
  const std::string own = *format_comment(place, registry_key(1), registry_identity(2), example(), some_nonce());
  const auto result = opened(own);
  REQUIRE(result);
  CHECK(result->published.record.id == registry_identity(2).id());

  // The statement of peer 1 with a signature by peer 2, sealed by hand.
  const std::string context = std::string("ghoard-registry/1") + '\0' + "acme/peers";
  const std::string body = comment_in(place);
  std::string sealed = body.substr(registry_marker.size() + 1);
  sealed.pop_back();
  std::string plain = *peer::open_sealed(registry_key(1), context, sealed, longest_published);
  const std::string forged_by_flip = [&] {
    std::string changed = plain;
    changed.back() = static_cast<char>(changed.back() ^ 1);  // in the signature
    return *peer::seal(registry_key(1), context, changed, some_nonce());
  }();
  CHECK_FALSE(opened(std::string(registry_marker) + '\n' + forged_by_flip));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    std::string changed = plain;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const auto forged =
        opened(std::string(registry_marker) + '\n' + *peer::seal(registry_key(1), context, changed, some_nonce()));
    CHECK_FALSE(forged);
  }
}

TEST_CASE("a comment survives what people do to its ends of lines") {
  std::string body = comment_in(place);
  body.insert(registry_marker.size(), "\r");
  CHECK(opened(body + "\r\n\r\nthanks!"));
}

TEST_CASE("comments of strangers are nobody's, whatever they hold") {
  const std::string body = comment_in(place);
  CHECK_FALSE(opened(""));
  CHECK_FALSE(opened("+1"));
  CHECK_FALSE(opened(registry_marker));
  CHECK_FALSE(opened(std::string(registry_marker) + "\n"));
  CHECK_FALSE(opened(std::string(registry_marker) + "\n\xff\xfe"));
  CHECK_FALSE(opened(" " + body));
  CHECK_FALSE(opened(std::string(registry_marker) + "x" + body.substr(registry_marker.size())));
  CHECK_FALSE(opened(body + std::string(longest_comment, ' ')));
  CHECK_FALSE(opened(std::string(registry_marker) + "\n" + std::string(longest_comment, 'A')));
  for (std::size_t size = registry_marker.size(); size + 1 < body.size(); ++size) {
    CHECK_FALSE(opened(std::string_view(body).substr(0, size)));
  }
}

TEST_CASE("the longest addresses still fit into a comment, the first ones first") {
  PublishedRecord published = example();
  published.record.addresses.clear();
  const std::string label(60, 'a');
  for (char i = 'a'; i < 'j'; ++i) {
    const std::string host = label + '.' + label + '.' + label + '.' + label + "." + i;
    published.record.addresses.push_back({peer::Multiaddr::Kind::dns, host, "", 9100, std::nullopt});
  }
  const std::string body = *format_comment(place, registry_key(1), registry_identity(1), published, some_nonce());
  CHECK(body.size() <= longest_comment);
  const auto result = opened(body);
  REQUIRE(result);
  CHECK(result->published.record.addresses.size() >= 4);
  CHECK(result->published.record.addresses.front() == published.record.addresses.front());
}

TEST_CASE("what is published does not say how fast a line is") {
  PublishedRecord published = example();
  published.record.slow = true;
  const auto result = opened(*format_comment(place, registry_key(1), registry_identity(1), published, some_nonce()));
  REQUIRE(result);
  CHECK_FALSE(result->published.record.slow);
}

TEST_CASE("the later word is the one with the higher sequence, then the one written later") {
  PublishedRecord older = example();
  PublishedRecord newer = example();
  CHECK_FALSE(is_later(newer, older));
  newer.written += base::Seconds{1};
  CHECK(is_later(newer, older));
  older.record.sequence += 1;
  CHECK(is_later(older, newer));
}
