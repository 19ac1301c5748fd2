#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cache/budgets.hpp"
#include "core/cache/entry.hpp"
#include "core/cache/invalidation_log.hpp"
#include "core/cache/peer_network.hpp"
#include "core/cache/relay.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/upstream.hpp"
#include "core/github/routes.hpp"

namespace ghoard::cache {

/// A caller whose answer a flight will bring.
struct Waiter {
  std::shared_ptr<ReplySink> sink;
  http::Headers headers;  ///< the request's own conditions
  http::RequestDirectives directives;
  bool head = false;
  bool joined = false;  ///< came to a flight that another caller had begun
};

class Flight;

/// Whoever runs flights; told on the loop thread.
class FlightOwner {
 public:
  virtual ~FlightOwner() = default;
  /// The body outgrew what may be gathered: the owner moves the exchange to a relay (Flight::hand_over).
  virtual void flight_overflowed(const std::shared_ptr<Flight>& flight) = 0;
  virtual void flight_ended(const std::shared_ptr<Flight>& flight) = 0;
};

/// One fetch of one resource under one token, and everyone who waits for it. Gathers the answer; judging and storing it
/// is its owner's business. Ends even if every waiter has left, since later callers profit.
class Flight final : public ResponseObserver, public std::enable_shared_from_this<Flight> {
 public:
  Flight(FlightOwner& owner, Budgets& budgets, std::uint64_t object_limit, github::CanonicalRequest canonical);

  // What it is about.
  const github::CanonicalRequest request;
  std::vector<Waiter> waiters;
  std::vector<Waiter> trailing;  ///< callers who want a fetch that begins after their request

  // Set when peers are asked; the question is kept until they answer.
  std::unique_ptr<PeerNetwork::Question> question;
  base::MonoTime asked{};
  InvalidationLog::Position asked_position = 0;
  bool renews = false;  ///< only what is fetched after the question will do
  std::unique_ptr<FetchLease> lease;

  // Set when it starts.
  base::WallTime began{};
  base::MonoTime began_mono{};
  InvalidationLog::Position log_position = 0;
  std::shared_ptr<const Entry> own;    ///< what this token was granted before
  std::shared_ptr<const Entry> basis;  ///< what a 304 would confirm; may be another token's
  bool basis_from_peer = false;        ///< nobody here was answered from those bytes yet
  std::string sent_etag;

  // What came back.
  std::optional<ResponseHead> head;
  std::string body;
  std::optional<base::Error> failure;
  bool told_by_peer = false;          ///< that a peer's fetch ended so
  std::shared_ptr<const Entry> kept;  ///< what was made of it, if that is kept

  void own_exchange(std::unique_ptr<Exchange> exchange) { m_exchange = std::move(exchange); }
  [[nodiscard]] bool started() const { return m_exchange != nullptr; }
  [[nodiscard]] bool is_asking() const { return question != nullptr; }
  /// Ends the exchange, or gives up the question or lease, without telling any waiter: the engine is going away.
  void abandon();
  /// Moves the exchange to `relay`, which gets the head, what was gathered, and all that follows.
  void hand_over(const std::shared_ptr<Relay>& relay);
  [[nodiscard]] bool handed_over() const { return m_relay != nullptr; }

  void on_head(ResponseHead received) override;
  bool on_data(std::string_view chunk) override;
  void on_end(std::optional<base::Error> error) override;

 private:
  FlightOwner& m_owner;
  base::BudgetShare m_slot;
  base::BudgetShare m_share;
  std::uint64_t m_object_limit;
  std::unique_ptr<Exchange> m_exchange;
  std::shared_ptr<Relay> m_relay;
};

}  // namespace ghoard::cache
