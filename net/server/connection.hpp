#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/time.hpp"
#include "core/cache/reply.hpp"
#include "net/server/body_stream.hpp"
#include "net/server/descriptor.hpp"
#include "net/server/out_queue.hpp"
#include "net/server/reply_head.hpp"
#include "net/server/request_parser.hpp"
#include "net/server/server.hpp"

namespace ghoard::server {

class Connection;

/// What connections have in common; implemented by Server::Impl. Outlives them.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  [[nodiscard]] virtual const Limits& limits() const = 0;
  virtual cache::RequestHandler& handler() = 0;
  [[nodiscard]] virtual base::MonoTime now() const = 0;
  /// One buffer for every read: a connection keeps bytes only while a request is incomplete.
  virtual std::span<char> read_buffer() = 0;
  /// One string in which every answer's head is put together.
  virtual std::string& head_buffer() = 0;
  [[nodiscard]] virtual std::string_view common_lines() const = 0;
  virtual std::string_view date_line() = 0;
  [[nodiscard]] virtual bool draining() const = 0;
  virtual void watch(const Connection& connection, std::uint32_t events) = 0;
  /// Calls connection.resume() from the loop: nothing that a handler calls may come back into the handler.
  virtual void resume_later(const Connection& connection) = 0;
  virtual void request_began() = 0;
  virtual void request_ended() = 0;
  /// The connection is over and will be destroyed once the current event has been dealt with.
  virtual void closed(Connection& connection) = 0;
};

/// One client on its socket: reads a request, hands it on, writes its answer, and so on in sequence (pipelined requests
/// wait in the buffer). Driven by readiness events and the host's sweep. One thread.
class Connection {
 public:
  Connection(ConnectionHost& host, Descriptor socket, std::uint64_t key);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_events(std::uint32_t events);
  /// Goes on where a handler's call had to stop.
  void resume();
  /// Called about once in a quarter of the shortest deadline.
  void sweep(base::MonoTime now);
  /// Reads what may have arrived; then closes unless a request is under way.
  void close_if_idle();
  void close();
  /// The loop is going away: like close, but nobody is told.
  void abandon();

  [[nodiscard]] int descriptor() const { return m_socket.get(); }
  [[nodiscard]] std::uint64_t key() const { return m_key; }
  [[nodiscard]] bool idle() const { return m_phase == Phase::idle; }
  [[nodiscard]] base::MonoTime idle_since() const { return m_progress; }

 private:
  class Sink;
  enum class Phase {
    idle,       ///< between requests
    head,       ///< reading a head
    body,       ///< reading a body that is handed over whole
    answering,  ///< the handler has the request; a streamed body may still be arriving
    lingering,  ///< answered; reads on so that the client sees the answer before the end
    closed,
  };

  // Reading: connection_read.cpp.
  [[nodiscard]] bool wants_input() const;
  [[nodiscard]] bool input_complete() const;
  void read_some();
  void end_of_input();
  void process(std::string_view fresh);
  std::string_view parse(std::string_view bytes);
  void after_feed(bool more_behind);
  void body_begins(bool more_behind);
  void dispatch(std::string body);
  void dispatch_streamed();
  void hand_over();
  void pass_on();
  void refuse(const Refusal& refusal);

  // Answering: connection_write.cpp.
  void send(cache::Reply reply);
  void begin(int status, const http::Headers& headers);
  bool write(std::string_view bytes);
  void end(const std::optional<base::Error>& failure);
  void cut();
  std::string_view build_head(int status, const http::Headers& headers, const Framing& framing);
  void transmit(std::string_view head, http::Body body);
  void transmit(std::span<const std::string_view, 3> parts);
  std::size_t transmit_now(std::span<iovec> entries);
  void flush();
  void settle();
  void request_done();

  // Life: connection.cpp.
  void end_request(bool tell);
  void want_exactly();
  void want();
  [[nodiscard]] std::uint32_t wanted_events() const;
  [[nodiscard]] bool overdue(base::MonoTime now) const;
  [[nodiscard]] bool dropped_by_handler() const;

  ConnectionHost& m_host;
  Descriptor m_socket;
  const std::uint64_t m_key;
  Phase m_phase = Phase::idle;
  std::uint32_t m_armed;      // events the poller knows of
  base::MonoTime m_progress;  // last byte in either direction, or change of phase
  base::MonoTime m_began{};   // first byte of the request
  std::optional<RequestParser> m_parser;
  std::string m_in;  // bytes not yet parsed
  OutQueue m_out;    // bytes of the answer that the socket did not take yet
  std::shared_ptr<BodyStream> m_stream;
  std::shared_ptr<Sink> m_sink;
  Framing m_framing;          // of the streamed answer under way; `length` is what is left of it
  bool m_counted = false;     // the host knows of the request
  bool m_head_only = false;   // the answer goes without its body: HEAD, 204, 304
  bool m_is_head = false;     // the method is HEAD
  bool m_keep_alive = false;  // what the client asked for
  bool m_http_1_0 = false;
  bool m_begun = false;     // the answer's head has been written
  bool m_answered = false;  // the handler has said everything
  bool m_close_after = false;
  bool m_stalled = false;     // a write answered false
  bool m_broken = false;      // the socket failed, or the answer has to be cut
  bool m_input_over = false;  // the client has said its last byte
  bool m_parsing = false;
  std::size_t m_lingered = 0;
};

}  // namespace ghoard::server
