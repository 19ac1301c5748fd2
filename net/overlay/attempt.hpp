#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mesh/links.hpp"
#include "net/channel/handshake.hpp"
#include "net/overlay/endpoints.hpp"
#include "net/overlay/names.hpp"
#include "net/overlay/shared.hpp"

namespace ghoard::overlay {

class Attempt;

/// What an attempt tells its dialler, from the loop.
class AttemptHost {
 public:
  virtual ~AttemptHost() = default;
  /// The handshake is done as far as this side can tell; `handshake_over` is to be called once the welcome has come, or
  /// `go_on` if it does not.
  virtual void attempt_done(const std::shared_ptr<Attempt>& attempt) = 0;
  virtual void attempt_failed(const std::shared_ptr<Attempt>& attempt, mesh::LinkEnd end) = 0;
  /// The time for this address is over while the welcome is awaited.
  virtual void attempt_late(const std::shared_ptr<Attempt>& attempt) = 0;
};

/// One peer being dialled: its addresses one after the other, each with its share of what is left of 15 s, up to a
/// handshake that is done. Ends in exactly one of attempt_failed and a welcome. One thread.
class Attempt final : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(std::shared_ptr<Shared> shared, AttemptHost& host, Names& names, const mesh::PeerId& peer,
          std::vector<peer::Multiaddr> addresses);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void start();
  /// No more is told.
  void abandon();
  /// After attempt_done: its link ended without a welcome, or was too slow; the next address is tried.
  void go_on(mesh::LinkEnd end, std::string_view why);
  /// After attempt_done: it has led to a link.
  void handshake_over() { abandon(); }

  [[nodiscard]] const mesh::PeerId& peer() const { return m_peer; }

  // ---- once, in attempt_done
  [[nodiscard]] Tcp::socket take_socket() { return std::move(*m_socket); }
  [[nodiscard]] channel::Outcome take_outcome() { return m_initiator->take_outcome(); }
  [[nodiscard]] std::string take_unsent() { return m_initiator->take_output(); }
  [[nodiscard]] std::string take_unread() { return std::move(m_unread); }
  [[nodiscard]] const peer::Multiaddr& address() const { return m_addresses[m_next - 1]; }
  [[nodiscard]] const Tcp::endpoint& endpoint() const { return m_endpoint; }
  [[nodiscard]] KeyRing::Serial key() const { return m_key; }

 private:
  void next_address();
  void next_endpoint();
  void connected();
  void wait_readable();
  void read();
  void failed(mesh::LinkEnd end, std::string_view why);
  void late();
  void give_up();
  void close_socket();

  const std::shared_ptr<Shared> m_shared;
  AttemptHost* m_host;
  Names& m_names;
  const mesh::PeerId m_peer;
  const std::vector<peer::Multiaddr> m_addresses;
  std::size_t m_next = 0;
  std::deque<Tcp::endpoint> m_endpoints;  ///< of the address that is being tried
  Tcp::endpoint m_endpoint;
  std::optional<Tcp::socket> m_socket;
  std::unique_ptr<channel::Initiator> m_initiator;
  KeyRing::Serial m_key = 0;
  std::string m_unread;
  boost::asio::steady_timer m_timer;  ///< of the address
  base::MonoTime m_deadline{};        ///< of all
  std::optional<mesh::LinkEnd> m_end;
  std::uint64_t m_turn = 0;  ///< counts tries: what belongs to an earlier one is over
  bool m_done = false;       ///< waits for the welcome
};

}  // namespace ghoard::overlay
