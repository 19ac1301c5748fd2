#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/channel/channel.hpp"
#include "net/channel/handshake.hpp"
#include "tests/net/overlay/rig.hpp"

namespace ghoard::overlay::testing {

/// A plain TCP connection to a port of this machine, for what no Transport would do. Nothing of it blocks.
class Caller {
 public:
  explicit Caller(std::uint16_t port);
  ~Caller();
  Caller(Caller&& other) noexcept : m_socket(std::exchange(other.m_socket, -1)), m_got(std::move(other.m_got)) {}
  Caller& operator=(Caller&&) = delete;

  enum class State { open, ended, reset };
  /// Reads what is there; says how the connection is.
  State look();
  /// False once the other side takes nothing any more.
  bool send(std::string_view bytes);
  /// The end of what this side sends.
  void end();
  /// So that the other side sees a reset.
  void cut();
  /// Everything that came so far.
  [[nodiscard]] const std::string& got() const { return m_got; }
  [[nodiscard]] std::string take() { return std::exchange(m_got, {}); }

 private:
  int m_socket = -1;
  std::string m_got;
  State m_state = State::open;
};

/// A peer made by hand: it can shake hands, and then say whatever a test wants.
class HandPeer final : private channel::ChannelEvents {
 public:
  HandPeer(std::uint16_t port, std::uint8_t seed, char key, std::optional<mesh::PeerId> wanted = std::nullopt);

  [[nodiscard]] const mesh::PeerId& id() const { return m_identity->id(); }
  /// Bytes of the handshake's first message.
  [[nodiscard]] const std::string& first_message() const { return m_first; }
  void send_first() { caller.send(m_first); }
  /// What the handshake's last message would be if `message` came as the second one; empty if it is not taken.
  std::string answer_to(std::string_view message) {
    m_initiator->receive(message);
    return m_initiator->take_output();
  }
  /// Reads, answers, and says whether the handshake is done. Afterwards it takes channel messages.
  bool step();
  [[nodiscard]] bool is_up() const { return m_channel != nullptr; }
  /// Only when it is up.
  channel::Channel& channel() { return *m_channel; }
  /// Sends what the channel has.
  void flush();
  [[nodiscard]] const std::vector<channel::Message>& messages() const { return m_messages; }
  /// How many of its bodies the other side gave up on.
  [[nodiscard]] std::size_t cancelled() const { return m_cancelled; }
  [[nodiscard]] std::optional<channel::CloseReason> closed() const { return m_closed; }

  Caller caller;

 private:
  bool on_body(std::uint32_t, std::string_view, std::uint32_t) override { return true; }
  void on_body_lost(std::uint32_t, channel::CancelReason) override {}
  void on_message(std::uint32_t, channel::Message message) override { m_messages.push_back(std::move(message)); }
  void on_cancelled(channel::MessageId, channel::CancelReason) override { ++m_cancelled; }
  void on_closed(channel::CloseReason reason, bool by_peer) override {
    if (by_peer) {
      m_closed = reason;
    }
  }

  SystemClock m_clock;
  std::shared_ptr<const peer::Identity> m_identity;
  std::unique_ptr<channel::Initiator> m_initiator;
  channel::BodyBudget m_budget{std::uint64_t{64} << 20};
  std::unique_ptr<channel::Channel> m_channel;
  std::string m_first;
  std::vector<channel::Message> m_messages;
  std::size_t m_cancelled = 0;
  std::optional<channel::CloseReason> m_closed;
};

/// Listens on loopback and does with what comes what the test says; it answers nothing by itself.
class Trap {
 public:
  Trap();
  ~Trap();
  Trap(const Trap&) = delete;
  Trap& operator=(const Trap&) = delete;

  [[nodiscard]] std::uint16_t port() const { return m_port; }
  /// Takes connections and what they sent.
  void look();
  /// Sends everything back that comes.
  void echo();
  /// Resets every connection.
  void cut();
  [[nodiscard]] const std::string& got() const { return m_got; }

 private:
  std::string read_all(int socket);

  int m_listener = -1;
  std::uint16_t m_port = 0;
  std::vector<int> m_sockets;
  std::string m_got;
};

}  // namespace ghoard::overlay::testing
