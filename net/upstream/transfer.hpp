#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <curl/curl.h>
#include <memory>
#include <optional>
#include <string>

#include "core/cache/upstream.hpp"
#include "net/upstream/garage.hpp"
#include "net/upstream/gzip.hpp"
#include "net/upstream/headers.hpp"
#include "net/upstream/lane.hpp"
#include "net/upstream/request.hpp"

namespace ghoard::upstream {

/// One exchange. libcurl's callbacks fill the inbox; `deliver` empties it towards the observer, decoding on the way.
/// While the observer pauses, the inbox fills to its cap, and then libcurl is paused. Over HTTP/2 libcurl 7.88 goes on
/// buffering what the server may still send, which is its fixed window of 32 MiB; others on that connection go on
/// meanwhile.
class Transfer final : public Rider, public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(std::shared_ptr<Garage> garage, cache::UpstreamRequest request,
           std::shared_ptr<cache::ResponseObserver> observer);
  ~Transfer() override;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// From the loop, once.
  void launch();
  void resume();
  /// The observer is not called again.
  void cancel();

  void finished(CURLcode code) override;
  void deliver() override;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { connecting, sending, receiving, done };

  // Callbacks of libcurl.
  static std::size_t on_header(char* data, std::size_t unit, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t unit, std::size_t size, void* self);
  static std::size_t on_read(char* into, std::size_t unit, std::size_t size, void* self);
  static int on_seek(void* self, curl_off_t offset, int whence);
  static int on_request(void* self, char*, char*, int, int);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  bool take_line(std::string_view line);
  std::size_t take_body(std::string_view bytes);
  std::size_t give_body(std::span<char> into);
  std::size_t give_from_source(std::span<char> into);
  bool may_send();

  base::Result<void> set_up();
  void source_readable();
  void schedule();
  bool step(std::size_t& budget);
  void pass_body(std::size_t& budget);
  void pass_decoded(std::size_t& budget);
  void pass(std::string_view chunk);
  void begin_decoding(cache::ResponseHead& head);
  void update_pause();
  void fail(base::Error error);
  void close_request(base::ErrorCode code, std::string_view why);
  void end();
  bool repeat(CURLcode code);
  void detach();

  [[nodiscard]] std::size_t unread() const { return m_inbox.size() - m_read; }
  [[nodiscard]] Clock::time_point due() const;
  [[nodiscard]] base::Error lateness() const;
  void arm();
  void tick();

  const std::shared_ptr<Garage> m_garage;
  const cache::UpstreamRequest m_request;
  std::shared_ptr<cache::ResponseObserver> m_observer;
  std::shared_ptr<Lane> m_lane;
  CURL* m_easy = nullptr;
  Slist m_fields;
  std::array<char, CURL_ERROR_SIZE> m_detail{};

  // The way out.
  std::uint64_t m_body_sent = 0;
  int m_attempts = 0;
  bool m_source_waits = false;

  // The way in.
  HeadParser m_parser;
  std::optional<cache::ResponseHead> m_head;  ///< complete and not yet delivered
  bool m_head_seen = false;
  bool m_heard = false;  ///< a line of an answer came
  std::string m_inbox;
  std::size_t m_read = 0;
  std::unique_ptr<GzipDecoder> m_decoder;
  std::string m_decoded;
  bool m_decoder_full = false;
  bool m_decoder_fed = false;
  bool m_held = false;    ///< libcurl is paused since the inbox is full
  bool m_paused = false;  ///< by the observer
  bool m_delivering = false;
  bool m_scheduled = false;
  std::optional<base::Error> m_failure;

  Phase m_phase = Phase::connecting;
  Clock::time_point m_started;
  Clock::time_point m_progress;
  Clock::time_point m_armed;
  boost::asio::steady_timer m_timer;
};

}  // namespace ghoard::upstream
