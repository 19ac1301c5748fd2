#include "net/upstream/gzip.hpp"

namespace ghoard::upstream {

namespace {

/// zlib's way of saying: gzip only, with the largest window.
constexpr int k_gzip_window = 16 + MAX_WBITS;

}  // namespace

GzipDecoder::GzipDecoder() {
  m_broken = inflateInit2(&m_stream, k_gzip_window) != Z_OK;
}

GzipDecoder::~GzipDecoder() {
  inflateEnd(&m_stream);
}

GzipDecoder::Step GzipDecoder::decode(std::span<const char> input, std::span<char> output) {
  // zlib does not write to its input, but only says so if ZLIB_CONST is defined everywhere.
  m_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  m_stream.avail_in = static_cast<uInt>(input.size());
  m_stream.next_out = reinterpret_cast<Bytef*>(output.data());
  m_stream.avail_out = static_cast<uInt>(output.size());
  int code = Z_OK;
  while (!m_broken && code == Z_OK && m_stream.avail_out > 0) {
    if (m_member_ended) {
      if (m_stream.avail_in == 0) {
        break;
      }
      m_member_ended = false;
      inflateReset(&m_stream);
    }
    code = inflate(&m_stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      m_member_ended = true;
      code = Z_OK;
    }
  }
  // Z_BUF_ERROR: no progress without more input.
  m_broken = m_broken || (code != Z_OK && code != Z_BUF_ERROR);
  const Status status = m_broken ? Status::broken : m_stream.avail_out == 0 ? Status::full : Status::hungry;
  return {status, input.size() - m_stream.avail_in, output.size() - m_stream.avail_out};
}

}  // namespace ghoard::upstream
