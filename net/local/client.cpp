#include "net/local/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "net/local/response_reader.hpp"

namespace ghoard::local {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr std::size_t read_size = 64 * 1024;

tl::unexpected<base::Error> fail_system(base::ErrorCode code, std::string_view what) {
  return base::fail(code, std::string(what) + ": " + std::strerror(errno));
}

/// True when `events` (or an end of the connection) is there; false when the time is over.
bool wait_for(int descriptor, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<base::Millis>(deadline - std::chrono::steady_clock::now()).count();
    pollfd entry{descriptor, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready > 0) {
      return true;
    }
    if ((ready == 0 && left <= 0) || (ready < 0 && errno != EINTR)) {
      return false;
    }
  }
}

bool is_token(std::string_view text) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

/// No byte that could begin a new line or end a string; tabs may stand in field values.
bool is_one_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
         });
}

bool is_framing(std::string_view name) {
  return http::iequals(name, "Content-Length") || http::iequals(name, "Transfer-Encoding") ||
         http::iequals(name, "Connection") || http::iequals(name, "Expect");
}

base::Result<std::string> format_head(const ClientRequest& request) {
  if (!is_token(request.method) || !is_target(request.target)) {
    return base::fail(base::ErrorCode::invalid_input, "the request's method or target cannot be sent");
  }
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const http::Header& field : request.headers) {
    if (!is_token(field.name) || !is_one_line(field.value)) {
      return base::fail(base::ErrorCode::invalid_input, "a request header cannot be sent");
    }
    if (!is_framing(field.name)) {
      head += field.name + ": " + field.value + "\r\n";
    }
  }
  if (request.body_fd >= 0 && !request.content_length) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (request.body_fd >= 0) {
    head += "Content-Length: " + std::to_string(*request.content_length) + "\r\n";
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

base::Result<void> check_peer(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_system(base::ErrorCode::system, "the agent's user cannot be told");
  }
  if (peer.uid != ::geteuid()) {
    return base::fail(base::ErrorCode::refused, "the socket belongs to another user's process");
  }
  return {};
}

base::Result<void> connect_until(int descriptor, const sockaddr_un& address, const std::string& path,
                                 Deadline deadline) {
  for (;;) {
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      return {};
    }
    if (errno != EAGAIN && errno != EINTR) {
      return fail_system(base::ErrorCode::unavailable, path);
    }
    // The listen queue is full. No event tells when there is room again.
    if (std::chrono::steady_clock::now() >= deadline) {
      return base::fail(base::ErrorCode::timeout, path + ": the agent does not accept connections");
    }
    ::poll(nullptr, 0, 5);
  }
}

/// Sends one request. An answer that begins before the request is out ends the sending (RFC 9112 section 9.3).
class Sender {
 public:
  Sender(int descriptor, base::Millis timeout, bool& sent)
      : m_descriptor(descriptor), m_timeout(timeout), m_sent(sent) {}

  base::Result<void> send(std::string_view bytes) {
    Deadline deadline = std::chrono::steady_clock::now() + m_timeout;
    while (!bytes.empty() && !m_cut) {
      const ssize_t size = ::send(m_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size > 0) {
        m_sent = true;
        bytes.remove_prefix(static_cast<std::size_t>(size));
        deadline = std::chrono::steady_clock::now() + m_timeout;
        continue;
      }
      if (errno == EPIPE || errno == ECONNRESET) {
        m_cut = true;  // an answer may still be there to read
      } else if (errno == EAGAIN) {
        if (!wait_for(m_descriptor, POLLOUT | POLLIN, deadline)) {
          return base::fail(base::ErrorCode::timeout, "the agent does not read the request");
        }
        m_cut = has_answer();
      } else if (errno != EINTR) {
        return fail_system(base::ErrorCode::system, "sending to the agent");
      }
    }
    return {};
  }

  /// The reader of the body may be slow (a pipe from a person's terminal); only the agent has a deadline.
  base::Result<void> send_descriptor(const ClientRequest& request) {
    std::array<char, read_size> buffer;
    std::uint64_t left = request.content_length.value_or(0);
    while (!m_cut && (!request.content_length || left > 0)) {
      if (!wait_for_body(request.body_fd)) {
        m_cut = true;
        break;
      }
      const std::size_t wanted = request.content_length
                                     ? static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()))
                                     : buffer.size();
      const ssize_t size = ::read(request.body_fd, buffer.data(), wanted);
      if (size < 0 && errno != EINTR && errno != EAGAIN) {
        return fail_system(base::ErrorCode::system, "reading the request's body");
      }
      if (size == 0) {
        break;
      }
      if (size < 0) {
        continue;
      }
      left -= request.content_length ? static_cast<std::uint64_t>(size) : 0;
      const base::Result<void> sent = send_piece({buffer.data(), static_cast<std::size_t>(size)}, request);
      if (!sent) {
        return sent;
      }
    }
    if (left > 0 && !m_cut) {
      return base::fail(base::ErrorCode::invalid_input, "the request's body is shorter than announced");
    }
    return request.content_length ? base::Result<void>() : send("0\r\n\r\n");
  }

  [[nodiscard]] bool was_cut() const { return m_cut; }

 private:
  base::Result<void> send_piece(std::string_view bytes, const ClientRequest& request) {
    if (request.content_length) {
      return send(bytes);
    }
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    return send(std::string(size.data()).append(bytes).append("\r\n"));
  }

  bool has_answer() const {
    pollfd entry{m_descriptor, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
  }

  /// False when the agent answers, or goes, first.
  bool wait_for_body(int body) const {
    for (;;) {
      std::array<pollfd, 2> entries{{{body, POLLIN, 0}, {m_descriptor, POLLIN, 0}}};
      const int ready = ::poll(entries.data(), entries.size(), -1);
      if (ready > 0) {
        return entries[1].revents == 0;
      }
      if (ready < 0 && errno != EINTR) {
        return true;
      }
    }
  }

  int m_descriptor;
  base::Millis m_timeout;
  bool& m_sent;
  bool m_cut = false;
};

