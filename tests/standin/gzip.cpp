#include "tests/standin/gzip.hpp"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>

namespace ghoard::standin {

namespace {

void append_little_endian(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out += static_cast<char>((value >> shift) & 255U);
  }
}

}  // namespace

http::Body gzip(const http::Body& plain) {
  namespace zlib = boost::beast::zlib;
  constexpr std::size_t head_size = 10;
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\x03", head_size);
  zlib::deflate_stream stream;
  stream.reset(6, 15, 8, zlib::Strategy::normal);
  out.resize(head_size + stream.upper_bound(plain->size()));
  zlib::z_params state;
  state.next_in = plain->data();
  state.avail_in = plain->size();
  state.next_out = out.data() + head_size;
  state.avail_out = out.size() - head_size;
  boost::beast::error_code error;
  stream.write(state, zlib::Flush::finish, error);
  out.resize(head_size + state.total_out);
  boost::crc_32_type crc;
  crc.process_bytes(plain->data(), plain->size());
  append_little_endian(out, crc.checksum());
  append_little_endian(out, static_cast<std::uint32_t>(plain->size()));
  return std::make_shared<const std::string>(std::move(out));
}

}  // namespace ghoard::standin
