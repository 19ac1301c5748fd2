#include "net/upstream/gzip.hpp"

namespace ghoard::upstream {

namespace {

// RFC 1952 section 2.3.1.
constexpr std::uint8_t k_flag_header_crc = 2;
constexpr std::uint8_t k_flag_extra = 4;
constexpr std::uint8_t k_flag_name = 8;
constexpr std::uint8_t k_flag_comment = 16;
constexpr std::uint8_t k_flags_reserved = 0xE0;
constexpr std::size_t k_fixed_header = 10;
constexpr std::size_t k_trailer = 8;

}  // namespace

GzipDecoder::Step GzipDecoder::decode(std::span<const char> input, std::span<char> output) {
  Step step;
  while (m_state != State::broken) {
    if (m_state == State::deflated) {
      if (!inflate(input, output, step)) {
        return step;
      }
      continue;
    }
    if (step.consumed == input.size()) {
      return step;
    }
    const auto byte = static_cast<std::uint8_t>(input[step.consumed]);
    ++step.consumed;
    if (!(m_state == State::trailer ? trailer_byte(byte) : header_byte(byte))) {
      m_state = State::broken;
    }
  }
  step.status = Status::broken;
  return step;
}

/// True when the state changed, false when the caller must bring input or take output.
bool GzipDecoder::inflate(std::span<const char> input, std::span<char> output, Step& step) {
  boost::beast::zlib::z_params params;
  params.next_in = input.data() + step.consumed;
  params.avail_in = input.size() - step.consumed;
  params.next_out = output.data() + step.produced;
  params.avail_out = output.size() - step.produced;
  boost::system::error_code error;
  if (params.avail_out > 0) {
    m_inflate.write(params, boost::beast::zlib::Flush::sync, error);
  }
  const std::size_t produced = output.size() - step.produced - params.avail_out;
  m_crc.process_bytes(output.data() + step.produced, produced);
  m_length += static_cast<std::uint32_t>(produced);
  step.produced += produced;
  step.consumed = input.size() - params.avail_in;
  if (error == boost::beast::zlib::error::end_of_stream) {
    m_state = State::trailer;
    m_size = 0;
    m_trailer = 0;
    return true;
  }
  // need_buffers means only that a side is exhausted.
  if (error && error != boost::beast::zlib::error::need_buffers) {
    m_state = State::broken;
    return true;
  }
  step.status = params.avail_out == 0 ? Status::full : Status::hungry;
  return false;
}

bool GzipDecoder::header_byte(std::uint8_t byte) {
  switch (m_state) {
    case State::header: return fixed_header_byte(byte);
    case State::extra_size:
      m_extra |= static_cast<std::uint32_t>(byte) << (8 * m_size);
      if (++m_size == 2) {
        m_size = 0;
        m_state = State::extra;
        if (m_extra == 0) {
          next_header_part(State::extra);
        }
      }
      return true;
    case State::extra:
      if (++m_size == m_extra) {
        next_header_part(State::extra);
      }
      return true;
    case State::name:
    case State::comment:
      if (byte == 0) {
        next_header_part(m_state);
      }
      return true;
    case State::header_crc:
      if (++m_size == 2) {
        next_header_part(State::header_crc);
      }
      return true;
    case State::deflated:
    case State::trailer:
    case State::broken: break;
  }
  return false;
}

bool GzipDecoder::fixed_header_byte(std::uint8_t byte) {
  const std::size_t at = m_size++;
  if ((at == 0 && byte != 0x1F) || (at == 1 && byte != 0x8B) || (at == 2 && byte != 8)) {
    return false;
  }
  if (at == 3) {
    m_flags = byte;
    if ((m_flags & k_flags_reserved) != 0) {
      return false;
    }
  }
  if (m_size == k_fixed_header) {
    next_header_part(State::header);
  }
  return true;
}

/// The optional parts come in a fixed order, each if its flag is set.
void GzipDecoder::next_header_part(State done) {
  m_size = 0;
  m_extra = 0;
  if (done == State::header && (m_flags & k_flag_extra) != 0) {
    m_state = State::extra_size;
  } else if (done < State::name && (m_flags & k_flag_name) != 0) {
    m_state = State::name;
  } else if (done < State::comment && (m_flags & k_flag_comment) != 0) {
    m_state = State::comment;
  } else if (done < State::header_crc && (m_flags & k_flag_header_crc) != 0) {
    m_state = State::header_crc;
  } else {
    m_state = State::deflated;
    m_crc.reset();
    m_length = 0;
    m_inflate.reset();
  }
}

bool GzipDecoder::trailer_byte(std::uint8_t byte) {
  m_trailer |= static_cast<std::uint64_t>(byte) << (8 * m_size);
  if (++m_size < k_trailer) {
    return true;
  }
  m_size = 0;
  ++m_members;
  m_state = State::header;
  return m_trailer == ((static_cast<std::uint64_t>(m_length) << 32) | m_crc.checksum());
}

}  // namespace ghoard::upstream
