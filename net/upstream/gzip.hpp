#pragma once

#include <cstddef>
#include <span>
#include <zlib.h>

namespace ghoard::upstream {

/// Decodes a gzip body (RFC 1952) piece by piece into a buffer of the caller's size, so that a small input can never
/// force a large output into memory. (libcurl's own decoding would: it cannot be paused inside a piece, and takes a
/// stream that ends early for complete.) Several members in a row are one body; anything else after a member is an
/// error.
class GzipDecoder {
 public:
  enum class Status {
    hungry,  ///< all input is consumed
    full,    ///< the output is full; there may be more without further input
    broken,  ///< not gzip, or damaged, or out of memory
  };
  struct Step {
    Status status = Status::hungry;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  GzipDecoder();
  ~GzipDecoder();
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  /// Both sides at most 4 GiB; `output` not empty.
  Step decode(std::span<const char> input, std::span<char> output);

  /// True after the end of a member: the input may end here.
  [[nodiscard]] bool complete() const { return m_member_ended; }

 private:
  z_stream m_stream{};
  bool m_broken = false;
  bool m_member_ended = false;
};

}  // namespace ghoard::upstream
