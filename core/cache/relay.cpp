#include "core/cache/relay.hpp"

#include <utility>

#include "core/cache/answer.hpp"

namespace ghoard::cache {

namespace {

/// Answers up to this size are gathered; most of GitHub's JSON is smaller.
constexpr std::size_t gather_limit = 256 * 1024;

}  // namespace

Relay::Relay(std::shared_ptr<ReplySink> sink, Budgets& budgets, std::string cache_status, Done done,
             BeforeHead before_head, Gate gate)
    : m_sink(std::move(sink)),
      m_slot(budgets.exchanges),
      m_held(budgets.bytes),
      m_share(budgets.bytes),
      m_cache_status(std::move(cache_status)),
      m_done(std::move(done)),
      m_before_head(std::move(before_head)),
      m_gate(std::move(gate)) {
  static_cast<void>(m_slot.grow(1));  // room was seen before the request was accepted
}

void Relay::take_over(ResponseHead head, std::string gathered) {
  const auto keep_alive = shared_from_this();
  on_head(std::move(head));
  // Just given back by the flight that gathered it, so it is there; it lies with the sink until that has drained.
  static_cast<void>(m_share.grow(gathered.size()));
  m_gathered = std::move(gathered);
  begin_streaming();
}

void Relay::abandon() {
  const std::shared_ptr<Relay> held = std::move(m_self);
  m_waiting = Step::none;
  m_done = nullptr;
  m_gate = nullptr;
  m_exchange.reset();
}

void Relay::on_head(ResponseHead head) {
  m_result.head = std::move(head);
}

bool Relay::on_data(std::string_view chunk) {
  if (m_finished) {
    return true;
  }
  if (m_streaming) {
    return write(chunk);
  }
  const bool fits = m_gathered.size() + chunk.size() <= gather_limit && m_share.grow(chunk.size());
  m_gathered.append(chunk);
  if (m_waiting == Step::none && fits) {
    return true;
  }
  const auto keep_alive = shared_from_this();
  if (m_waiting == Step::none) {
    begin_streaming();
  }
  m_held_back = !m_finished && !m_streaming;
  return m_finished || (m_streaming && m_flowing);
}

void Relay::begin_streaming() {
  if (m_sink->gone()) {
    finish(base::Error{base::ErrorCode::unavailable, "the client left"});
    return;
  }
  if (m_before_head) {
    m_before_head();
  }
  pass_gate(Step::head);
}

void Relay::pass_gate(Step step) {
  m_waiting = step;
  m_ticks = 0;
  m_self = shared_from_this();
  const std::uint64_t wait = ++m_wait;
  if (!m_gate) {
    gate_opened(wait);
    return;
  }
  m_gate([weak = weak_from_this(), wait] {
    if (const auto self = weak.lock()) {
      self->gate_opened(wait);
    }
  });
}

void Relay::gate_opened(std::uint64_t wait) {
  if (m_waiting == Step::none || wait != m_wait) {
    return;  // opened before, or what waited is past
  }
  const std::shared_ptr<Relay> held = std::move(m_self);
  switch (std::exchange(m_waiting, Step::none)) {
    case Step::none: return;
    case Step::head:
      show_head();
      if (std::exchange(m_held_back, false) && m_flowing && m_exchange != nullptr) {
        m_exchange->resume();
      }
      return;
    case Step::end: show_end(); return;
  }
}

void Relay::tick() {
  constexpr int patience = 2;
  if (m_waiting != Step::none && ++m_ticks > patience) {
    gate_opened(m_wait);
  }
}

/// On to the client with what was gathered until the gate opened.
void Relay::show_head() {
  if (m_sink->gone()) {
    finish(base::Error{base::ErrorCode::unavailable, "the client left"});
    return;
  }
  m_streaming = true;
  http::Headers headers = live_headers(m_result.head->headers);
  if (const std::string* length = m_result.head->headers.find("Content-Length"); length != nullptr) {
    headers.set("Content-Length", *length);
  }
  headers.add("Cache-Status", m_cache_status);
  const std::weak_ptr<Relay> weak = weak_from_this();
  const auto drained = [weak] {
    if (const auto self = weak.lock(); self && self->m_exchange) {
      self->m_share.release();
      self->m_exchange->resume();
    }
  };
  const auto gone = [weak] {
    if (const auto self = weak.lock()) {
      self->finish(base::Error{base::ErrorCode::unavailable, "the client left"});
    }
  };
  m_sink->begin(m_result.head->status, std::move(headers), drained, gone);
  m_flowing = write(std::exchange(m_gathered, std::string()));
}

bool Relay::write(std::string_view bytes) {
  return bytes.empty() || m_sink->write(bytes);
}

void Relay::on_end(std::optional<base::Error> failure) {
  finish(std::move(failure));
}

void Relay::finish(std::optional<base::Error> failure) {
  if (m_finished) {
    return;
  }
  m_finished = true;
  const auto keep_alive = shared_from_this();
  m_result.failure = std::move(failure);
  m_result.body = m_gathered;
  if (const Done done = std::move(m_done)) {
    done(m_result);
  }
  m_held.release();
  m_exchange.reset();
  pass_gate(Step::end);
}

void Relay::show_end() {
  if (m_streaming) {
    m_sink->end(m_result.failure);
  } else if (m_result.failure.has_value()) {
    m_sink->send(upstream_error_reply(*m_result.failure));
  } else {
    send_gathered();
  }
  m_share.release();
  m_slot.release();
}

void Relay::send_gathered() {
  Reply reply;
  reply.status = m_result.head->status;
  reply.headers = live_headers(m_result.head->headers);
  reply.headers.add("Cache-Status", m_cache_status);
  const std::string* length = m_result.head->headers.find("Content-Length");
  if (!m_gathered.empty()) {
    reply.body = std::make_shared<const std::string>(std::move(m_gathered));
  } else if (length != nullptr) {
    reply.headers.set("Content-Length", *length);  // an answer to HEAD keeps the length that upstream announced
  }
  m_sink->send(std::move(reply));
}

}  // namespace ghoard::cache
