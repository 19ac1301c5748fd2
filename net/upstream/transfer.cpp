#include "net/upstream/transfer.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <utility>

#include "net/upstream/errors.hpp"

namespace ghoard::upstream {

namespace {

constexpr std::size_t k_chunk = 64 * 1024;
/// Decoded bytes handed on before the loop gets its turn: a small gzip body can hold a thousand times its size.
constexpr std::size_t k_turn_budget = 1024 * 1024;

bool is_gzip(const http::Headers& headers) {
  const std::string coding = headers.joined("Content-Encoding");
  return http::iequals(coding, "gzip") || http::iequals(coding, "x-gzip");
}

}  // namespace

Transfer::Transfer(std::shared_ptr<Garage> garage, cache::UpstreamRequest request,
                   std::shared_ptr<cache::ResponseObserver> observer)
    : m_garage(std::move(garage)),
      m_request(std::move(request)),
      m_observer(std::move(observer)),
      m_parser(m_garage->options().max_header_bytes),
      m_started(Clock::now()),
      m_progress(m_started),
      m_armed(Clock::time_point::max()),
      m_timer(m_garage->loop()) {
  m_garage->enlist(*this);
}

Transfer::~Transfer() {
  detach();
  m_garage->delist(*this);
}

void Transfer::launch() {
  if (!m_observer) {
    return;
  }
  if (base::Result<void> ready = set_up(); !ready) {
    fail(ready.error());
    return;
  }
  arm();
  if (!m_lane->add(m_easy)) {
    curl_easy_cleanup(std::exchange(m_easy, nullptr));
    fail({base::ErrorCode::system, "libcurl refused a request to " + m_request.origin.url()});
  }
}

base::Result<void> Transfer::set_up() {
  if (base::Result<void> sound = check_request(m_request); !sound) {
    return sound;
  }
  m_lane = m_garage->lane();
  m_easy = m_lane ? m_garage->take_handle() : nullptr;
  if (m_easy == nullptr) {
    return base::fail(base::ErrorCode::system, "libcurl has no handle for a request to " + m_request.origin.url());
  }
  base::Result<Slist> fields = configure(m_easy, m_request, m_garage->options());
  if (!fields) {
    m_garage->give_handle(std::exchange(m_easy, nullptr));
    return tl::unexpected(fields.error());
  }
  m_fields = std::move(*fields);
  curl_easy_setopt(m_easy, CURLOPT_PRIVATE, static_cast<Rider*>(this));
  curl_easy_setopt(m_easy, CURLOPT_ERRORBUFFER, m_detail.data());
  curl_easy_setopt(m_easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(m_easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(m_easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(m_easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(m_easy, CURLOPT_PREREQFUNCTION, &Transfer::on_request);
  curl_easy_setopt(m_easy, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(m_easy, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
  curl_easy_setopt(m_easy, CURLOPT_OPENSOCKETDATA, this);
  if (is_streamed(m_request)) {
    curl_easy_setopt(m_easy, CURLOPT_READFUNCTION, &Transfer::on_read);
    curl_easy_setopt(m_easy, CURLOPT_READDATA, this);
    curl_easy_setopt(m_easy, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    curl_easy_setopt(m_easy, CURLOPT_SEEKDATA, this);
  }
  if (m_request.stream) {
    m_request.stream->on_readable([weak = weak_from_this()] {
      if (const std::shared_ptr<Transfer> self = weak.lock()) {
        self->source_readable();
      }
    });
  }
  return {};
}

// ---- pausing ------------------------------------------------------------------------------------

/// The producer may tell from anywhere, also from within its own read: go on from the loop.
void Transfer::source_readable() {
  boost::asio::post(m_garage->loop(), [weak = weak_from_this()] {
    const std::shared_ptr<Transfer> self = weak.lock();
    if (self && std::exchange(self->m_source_waits, false)) {
      self->m_progress = Clock::now();
      self->arm();
      self->update_pause();
    }
  });
}

void Transfer::update_pause() {
  if (m_easy != nullptr && m_lane) {
    m_lane->pause(m_easy, (m_held ? CURLPAUSE_RECV : 0) | (m_source_waits ? CURLPAUSE_SEND : 0));
  }
}

// ---- towards the observer, outside of libcurl ---------------------------------------------------

void Transfer::schedule() {
  if (std::exchange(m_scheduled, true)) {
    return;
  }
  boost::asio::post(m_garage->loop(), [weak = weak_from_this()] {
    if (const std::shared_ptr<Transfer> self = weak.lock()) {
      self->m_scheduled = false;
      self->deliver();
    }
  });
}

void Transfer::resume() {
  boost::asio::post(m_garage->loop(), [weak = weak_from_this()] {
    if (const std::shared_ptr<Transfer> self = weak.lock(); self && self->m_paused) {
      self->m_paused = false;
      self->m_progress = Clock::now();
      self->arm();
      self->deliver();
    }
  });
}

void Transfer::deliver() {
  if (m_delivering) {
    return;
  }
  const std::shared_ptr<Transfer> self = shared_from_this();
  m_delivering = true;
  std::size_t budget = k_turn_budget;
  while (m_observer && !m_paused && budget > 0 && step(budget)) {
  }
  m_delivering = false;
  if (m_observer && !m_paused && budget == 0) {
    schedule();
  }
}

/// One call to the observer, or one change of state. False when there is nothing to do.
bool Transfer::step(std::size_t& budget) {
  if (m_head) {
    cache::ResponseHead head = std::move(*std::exchange(m_head, std::nullopt));
    begin_decoding(head);
    if (head.status >= 400 && std::exchange(m_source_waits, false)) {
      // libcurl stops an upload that was refused, but counts a paused one as unfinished.
      update_pause();
    }
    const std::shared_ptr<cache::ResponseObserver> observer = m_observer;
    observer->on_head(std::move(head));
    return true;
  }
  if (unread() > 0 || m_decoder_full) {
    pass_body(budget);
    return true;
  }
  if (m_held) {
    m_held = false;
    m_progress = Clock::now();
    arm();
    update_pause();  // may fill the inbox at once
    return true;
  }
  if (m_phase == Phase::done) {
    end();
  }
  return false;
}

void Transfer::begin_decoding(cache::ResponseHead& head) {
  if (!is_gzip(head.headers)) {
    return;
  }
  m_decoder = std::make_unique<GzipDecoder>();
  head.headers.remove("Content-Encoding");
  head.headers.remove("Content-Length");
}

void Transfer::pass_body(std::size_t& budget) {
  if (m_decoder) {
    pass_decoded(budget);
    return;
  }
  const std::size_t count = std::min({unread(), k_chunk, budget});
  const std::string_view chunk = std::string_view(m_inbox).substr(m_read, count);
  m_read += count;
  budget -= count;
  pass(chunk);
}

void Transfer::pass_decoded(std::size_t& budget) {
  m_decoded.resize(k_chunk);
  const std::string_view input = std::string_view(m_inbox).substr(m_read);
  const GzipDecoder::Step step =
      m_decoder->decode({input.data(), input.size()}, {m_decoded.data(), std::min(k_chunk, budget)});
  m_read += step.consumed;
  budget -= step.produced;
  m_decoder_full = step.status == GzipDecoder::Status::full;
  m_decoder_fed = true;
  if (step.produced > 0) {
    pass(std::string_view(m_decoded).substr(0, step.produced));
  }
  if (step.status == GzipDecoder::Status::broken && m_observer) {
    m_read = m_inbox.size();
    m_failure.reset();
    fail({base::ErrorCode::invalid_input, m_request.origin.url() + " sent a body that is damaged gzip"});
  }
}

void Transfer::pass(std::string_view chunk) {
  const std::shared_ptr<cache::ResponseObserver> observer = m_observer;
  m_paused = !observer->on_data(chunk);
  m_progress = Clock::now();
}

// ---- the end ------------------------------------------------------------------------------------

/// libcurl repeats by itself when an HTTP/1.1 connection was lost, but not for HTTP/2: a GET that meets a connection
/// which the server is just closing must not fail for that.
bool Transfer::repeat(CURLcode code) {
  long new_connections = 0;
  curl_easy_getinfo(m_easy, CURLINFO_NUM_CONNECTS, &new_connections);
  // Not CURLE_HTTP2_STREAM: there the connection lives, and the server has answered by breaking off the stream.
  const bool lost = code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING ||
                    code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2;
  if (!lost || m_heard || m_failure || m_attempts != 1 || new_connections != 0 || !is_repeatable(m_request)) {
    return false;
  }
  m_lane->remove(m_easy);
  m_phase = Phase::connecting;
  return m_lane->add(m_easy);  // with FRESH_CONNECT, since `may_send`
}

void Transfer::finished(CURLcode code) {
  if (code == CURLE_OK && !m_head_seen) {
    code = CURLE_GOT_NOTHING;
  }
  if (repeat(code)) {
    return;
  }
  if (code != CURLE_OK && !m_failure) {
    Situation situation{m_request.origin,
                        !is_read(m_request),
                        m_attempts > 0,
                        m_head_seen,
                        m_garage->options().connect_deadline,
                        0,
                        std::string_view(m_detail.data())};
    curl_easy_getinfo(m_easy, CURLINFO_OS_ERRNO, &situation.os_error);
    m_failure = describe(code, situation);
  }
  m_phase = Phase::done;
  const std::shared_ptr<Lane> lane = m_lane;
  detach();
  lane->touch(shared_from_this());
}

/// Ends the exchange from this side. What was received before is still delivered.
void Transfer::fail(base::Error error) {
  if (!m_failure) {
    m_failure = std::move(error);
  }
  m_phase = Phase::done;
  detach();
  schedule();
}

void Transfer::end() {
  if (!m_failure && m_decoder && m_decoder_fed && !m_decoder->complete()) {
    m_failure =
        base::Error{base::ErrorCode::truncated, m_request.origin.url() + " broke off in the middle of an answer"};
  }
  m_timer.cancel();
  const std::shared_ptr<cache::ResponseObserver> observer = std::exchange(m_observer, nullptr);
  observer->on_end(std::exchange(m_failure, std::nullopt));
}

void Transfer::cancel() {
  m_observer.reset();
  m_phase = Phase::done;
  if (m_lane && m_lane->in_curl()) {
    // A body source dropped the exchange while libcurl was reading from it.
    boost::asio::post(m_garage->loop(), [self = shared_from_this()] { self->detach(); });
    return;
  }
  detach();
}

/// Gives handle and lane back; outside of libcurl only.
void Transfer::detach() {
  m_timer.cancel();
  m_held = false;
  if (m_easy != nullptr) {
    m_lane->remove(m_easy);
    m_garage->give_handle(std::exchange(m_easy, nullptr));
  }
  m_lane.reset();
}

// ---- deadlines ----------------------------------------------------------------------------------

/// When the exchange is late if nothing happens until then. Waiting for our own side is not the server's lateness: only
/// the deadline of the whole counts then. Connecting is timed by libcurl.
Transfer::Clock::time_point Transfer::due() const {
  const Options& options = m_garage->options();
  const Clock::time_point total = m_started + options.total_deadline;
  switch (m_phase) {
    case Phase::connecting: return total;
    case Phase::sending: return m_source_waits ? total : std::min(total, m_progress + options.first_byte_deadline);
    case Phase::receiving:
      return m_paused || m_held || m_source_waits ? total : std::min(total, m_progress + options.stall_deadline);
    case Phase::done: return Clock::time_point::max();
  }
  return total;
}

base::Error Transfer::lateness() const {
  const Options& options = m_garage->options();
  const std::string name = m_request.origin.url();
  if (Clock::now() >= m_started + options.total_deadline) {
    return {base::ErrorCode::timeout,
            "exchange with " + name + " took longer than " + seconds_text(options.total_deadline)};
  }
  if (m_phase == Phase::sending) {
    return {base::ErrorCode::timeout, name + " did not answer within " + seconds_text(options.first_byte_deadline)};
  }
  return {base::ErrorCode::timeout,
          name + " sent nothing for " + seconds_text(options.stall_deadline) + " in the middle of an answer"};
}

/// Progress only moves the deadline back, so the timer is moved when it would be too late, and looks again when it
/// fires.
void Transfer::arm() {
  const Clock::time_point at = due();
  if (at >= m_armed) {
    return;
  }
  m_armed = at;
  m_timer.expires_at(at);
  m_timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    if (const std::shared_ptr<Transfer> self = weak.lock(); self && !error) {
      self->tick();
    }
  });
}

void Transfer::tick() {
  m_armed = Clock::time_point::max();
  if (m_phase == Phase::done) {
    return;
  }
  if (Clock::now() >= due()) {
    fail(lateness());
    return;
  }
  arm();
}

}  // namespace ghoard::upstream
