// Network keys and tokens: the first line is a list of keys, the second a token, the third a network's name.
// links: ghoard_core_peer ghoard_lib_sodium

#include <algorithm>

#include "core/peer/network_key.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;
using fuzz::require;

namespace {

void read_keys(std::string_view text, std::string_view name) {
  const auto keys = peer::parse_network_keys(text);
  if (!keys) {
    require(keys.error().message.size() < 150, "an error is short");
    return;
  }
  require(keys->size() <= peer::most_network_keys, "four keys at most");
  for (const peer::SecretBytes& secret : *keys) {
    require(secret.size() == peer::network_secret_size, "a secret has 32 bytes");
    const std::string written =
        peer::make_network_key(std::span<const std::uint8_t, peer::network_secret_size>(secret.bytes().data(), 32));
    const auto again = peer::check_network_key(written);
    require(again && again->equals(secret.bytes()), "a key is read back");
    if (const auto derived = peer::derive_network_key(peer::KeySource::network_key, secret.view(), name)) {
      require(derived->noise_psk.size() == 32 && derived->registry_key.size() == 32 && derived->id().size() == 8,
              "derived keys have their sizes");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string_view keys = fuzz::take_line(rest);
  const std::string_view token = fuzz::take_line(rest);
  read_keys(keys, rest);
  const bool derived = peer::derive_network_key(peer::KeySource::github_token, token, "default").has_value();
  require(derived == peer::is_stable_github_token(token), "keys come from stable tokens alone");
  require(!derived || token.size() == 40 || token.size() == 93, "stable tokens have known lengths");
  return 0;
}
