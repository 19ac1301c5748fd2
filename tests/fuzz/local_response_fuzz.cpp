// The first byte decides about HEAD and about the size of the pieces. However the bytes are cut, the outcome is the
// same.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/local/response_reader.hpp"

namespace {

using namespace ghoard;

struct Outcome {
  bool failed = false;
  bool complete = false;
  int heads = 0;
  int status = 0;
  std::size_t used = 0;
  std::string body;

  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view text, bool head_request, std::size_t step) {
  Outcome outcome;
  local::ResponseReader reader(
      head_request,
      [&](const local::ClientResponse& response) {
        ++outcome.heads;
        outcome.status = response.status;
        return true;
      },
      [&](std::string_view bytes) {
        outcome.body += bytes;
        return true;
      });
  std::string pending;
  while (!text.empty() && !outcome.failed && !reader.is_complete()) {
    pending += text.substr(0, step);
    text.remove_prefix(std::min(step, text.size()));
    const base::Result<std::size_t> used = reader.feed(pending);
    outcome.failed = !used;
    if (used && *used > pending.size()) {
      std::abort();
    }
    pending.erase(0, used.value_or(0));
    outcome.used += used.value_or(0);
  }
  if (!outcome.failed && !reader.is_complete()) {
    outcome.failed = !reader.end_of_stream();
  }
  outcome.complete = reader.is_complete();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool head_request = (data[0] & 0x80) != 0;
  const Outcome whole = read(text, head_request, text.size() + 1);
  const Outcome pieces = read(text, head_request, 1U + (data[0] & 0x7fU));
  // A failure may show at another point; an accepted answer must be one and the same.
  if (whole.heads > 1 || pieces.heads > 1 || whole.failed != pieces.failed || (!whole.failed && whole != pieces)) {
    std::abort();
  }
  return 0;
}
