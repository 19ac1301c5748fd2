#include "tests/standin/server.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <unistd.h>

#include "tests/standin/text.hpp"

namespace ghoard::standin {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

namespace {

using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Parser = beast::http::request_parser<beast::http::string_body>;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;

constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> token{};
constexpr std::uint32_t header_limit = 64U << 10U;
constexpr std::uint64_t body_limit = 64ULL << 20U;

Request request_from(Parser& parser) {
  auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  const std::size_t mark = request.target.find('?');
  request.path = request.target.substr(0, mark);
  request.query = mark == std::string::npos ? "" : request.target.substr(mark + 1);
  request.headers.reserve(16);
  for (const auto& field : message) {
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

std::string date_now() {
  // The date changes once a second, the requests come by the ten thousand.
  static std::int64_t last = 0;
  static std::string text;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (now != last) {
    last = now;
    text = http_date(now);
  }
  return text;
}

std::string head_of(const Response& response, bool keep_alive) {
  std::string head;
  head.reserve(response.fields.size() + 160);
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason.data(), reason.size());
  head.append("\r\nServer: ghoard-standin\r\nDate: ").append(date_now()).append("\r\n").append(response.fields);
  const bool bodyless = response.status == 204 || response.status == 304;
  if (!bodyless && response.chunked) {
    head.append("Transfer-Encoding: chunked\r\n");
  } else if (!bodyless) {
    const std::size_t size = response.body ? response.body->size() : 0;
    head.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
  }
  head.append(keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
  return head;
}

void reset_connection(Socket& socket) {
  beast::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

std::string chunk_head(std::size_t size) {
  std::array<char, 24> text{};
  const int length = std::snprintf(text.data(), text.size(), "%zx\r\n", size);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

struct Server::Sockets {
  Sockets(Site& the_site, std::uint16_t port)
      : site(the_site),
        api(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
        asset(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        release(context, std::chrono::steady_clock::time_point::max()) {
    site.set_asset_base("http://localhost:" + std::to_string(asset.local_endpoint().port()));
    site.on_release([this] { release.cancel(); });
  }

  Awaitable<void> accept(Acceptor& acceptor, bool is_asset);
  Awaitable<void> serve(Socket socket, bool is_asset);
  Awaitable<bool> answer(Socket& socket, const Request& request, bool is_asset, bool keep_alive);
  Awaitable<bool> deliver(Socket& socket, const Response& response, bool keep_alive);
  Awaitable<bool> send_whole(Socket& socket, const Response& response, bool keep_alive);
  Awaitable<bool> send_pieces(Socket& socket, const Response& response, std::size_t size, std::size_t pieces);
  Awaitable<void> pause(long milliseconds);
  Awaitable<void> until_released();
  Awaitable<void> watch_stdin();

  Site& site;
  asio::io_context context{1};
  Acceptor api;
  Acceptor asset;
  Timer release;
};

Awaitable<void> Server::Sockets::pause(long milliseconds) {
  if (milliseconds > 0) {
    Timer timer(context, std::chrono::milliseconds(milliseconds));
    co_await timer.async_wait(token);
  }
}

Awaitable<void> Server::Sockets::until_released() {
  site.add_held(1);
  co_await release.async_wait(token);
  site.add_held(-1);
}

Awaitable<bool> Server::Sockets::send_whole(Socket& socket, const Response& response, bool keep_alive) {
  const std::string head = head_of(response, keep_alive);
  const bool with_body = response.body && !response.head_only && response.status != 204 && response.status != 304;
  static const std::string nothing;
  const std::string& body = with_body ? *response.body : nothing;
  const bool chunked = with_body && response.chunked;
  const std::string before = chunked && !body.empty() ? chunk_head(body.size()) : "";
  const std::string_view after = !chunked ? "" : body.empty() ? "0\r\n\r\n" : "\r\n0\r\n\r\n";
  const std::array<asio::const_buffer, 4> buffers{asio::buffer(head), asio::buffer(before), asio::buffer(body),
                                                  asio::buffer(after)};
  const auto [error, size] = co_await asio::async_write(socket, buffers, token);
  co_return !error;
}

/// The head and the first `size` bytes of the body, in `pieces` with pauses between them. Always with Content-Length.
Awaitable<bool> Server::Sockets::send_pieces(Socket& socket, const Response& response, std::size_t size,
                                             std::size_t pieces) {
  Response plain = response;
  plain.chunked = false;
  const std::string head = head_of(plain, true);
  const auto [head_error, head_size] = co_await asio::async_write(socket, asio::buffer(head), token);
  if (head_error || !response.body || response.head_only) {
    co_return !head_error;
  }
  for (std::size_t i = 0; i < pieces; ++i) {
    co_await pause(response.damage_ms);
    const std::size_t from = size * i / pieces;
    const std::size_t to = size * (i + 1) / pieces;
    const asio::const_buffer piece = asio::buffer(response.body->data() + from, to - from);
    const auto [error, written] = co_await asio::async_write(socket, piece, token);
    if (error) {
      co_return false;
    }
  }
  co_return true;
}

Awaitable<bool> Server::Sockets::deliver(Socket& socket, const Response& response, bool keep_alive) {
  const std::size_t size = response.body ? response.body->size() : 0;
  switch (response.delivery) {
    case Delivery::normal: break;
    case Delivery::hold: co_await until_released(); break;
    case Delivery::slow_body: co_return co_await send_pieces(socket, response, size, 10);
    case Delivery::reset_before_head: reset_connection(socket); co_return false;
    case Delivery::reset_mid_body:
      co_await send_pieces(socket, response, size / 2, 1);
      // What was written must leave before the reset discards it.
      co_await pause(20);
      reset_connection(socket);
      co_return false;
    case Delivery::truncate: co_await send_pieces(socket, response, size / 2, 1); co_return false;
    case Delivery::hang:
      if (response.damage_ms > 0) {
        co_await pause(response.damage_ms);
      } else {
        co_await until_released();
      }
      co_return false;
  }
  co_return co_await send_whole(socket, response, keep_alive);
}

Awaitable<bool> Server::Sockets::answer(Socket& socket, const Request& request, bool is_asset, bool keep_alive) {
  if (!is_asset && Site::is_control(request)) {
    const Response response = site.control(request);
    co_return co_await deliver(socket, response, keep_alive);
  }
  if (is_asset) {
    const Response response = site.asset(request);
    co_await pause(response.delay_ms);
    co_return co_await deliver(socket, response, keep_alive);
  }
  site.ledger().begin();
  const Response response = site.api(request);
  co_await pause(response.delay_ms);
  const bool sent = co_await deliver(socket, response, keep_alive);
  site.ledger().end();
  co_return sent;
}

Awaitable<void> Server::Sockets::serve(Socket socket, bool is_asset) {
  beast::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  beast::flat_buffer buffer(header_limit + (64U << 10U));
  for (bool open = true; open;) {
    Parser parser;
    parser.header_limit(header_limit);
    parser.body_limit(body_limit);
    const auto [head_error, head_size] = co_await beast::http::async_read_header(socket, buffer, parser, token);
    if (head_error) {
      break;
    }
    if (beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
      const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(socket, asio::buffer(go_on), token);
    }
    const auto [body_error, body_size] = co_await beast::http::async_read(socket, buffer, parser, token);
    if (body_error) {
      break;
    }
    const bool keep_alive = parser.get().keep_alive();
    const Request request = request_from(parser);
    open = co_await answer(socket, request, is_asset, keep_alive) && keep_alive;
  }
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

Awaitable<void> Server::Sockets::accept(Acceptor& acceptor, bool is_asset) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(token);
    if (error) {
      if (error == asio::error::operation_aborted) {
        co_return;
      }
      // Out of descriptors: wait until some connection ends.
      co_await pause(10);
      continue;
    }
    if (!is_asset) {
      site.ledger().connected();
    }
    asio::co_spawn(context, serve(std::move(socket), is_asset), asio::detached);
  }
}

Awaitable<void> Server::Sockets::watch_stdin() {
  asio::posix::basic_stream_descriptor<Executor> input(context, ::dup(STDIN_FILENO));
  std::array<char, 256> sink{};
  for (;;) {
    const auto [error, size] = co_await input.async_read_some(asio::buffer(sink), token);
    if (error) {
      context.stop();
      co_return;
    }
  }
}

Server::Server(Site& site, std::uint16_t port) : m_sockets(std::make_unique<Sockets>(site, port)) {}
Server::~Server() = default;

std::uint16_t Server::port() const {
  return m_sockets->api.local_endpoint().port();
}

std::uint16_t Server::asset_port() const {
  return m_sockets->asset.local_endpoint().port();
}

void Server::run(bool until_stdin_ends) {
  Sockets& sockets = *m_sockets;
  asio::signal_set signals(sockets.context, SIGTERM, SIGINT);
  signals.async_wait([&](const beast::error_code&, int) { sockets.context.stop(); });
  asio::co_spawn(sockets.context, sockets.accept(sockets.api, false), asio::detached);
  asio::co_spawn(sockets.context, sockets.accept(sockets.asset, true), asio::detached);
  if (until_stdin_ends) {
    asio::co_spawn(sockets.context, sockets.watch_stdin(), asio::detached);
  }
  sockets.context.run();
}

}  // namespace ghoard::standin
