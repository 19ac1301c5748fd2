#include "tests/support/http_client.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "tests/support/loopback.hpp"

namespace ghoard::testing {

namespace {

constexpr std::size_t most_bytes = 512U << 20U;

void set_timeout(int descriptor, base::Millis timeout) {
  timeval time{};
  time.tv_sec = timeout.count() / 1000;
  time.tv_usec = (timeout.count() % 1000) * 1000;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

tl::unexpected<base::Error> failure(const char* what) {
  const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
  return base::fail(late ? base::ErrorCode::timeout : base::ErrorCode::unavailable,
                    std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

base::Result<HttpClient> HttpClient::tcp(std::uint16_t port, base::Millis timeout) {
  HttpClient client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "127.0.0.1:" + std::to_string(port));
  set_timeout(client.m_descriptor, timeout);
  const int on = 1;
  setsockopt(client.m_descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = loopback_address(port);
  if (connect(client.m_descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure("connect");
  }
  return client;
}

base::Result<HttpClient> HttpClient::unix_socket(const std::string& path, base::Millis timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::fail(base::ErrorCode::invalid_input, "socket path too long");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  HttpClient client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "api.github.com");
  set_timeout(client.m_descriptor, timeout);
  if (connect(client.m_descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure("connect");
  }
  return client;
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_host(std::move(other.m_host)),
      m_buffer(std::move(other.m_buffer)) {}

HttpClient& HttpClient::operator=(HttpClient&& other) noexcept {
  std::swap(m_descriptor, other.m_descriptor);
  std::swap(m_host, other.m_host);
  std::swap(m_buffer, other.m_buffer);
  return *this;
}

HttpClient::~HttpClient() {
  if (m_descriptor >= 0) {
    close(m_descriptor);
  }
}

base::Result<void> HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(m_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return failure("send");
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

/// Reads once more; false at the end of the connection.
base::Result<bool> HttpClient::fill() {
  std::array<char, 64U << 10U> piece;
  ssize_t size = -1;
  do {
    size = recv(m_descriptor, piece.data(), piece.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return failure("recv");
  }
  if (m_buffer.size() > most_bytes) {
    return base::fail(base::ErrorCode::too_large, "answer too large");
  }
  m_buffer.append(piece.data(), static_cast<std::size_t>(size));
  return size > 0;
}

base::Result<std::string> HttpClient::take_line() {
  for (;;) {
    const std::size_t end = m_buffer.find("\r\n");
    if (end != std::string::npos) {
      std::string line = m_buffer.substr(0, end);
      m_buffer.erase(0, end + 2);
      return line;
    }
    const base::Result<bool> more = fill();
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (!*more) {
      return base::fail(m_buffer.empty() ? base::ErrorCode::unavailable : base::ErrorCode::truncated,
                        "connection ended");
    }
  }
}

base::Result<void> HttpClient::read_sized(HttpAnswer& answer, std::size_t size) {
  while (m_buffer.size() < size) {
    const base::Result<bool> more = fill();
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (!*more) {
      return base::fail(base::ErrorCode::truncated, "connection ended within a body");
    }
  }
  answer.body.append(m_buffer, 0, size);
  answer.raw.append(m_buffer, 0, size);
  m_buffer.erase(0, size);
  return {};
}

base::Result<void> HttpClient::read_chunked(HttpAnswer& answer) {
  for (;;) {
    base::Result<std::string> line = take_line();
    if (!line) {
      return tl::unexpected(line.error());
    }
    answer.raw += *line + "\r\n";
    const std::size_t size = std::strtoul(line->c_str(), nullptr, 16);
    if (size > 0) {
      if (base::Result<void> read = read_sized(answer, size); !read) {
        return read;
      }
    }
    line = take_line();
    if (!line) {
      return tl::unexpected(line.error());
    }
    answer.raw += *line + "\r\n";
    if (size == 0) {
      return {};
    }
  }
}

base::Result<HttpAnswer> HttpClient::receive(bool head_only) {
  HttpAnswer answer;
  do {
    answer = HttpAnswer();
    for (bool first = true;; first = false) {
      const base::Result<std::string> line = take_line();
      if (!line) {
        return tl::unexpected(line.error());
      }
      answer.raw += *line + "\r\n";
      if (first) {
        answer.status = line->size() > 12 ? std::atoi(line->c_str() + 9) : 0;
      } else if (line->empty()) {
        break;
      } else if (const std::size_t colon = line->find(':'); colon != std::string::npos) {
        answer.headers.add(line->substr(0, colon), std::string(http::trim(std::string_view(*line).substr(colon + 1))));
      }
    }
  } while (answer.status == 100);
  if (head_only || answer.status == 204 || answer.status == 304) {
    return answer;
  }
  base::Result<void> read;
  if (http::iequals(answer.headers.get("Transfer-Encoding"), "chunked")) {
    read = read_chunked(answer);
  } else if (const std::string* length = answer.headers.find("Content-Length")) {
    read = read_sized(answer, std::strtoul(length->c_str(), nullptr, 10));
  } else {
    base::Result<bool> more = true;
    while (more && *more) {
      more = fill();
    }
    read = read_sized(answer, m_buffer.size());
  }
  if (!read) {
    return tl::unexpected(read.error());
  }
  return answer;
}

base::Result<HttpAnswer> HttpClient::exchange(std::string_view method, std::string_view target,
                                              const http::Headers& headers, std::string_view body) {
  std::string bytes;
  bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  if (!headers.contains("Host")) {
    bytes.append("Host: ").append(m_host).append("\r\n");
  }
  for (const http::Header& field : headers) {
    bytes.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  const bool framed = headers.contains("Content-Length") || headers.contains("Transfer-Encoding");
  if (!framed && (!body.empty() || (method != "GET" && method != "HEAD"))) {
    bytes.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  bytes.append("\r\n").append(body);
  if (const base::Result<void> sent = send(bytes); !sent) {
    return tl::unexpected(sent.error());
  }
  return receive(method == "HEAD");
}

bool HttpClient::at_end() {
  if (!m_buffer.empty()) {
    return false;
  }
  const base::Result<bool> more = fill();
  // A reset is an end, too; a timeout is not.
  return more ? !*more : more.error().code != base::ErrorCode::timeout;
}

void HttpClient::shut_down_sending() {
  shutdown(m_descriptor, SHUT_WR);
}

}  // namespace ghoard::testing
