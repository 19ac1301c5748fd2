#include "net/overlay/shared.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ghoard::overlay {

namespace {

using Error = boost::system::error_code;

constexpr int not_sent_bytes = 64 * 1024;
constexpr int unanswered_millis = 20'000;

}  // namespace

void prepare(boost::asio::ip::tcp::socket& socket) {
  // Each is an improvement that a connection can do without.
  Error ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent_bytes, sizeof not_sent_bytes);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_millis, sizeof unanswered_millis);
}

void reset(boost::asio::ip::tcp::socket& socket) {
  Error ignored;
  socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

}  // namespace ghoard::overlay
