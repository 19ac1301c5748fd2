#pragma once

#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ghoard::upstream {

/// Decodes a gzip body (RFC 1952) piece by piece into a buffer of the caller's size, so that a small input can never
/// force a large output into memory. Several members in a row are one body; anything else after a member is an error.
class GzipDecoder {
 public:
  enum class Status {
    hungry,  ///< all input is consumed
    full,    ///< the output is full; there may be more without further input
    broken,  ///< not gzip, or damaged
  };
  struct Step {
    Status status = Status::hungry;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  Step decode(std::span<const char> input, std::span<char> output);

  /// True between members after at least one: the input may end here.
  [[nodiscard]] bool complete() const { return m_state == State::header && m_size == 0 && m_members > 0; }

 private:
  enum class State { header, extra_size, extra, name, comment, header_crc, deflated, trailer, broken };

  bool header_byte(std::uint8_t byte);
  bool fixed_header_byte(std::uint8_t byte);
  bool trailer_byte(std::uint8_t byte);
  void next_header_part(State done);
  bool inflate(std::span<const char> input, std::span<char> output, Step& step);

  State m_state = State::header;
  std::size_t m_size = 0;  ///< bytes seen of the current part
  std::uint8_t m_flags = 0;
  std::uint32_t m_extra = 0;
  std::uint64_t m_trailer = 0;
  std::uint64_t m_members = 0;
  std::uint32_t m_length = 0;  ///< of this member, modulo 2^32 as its trailer has it
  boost::crc_32_type m_crc;
  boost::beast::zlib::inflate_stream m_inflate;
};

}  // namespace ghoard::upstream