/// Reads until the answer is complete; `leftover` holds what was read ahead.
base::Result<void> receive(int descriptor, ResponseReader& reader, std::string& leftover, base::Millis timeout) {
  std::array<char, read_size> buffer;
  for (;;) {
    const base::Result<std::size_t> used = reader.feed(leftover);
    if (!used) {
      return tl::unexpected(used.error());
    }
    leftover.erase(0, *used);
    if (reader.is_complete() || reader.is_stopped()) {
      return {};
    }
    const ssize_t size = ::recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) {
      leftover.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size == 0 || errno == ECONNRESET) {
      return reader.end_of_stream();
    } else if (errno == EAGAIN) {
      if (!wait_for(descriptor, POLLIN, std::chrono::steady_clock::now() + timeout)) {
        return base::fail(base::ErrorCode::timeout, "the agent does not answer");
      }
    } else if (errno != EINTR) {
      return fail_system(base::ErrorCode::system, "reading from the agent");
    }
  }
}

}  // namespace

base::Result<Connection> Connection::open(const std::string& socket_path, base::Millis deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) {
    return base::fail(base::ErrorCode::invalid_input, "the socket's path is too long: " + socket_path);
  }
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return fail_system(base::ErrorCode::system, "socket");
  }
  Connection connection(descriptor);
  base::Result<void> done =
      connect_until(descriptor, address, socket_path, std::chrono::steady_clock::now() + deadline);
  if (done) {
    done = check_peer(descriptor);
  }
  if (!done) {
    return tl::unexpected(done.error());
  }
  return connection;
}

Connection Connection::adopt(int descriptor) {
  return Connection(descriptor);
}

Connection::Connection(Connection&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_sent(other.m_sent),
      m_leftover(std::move(other.m_leftover)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(m_descriptor, other.m_descriptor);
  std::swap(m_sent, other.m_sent);
  std::swap(m_leftover, other.m_leftover);
  return *this;
}

Connection::~Connection() {
  close();
}

void Connection::close() {
  if (m_descriptor >= 0) {
    ::close(std::exchange(m_descriptor, -1));
  }
}

bool Connection::is_reusable() const {
  pollfd entry{m_descriptor, POLLIN, 0};
  return m_descriptor >= 0 && m_leftover.empty() && ::poll(&entry, 1, 0) == 0;
}

base::Result<ClientResponse> Connection::exchange(const ClientRequest& request, base::Millis timeout,
                                                  std::uint64_t body_limit) {
  std::string body;
  bool over = false;
  base::Result<ClientResponse> response = exchange_streaming(
      request, timeout, [](const ClientResponse&) { return true; },
      [&](std::string_view bytes) {
        over = bytes.size() > body_limit - body.size();
        if (!over) {
          body += bytes;
        }
        return !over;
      });
  if (over) {
    return base::fail(base::ErrorCode::too_large, "the answer is larger than " + std::to_string(body_limit) + " bytes");
  }
  if (response) {
    response->body = std::move(body);
  }
  return response;
}

base::Result<ClientResponse> Connection::exchange_streaming(const ClientRequest& request, base::Millis timeout,
                                                            const std::function<bool(const ClientResponse&)>& on_head,
                                                            const BodyCallback& on_body) {
  m_sent = false;
  base::Result<std::string> head = format_head(request);
  if (!head) {
    return tl::unexpected(head.error());
  }
  if (!is_reusable()) {
    close();
    return base::fail(base::ErrorCode::unavailable, "the connection to the agent has ended");
  }
  Sender sender(m_descriptor, timeout, m_sent);
  base::Result<void> done = sender.send(request.body_fd < 0 ? *head + request.body : *head);
  if (done && request.body_fd >= 0 && !sender.was_cut()) {
    done = sender.send_descriptor(request);
  }
  ResponseReader reader(request.method == "HEAD", on_head, on_body);
  if (done) {
    done = receive(m_descriptor, reader, m_leftover, timeout);
  }
  if (!done || sender.was_cut() || !reader.may_continue() || reader.is_stopped()) {
    close();
  }
  if (!done) {
    return tl::unexpected(done.error());
  }
  return reader.response();
}

}  // namespace ghoard::local
