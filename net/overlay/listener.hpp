#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "net/overlay/guest.hpp"
#include "net/overlay/half_open_slots.hpp"

namespace ghoard::overlay {

/// Takes what comes of handshakes that others began.
class ListenerHost {
 public:
  virtual ~ListenerHost() = default;
  virtual void inbound(Tcp::socket socket, channel::Outcome outcome, const Tcp::endpoint& remote, KeyRing::Serial key,
                       std::uint64_t number, std::string unread) = 0;
};

/// Accepts connections and keeps them within their slots until their handshakes are done. One thread.
class Listener final : private GuestHost {
 public:
  Listener(std::shared_ptr<Shared> shared, ListenerHost& host, Tcp::acceptor acceptor);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  /// Accepts no more, and resets what is half-open.
  void stop();
  [[nodiscard]] Tcp::endpoint bound() const { return m_bound; }
  [[nodiscard]] const HalfOpenSlots& slots() const { return m_slots; }

 private:
  bool guest_proven(Guest& guest) override;
  void guest_failed(Guest& guest, std::string_view why) override;
  void guest_done(const std::shared_ptr<Guest>& guest) override;
  void guest_left(Guest& guest) override;
  [[nodiscard]] bool under_load() const override { return m_slots.under_load(); }

  void wait();
  void accept_some();
  void admit(Tcp::socket socket);
  void evict(std::optional<Guest::Id> id);
  void rest();

  const std::shared_ptr<Shared> m_shared;
  ListenerHost& m_host;
  Tcp::acceptor m_acceptor;
  const Tcp::endpoint m_bound;
  HalfOpenSlots m_slots;
  std::unordered_map<Guest::Id, std::shared_ptr<Guest>> m_guests;
  Guest::Id m_last = 0;
  boost::asio::steady_timer m_rest;
  std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

}  // namespace ghoard::overlay
