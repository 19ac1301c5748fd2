// Headers read from the database are as hostile as any bytes: whatever is there, decoding neither crashes nor yields a
// field that no message may carry, and what it yields is exactly what encoding writes.
// links: ghoard_store

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "store/row.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::optional<ghoard::http::Headers> headers = ghoard::store::decode_headers(bytes);
  if (!headers) {
    return 0;
  }
  for (const ghoard::http::Header& field : *headers) {
    if (field.name.empty() || field.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      std::abort();
    }
  }
  const auto again = ghoard::store::encode_headers(*headers);
  if (!again || *again != bytes) {
    std::abort();
  }
  return 0;
}
