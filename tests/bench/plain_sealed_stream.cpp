#include "tests/bench/plain_sealed_stream.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "net/channel/record.hpp"
#include "net/noise/cipher_state.hpp"

namespace ghoard::bench {

namespace {

using boost::asio::ip::tcp;

constexpr std::size_t text_bytes = channel::max_record_plaintext;
constexpr std::size_t record_bytes = text_bytes + noise::tag_bytes;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "plain_sealed_stream: cannot %s\n", what);
  std::exit(1);
}

void send_records(tcp::socket& socket, noise::CipherState cipher, std::size_t records) {
  const std::vector<std::uint8_t> text(text_bytes, 'x');
  std::vector<std::uint8_t> record(record_bytes);
  for (std::size_t i = 0; i < records; ++i) {
    if (!cipher.encrypt({}, text, record.data())) {
      give_up("seal");
    }
    boost::asio::write(socket, boost::asio::buffer(record));
  }
}

void take_records(tcp::socket& socket, noise::CipherState cipher, std::size_t records) {
  std::vector<std::uint8_t> text(text_bytes);
  std::vector<std::uint8_t> record(record_bytes);
  for (std::size_t i = 0; i < records; ++i) {
    boost::asio::read(socket, boost::asio::buffer(record));
    if (!cipher.decrypt({}, record, text.data())) {
      give_up("open");
    }
  }
}

}  // namespace

double plain_sealed_stream(std::size_t bytes) {
  boost::asio::io_context loop;
  tcp::acceptor acceptor(loop, {boost::asio::ip::address_v4::loopback(), 0});
  tcp::socket from(loop);
  from.connect(acceptor.local_endpoint());
  tcp::socket to = acceptor.accept();
  from.set_option(tcp::no_delay(true));

  const noise::Secret key = noise::Secret::random();
  const std::size_t records = bytes / text_bytes;
  const auto began = std::chrono::steady_clock::now();
  std::thread sender([&] { send_records(from, noise::CipherState(key.clone()), records); });
  take_records(to, noise::CipherState(key.clone()), records);
  sender.join();
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - began;
  return static_cast<double>(records * text_bytes) / time.count();
}

}  // namespace ghoard::bench
