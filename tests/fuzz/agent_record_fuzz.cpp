#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/local/agent_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = ghoard::local::parse_agent_record(text);
  // What was accepted means the same after being written again.
  if (record && ghoard::local::parse_agent_record(ghoard::local::format_agent_record(*record)) != *record) {
    std::abort();
  }
  return 0;
}
