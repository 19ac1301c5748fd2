#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/message.hpp"
#include "core/mesh/links.hpp"
#include "net/channel/channel.hpp"
#include "net/overlay/endpoints.hpp"
#include "net/overlay/shared.hpp"

namespace ghoard::overlay {

class Link;

/// What a link tells its owner, from the loop and never from within a call of Link's. The owner may call anything of
/// the link's.
class LinkHost {
 public:
  virtual ~LinkHost() = default;
  /// The other side has accepted this one; comes first, and only on the side that dialled.
  virtual void link_welcome(const std::shared_ptr<Link>& link) = 0;
  virtual void link_message(const std::shared_ptr<Link>& link, std::string payload, http::Body body) = 0;
  /// The body of this message will not come.
  virtual void link_body_lost(const std::shared_ptr<Link>& link, std::string payload) = 0;
  /// The other side has sent what it wanted to over this link: it uses another one.
  virtual void link_drained(const std::shared_ptr<Link>& link) = 0;
  /// No message comes or goes any more; comes last. `why` is a phrase for the log.
  virtual void link_ended(const std::shared_ptr<Link>& link, mesh::LinkEnd end, std::string_view why) = 0;
};

/// What is known of a link from its handshake.
struct LinkFacts {
  mesh::PeerId peer;
  bool inbound = false;
  Tcp::endpoint remote;
  KeyRing::Serial key = 0;
  std::string software;
  base::MonoTime since{};
  std::uint64_t number = 0;                  ///< in the order in which they were accepted, or dialled
  std::optional<peer::Multiaddr> address{};  ///< that was dialled
};

/// One connection whose handshake is done: a socket and its channel. On the wire a channel message of one byte is the
/// links' own (a mesh message is longer): 1 is the welcome with which the side that was dialled begins, since the other
/// one cannot know otherwise that its last handshake message was liked; 2 says that nothing more is sent while another
/// link is there. Made shared; it lives until its socket is closed. One thread.
class Link final : public channel::ChannelEvents, public std::enable_shared_from_this<Link> {
 public:
  Link(std::shared_ptr<Shared> shared, LinkHost& host, Tcp::socket socket, LinkFacts facts, noise::Role role,
       noise::HandshakeState::Transport transport);
  ~Link() override;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// `unsent` is the handshake's last message, `unread` what came behind the other side's.
  void start(std::string unsent, std::string unread);
  /// False if it cannot be sent at all. A link on which too much waits ends.
  bool send(std::string payload, http::Body body);
  /// Says good-bye, after what waits in front of the bodies.
  void close(channel::CloseReason reason);
  /// Sends what it holds, and ends when the other side has done so, too.
  void drain();
  /// It is needed after all.
  void undrain();
  /// Says good-bye as far as the kernel takes it at once, and is gone. The host is not told.
  void abandon();
  /// Tells the host of an end that it would hear of in the loop's next turn.
  void settle() { finish(); }
  /// The host is not told of anything any more.
  void forget_host() { m_host = nullptr; }

  [[nodiscard]] const LinkFacts& facts() const { return m_facts; }
  [[nodiscard]] bool is_open() const { return !m_channel.is_closed() && m_socket.is_open(); }
  [[nodiscard]] bool is_draining() const { return m_draining; }
  /// The other side has said so; see link_drained.
  [[nodiscard]] bool peer_drained() const { return m_peer_drained; }
  /// Nothing can have been lost with it.
  [[nodiscard]] bool is_complete() const { return m_said_drained && m_peer_drained; }
  [[nodiscard]] std::uint64_t bytes_in() const { return m_bytes_in; }
  [[nodiscard]] std::uint64_t bytes_out() const { return m_bytes_out; }

 private:
  struct Coming {
    std::string payload;
    base::MonoTime deadline{};
  };

  bool on_body(std::uint32_t stream, std::string_view payload, std::uint32_t size) override;
  void on_body_lost(std::uint32_t stream, channel::CancelReason reason) override;
  void on_message(std::uint32_t stream, channel::Message message) override;
  void on_cancelled(channel::MessageId id, channel::CancelReason reason) override;
  void on_closed(channel::CloseReason reason, bool by_peer) override;

  void watch_bodies();
  void on_control(char control);
  void wait_readable();
  void read();
  bool take(std::string_view bytes);
  void pause_until(base::MonoTime when);
  void on_broken(const boost::system::error_code& error);
  void flush_soon();
  void wait_writable();
  void flush();
  bool write_some(std::string_view bytes, std::size_t& written);
  void flushed();
  void say_drained();
  void finish_soon();
  void finish();
  void linger();
  void vanish();

  const std::shared_ptr<Shared> m_shared;
  LinkHost* m_host;
  Tcp::socket m_socket;
  const LinkFacts m_facts;
  channel::Channel m_channel;
  std::string m_unsent;  ///< sealed, from m_sent on; empty while the socket takes everything
  std::size_t m_sent = 0;
  std::uint64_t m_bytes_in = 0;
  std::uint64_t m_bytes_out = 0;
  std::map<std::uint32_t, Coming> m_coming;                 ///< bodies on their way here, by stream
  std::unique_ptr<boost::asio::steady_timer> m_body_watch;  ///< while there are any
  std::unique_ptr<boost::asio::steady_timer> m_pause;
  std::unique_ptr<boost::asio::steady_timer> m_deadline;  ///< of draining, then of lingering
  std::optional<mesh::LinkEnd> m_broken;                  ///< what the socket said
  channel::CloseReason m_reason = channel::CloseReason::unspecified;
  bool m_closed_by_peer = false;
  bool m_welcome_due = false;
  bool m_flush_posted = false;
  bool m_writing = false;  ///< waits for the socket
  bool m_draining = false;
  bool m_said_drained = false;
  bool m_peer_drained = false;
  bool m_shut = false;  ///< our end has been sent
};

}  // namespace ghoard::overlay
