#include <cstdint>
#include <string_view>

#include "cli/agent/remembered_peers.hpp"
#include "tests/fuzz/require.hpp"

using namespace ghoard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const agent::RememberedPeers peers = agent::parse_remembered({reinterpret_cast<const char*>(data), size});
  fuzz::require(peers.met.size() <= agent::most_met, "met peers are bounded");
  fuzz::require(peers.added.size() <= agent::most_added, "added peers are bounded");
  // What was accepted means the same after being written again.
  const std::string text = agent::format_remembered(peers);
  fuzz::require(agent::format_remembered(agent::parse_remembered(text)) == text, "written as it was read");
  return 0;
}
