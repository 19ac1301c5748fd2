#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/link/hosts_yml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto hosts = ghoard::link::parse_hosts_yml({reinterpret_cast<const char*>(data), size});
  if (hosts && hosts->size() > 256) {
    std::abort();
  }
  return 0;
}
