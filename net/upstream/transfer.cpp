#include "net/upstream/transfer.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <sys/socket.h>
#include <utility>

#include "net/upstream/errors.hpp"

namespace ghoard::upstream {

namespace {

/// What may wait here for a slow observer before libcurl is paused.
constexpr std::size_t k_inbox_cap = 256 * 1024;
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

// ---- libcurl's callbacks: note, never call on ---------------------------------------------------

/// libcurl 7.88 repeats any request, a write too, up to five times when a reused connection dies before an answer, or
/// when the server refuses an HTTP/2 stream. It asks here before each attempt, which is where the port's rule is
/// enforced.
int Transfer::on_request(void* self, char*, char*, int, int) {
  return static_cast<Transfer*>(self)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

bool Transfer::may_send() {
  const int allowed = is_repeatable(m_request) ? 2 : 1;
  if (++m_attempts > allowed) {
    return false;
  }
  // A second attempt must not meet another dead connection.
  curl_easy_setopt(m_easy, CURLOPT_FRESH_CONNECT, 1L);
  m_phase = Phase::sending;
  m_progress = Clock::now();
  arm();
  return true;
}

curl_socket_t Transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const auto* transfer = static_cast<Transfer*>(self);
  if (transfer->m_attempts > 0 && !is_repeatable(transfer->m_request)) {
    return CURL_SOCKET_BAD;  // the repeat would be refused anyway; do not connect for it
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Transfer::on_header(char* data, std::size_t unit, std::size_t size, void* self) {
  // Anything but the size of the line makes libcurl give up.
  return static_cast<Transfer*>(self)->take_line({data, unit * size}) ? unit * size : 0;
}

bool Transfer::take_line(std::string_view line) {
  if (m_phase == Phase::done) {
    return false;
  }
  if (m_head_seen) {
    return true;  // a trailer field (RFC 9112 section 7.1.2)
  }
  base::Result<HeadParser::State> state = m_parser.line(line);
  if (!state) {
    m_failure = state.error().with_context("answer of " + m_request.origin.url());
    return false;
  }
  if (*state == HeadParser::State::complete) {
    m_head = m_parser.take();
    m_head_seen = true;
    m_phase = Phase::receiving;
    m_progress = Clock::now();
    arm();
    m_lane->touch(shared_from_this());
  }
  return true;
}

std::size_t Transfer::on_body(char* data, std::size_t unit, std::size_t size, void* self) {
  return static_cast<Transfer*>(self)->take_body({data, unit * size});
}

std::size_t Transfer::take_body(std::string_view bytes) {
  if (m_phase == Phase::done) {
    return 0;
  }
  if (unread() + bytes.size() > k_inbox_cap) {
    hold();
    return CURL_WRITEFUNC_PAUSE;  // libcurl keeps these bytes and brings them again
  }
  if (m_read > 0 && m_read == m_inbox.size()) {
    m_inbox.clear();
    m_read = 0;
  }
  m_inbox.append(bytes);
  m_progress = Clock::now();
  m_lane->touch(shared_from_this());
  return bytes.size();
}

std::size_t Transfer::on_read(char* into, std::size_t unit, std::size_t size, void* self) {
  return static_cast<Transfer*>(self)->give_body({into, unit * size});
}

int Transfer::on_seek(void*, curl_off_t, int) {
  return CURL_SEEKFUNC_FAIL;  // nothing that left is sent again
}

std::size_t Transfer::give_body(std::span<char> into) {
  if (m_phase == Phase::done) {
    return CURL_READFUNC_ABORT;
  }
  m_progress = Clock::now();
  if (m_request.stream) {
    return give_from_source(into);
  }
  const std::size_t count = std::min<std::size_t>(into.size(), m_request.body.size() - m_body_sent);
  std::memcpy(into.data(), m_request.body.data() + m_body_sent, count);
  m_body_sent += count;
  return count;
}

std::size_t Transfer::give_from_source(std::span<char> into) {
  if (m_request.content_length) {
    // A producer that brings more than it announced must not begin a second request on the wire.
    into = into.first(std::min<std::size_t>(into.size(), *m_request.content_length - m_body_sent));
    if (into.empty()) {
      return 0;
    }
  }
  const cache::BodySource::Read read = m_request.stream->read(into);
  switch (read.state) {
    case cache::BodySource::State::data: m_body_sent += read.size; return std::min(read.size, into.size());
    case cache::BodySource::State::wait: m_source_waits = true; return CURL_READFUNC_PAUSE;
    case cache::BodySource::State::end:
      if (!m_request.content_length) {
        return 0;
      }
      close_request(base::ErrorCode::truncated, "the body is shorter than announced");
      return CURL_READFUNC_ABORT;
    case cache::BodySource::State::lost:
      close_request(base::ErrorCode::truncated, "the sender of the body went away");
      return CURL_READFUNC_ABORT;
  }
  return CURL_READFUNC_ABORT;
}

void Transfer::close_request(base::ErrorCode code, std::string_view why) {
  m_failure = base::Error{code, "request to " + m_request.origin.url() + " given up: " + std::string(why)};
}

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

// ---- pausing ------------------------------------------------------------------------------------

void Transfer::hold() {
  m_held = true;
  long version = 0;
  curl_easy_getinfo(m_easy, CURLINFO_HTTP_VERSION, &version);
  if (version >= CURL_HTTP_VERSION_2_0 && !std::exchange(m_clogs, true)) {
    m_lane->clog();
  }
}

void Transfer::release() {
  m_held = false;
  if (std::exchange(m_clogs, false)) {
    m_lane->unclog();
  }
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
    const std::shared_ptr<cache::ResponseObserver> observer = m_observer;
    observer->on_head(std::move(head));
    return true;
  }
  if (unread() > 0 || m_decoder_full) {
    pass_body(budget);
    return true;
  }
  if (m_held) {
    release();
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

void Transfer::finished(CURLcode code) {
  if (code == CURLE_OK && !m_head_seen) {
    code = CURLE_GOT_NOTHING;
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
  if (m_held) {
    release();
  }
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
