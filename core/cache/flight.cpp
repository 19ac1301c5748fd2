#include "core/cache/flight.hpp"

#include <charconv>
#include <utility>

namespace ghoard::cache {

namespace {

/// The announced length, as far as it can be used to reserve memory; 0 if unknown.
std::uint64_t announced_length(const http::Headers& headers) {
  const std::string_view text = headers.get("Content-Length");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc() && end == text.data() + text.size() ? length : 0;
}

}  // namespace

Flight::Flight(FlightOwner& owner, Budgets& budgets, std::uint64_t object_limit, github::CanonicalRequest canonical)
    : request(std::move(canonical)),
      m_owner(owner),
      m_slot(budgets.exchanges),
      m_share(budgets.bytes),
      m_object_limit(object_limit) {
  static_cast<void>(m_slot.grow(1));  // room was seen before the request was accepted
}

void Flight::abandon() {
  question.reset();
  lease.reset();
  m_exchange.reset();
}

void Flight::on_head(ResponseHead received) {
  const std::uint64_t length = announced_length(received.headers);
  head = std::move(received);
  if (length > 0 && length <= m_object_limit) {
    body.reserve(static_cast<std::size_t>(length));
  }
}

bool Flight::on_data(std::string_view chunk) {
  const auto keep_alive = shared_from_this();
  if (m_relay != nullptr) {
    return m_relay->on_data(chunk);
  }
  if (body.size() + chunk.size() <= m_object_limit && m_share.grow(chunk.size())) {
    body.append(chunk);
    return true;
  }
  m_owner.flight_overflowed(keep_alive);
  return m_relay == nullptr || m_relay->on_data(chunk);
}

void Flight::on_end(std::optional<base::Error> error) {
  const auto keep_alive = shared_from_this();
  if (m_relay != nullptr) {
    const auto relay = m_relay;
    relay->on_end(std::move(error));
    return;
  }
  failure = std::move(error);
  m_share.release();
  m_owner.flight_ended(keep_alive);
  m_exchange.reset();
}

void Flight::hand_over(const std::shared_ptr<Relay>& relay) {
  m_relay = relay;
  m_share.release();  // the relay takes as much over
  m_slot.release();
  relay->own(std::move(m_exchange));
  relay->take_over(std::move(*head), std::exchange(body, std::string()));
  head.reset();
}

}  // namespace ghoard::cache
