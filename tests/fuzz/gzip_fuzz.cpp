// gzip from hostile servers: no input breaks the decoder, and how it is cut into pieces makes no difference.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "net/upstream/gzip.hpp"

namespace {

using ghoard::upstream::GzipDecoder;

struct Outcome {
  std::string text;
  bool broken = false;
  bool complete = false;

  bool operator==(const Outcome&) const = default;
};

constexpr std::size_t k_limit = 1 << 20;

Outcome decode(std::span<const char> input, std::size_t piece_in, std::size_t piece_out) {
  GzipDecoder decoder;
  Outcome outcome;
  std::string buffer(piece_out, '\0');
  bool full = false;
  while ((!input.empty() || full) && outcome.text.size() < k_limit) {
    const std::span<const char> piece = input.first(std::min(piece_in, input.size()));
    const GzipDecoder::Step step = decoder.decode(piece, buffer);
    if (step.consumed > piece.size() || step.produced > buffer.size()) {
      std::abort();
    }
    input = input.subspan(step.consumed);
    outcome.text.append(buffer, 0, step.produced);
    full = step.status == GzipDecoder::Status::full;
    if (step.status == GzipDecoder::Status::broken) {
      outcome.broken = true;
      return outcome;
    }
    if (!full && step.consumed < piece.size()) {
      std::abort();  // neither takes nor gives
    }
  }
  outcome.complete = decoder.complete();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const char> input(reinterpret_cast<const char*>(data), size);
  const Outcome whole = decode(input, input.size() + 1, k_limit + 65536);
  if (whole.text.size() < k_limit && !(whole == decode(input, 7, 11) || whole.broken)) {
    std::abort();
  }
  return 0;
}
