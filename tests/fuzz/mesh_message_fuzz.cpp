// Whatever a peer sends as a message, decoding neither crashes nor yields one that breaks a bound, and what it yields
// encodes to something that decodes to the same.
// links: ghoard_core_mesh

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/mesh/message.hpp"
#include "core/mesh/shared_headers.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using ghoard::fuzz::require;

void check_headers(const ghoard::http::Headers& headers) {
  for (const ghoard::http::Header& field : headers) {
    require(ghoard::mesh::is_field_value(field.value), "header values have no control characters");
    require(!ghoard::http::iequals(field.name, "Set-Cookie"), "no cookies");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghoard::mesh;
  static const auto body = std::make_shared<const std::string>("{}");
  const ghoard::base::Result<Message> message = decode(ghoard::fuzz::text_of(data, size), body);
  if (!message) {
    return 0;
  }
  if (const auto* put = std::get_if<Put>(&*message)) {
    check_headers(put->value.headers);
  } else if (const auto* outcome = std::get_if<Outcome>(&*message); outcome != nullptr && outcome->outcome.head) {
    check_headers(outcome->outcome.head->headers);
  } else if (const auto* records = std::get_if<Records>(&*message)) {
    require(records->records.size() <= most_records, "records are bounded");
  }
  const std::string bytes = encode(*message);
  require(bytes.size() <= longest_message, "encoding is the shortest form");
  const ghoard::base::Result<Message> again = decode(bytes, body);
  require(again.has_value(), "what decodes can be sent on");
  require(again->index() == message->index(), "the kind stays");
  require(encode(*again) == bytes, "encoding is stable");
  return 0;
}
