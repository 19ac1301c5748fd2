// links: ghoard_net_local
#include <cstdint>
#include <string_view>

#include "net/local/start_secrets.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto secrets = local::parse_start_secrets({reinterpret_cast<const char*>(data), size});
  if (secrets) {
    const auto text = local::format_start_secrets(*secrets);
    fuzz::require(text.has_value(), "what was read can be told");
    const auto again = local::parse_start_secrets(text->view());
    fuzz::require(again && again->token.equals(secrets->token.bytes()) &&
                      again->network_keys.equals(secrets->network_keys.bytes()),
                  "told as it was read");
  }
  return 0;
}
