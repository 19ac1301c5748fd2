#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/channel/handshake.hpp"
#include "net/overlay/endpoints.hpp"
#include "net/overlay/shared.hpp"

namespace ghoard::overlay {

class Guest;

/// What a guest asks and tells its listener, from the loop.
class GuestHost {
 public:
  virtual ~GuestHost() = default;
  /// It has shown a network key. False: there is no slot for it.
  virtual bool guest_proven(Guest& guest) = 0;
  /// Its handshake failed; it stays until its deadline.
  virtual void guest_failed(Guest& guest, std::string_view why) = 0;
  virtual void guest_done(const std::shared_ptr<Guest>& guest) = 0;
  /// Its socket is closed.
  virtual void guest_left(Guest& guest) = 0;
  [[nodiscard]] virtual bool under_load() const = 0;
};

/// A connection that came in, until its handshake is done. Nothing is ever sent to say that it failed: what arrives is
/// read and let go until the one deadline that ran since it was accepted, and then its socket is reset, so that the
/// causes look the same in bytes, in how the connection ends, and in time (overlay.md section 1). One thread.
class Guest final : public std::enable_shared_from_this<Guest> {
 public:
  using Id = std::uint64_t;

  Guest(std::shared_ptr<Shared> shared, GuestHost& host, Id id, Tcp::socket socket, const Tcp::endpoint& remote);
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void start();
  /// Resets it now. The host is not told.
  void evict();

  [[nodiscard]] Id id() const { return m_id; }
  [[nodiscard]] const Tcp::endpoint& remote() const { return m_remote; }

  // ---- once, in guest_done
  [[nodiscard]] Tcp::socket take_socket();
  [[nodiscard]] channel::Outcome take_outcome() { return m_responder.take_outcome(); }
  [[nodiscard]] KeyRing::Serial serial(std::size_t psk_index) const { return m_keys->serials[psk_index]; }
  [[nodiscard]] std::string take_unread() { return std::move(m_unread); }

 private:
  void wait_readable();
  void read();
  void take(std::string_view bytes);
  void fail(std::string_view why);
  void write();
  void leave();

  const std::shared_ptr<Shared> m_shared;
  GuestHost* m_host;
  const Id m_id;
  Tcp::socket m_socket;
  const Tcp::endpoint m_remote;
  const std::shared_ptr<const KeyRing::Accepted> m_keys;
  channel::Responder m_responder;
  boost::asio::steady_timer m_deadline;
  std::string m_unsent;
  std::string m_unread;
  bool m_proven = false;
  bool m_failed = false;
  bool m_writing = false;
};

}  // namespace ghoard::overlay
