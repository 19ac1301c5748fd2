#pragma once

#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

#include "net/channel/channel.hpp"
#include "net/channel/handshake.hpp"
#include "tests/net/channel/self.hpp"

namespace ghoard::channel {

inline noise::Secret psk_of(std::uint8_t number) {
  noise::Secret psk = noise::Secret::zeros();
  psk.bytes()[0] = number;
  return psk;
}

/// A process with an identity of its own.
inline std::shared_ptr<Self> make_self() {
  std::shared_ptr<Self> self = fresh_self();
  self->minors = {0, 3};
  self->software = "ghoard 0.1.0";
  return self;
}

/// Two processes and the keys that the second accepts.
struct Pair {
  std::shared_ptr<Self> left = make_self();
  std::shared_ptr<Self> right = make_self();
  noise::Secret psk = psk_of(1);
  ReplayGuard guard;
  bool under_load = false;

  Initiator initiator(std::optional<IdentityKey> wanted = std::nullopt, base::WallTime now = wall_now) const {
    return Initiator(left, psk, wanted, now);
  }
  std::shared_ptr<const AcceptedKeys> accepted() const {
    std::vector<noise::Secret> psks;
    psks.push_back(psk.clone());
    return std::make_shared<const AcceptedKeys>(psks, right->static_key);
  }
  Responder responder() { return Responder(right, accepted(), guard); }
};

/// The two sides of one handshake as far as it got.
struct Joined {
  Outcome initiator;
  Outcome responder;
};

inline Joined join(Pair& pair) {
  Initiator initiator = pair.initiator();
  Responder responder = pair.responder();
  responder.receive(initiator.take_output(), wall_now, false);
  initiator.receive(responder.take_output());
  responder.receive(initiator.take_output(), wall_now, false);
  REQUIRE(initiator.is_done());
  REQUIRE(responder.is_done());
  return {initiator.take_outcome(), responder.take_outcome()};
}

/// Writes down what a channel tells.
struct Recorder final : ChannelEvents {
  struct Got {
    std::uint32_t stream;
    Message message;
  };
  std::vector<Got> messages;
  std::vector<std::pair<std::uint32_t, CancelReason>> lost;
  std::vector<std::pair<MessageId, CancelReason>> cancelled;
  std::vector<std::uint32_t> begun;
  std::vector<std::pair<CloseReason, bool>> closed;
  bool wants_bodies = true;

  bool on_body(std::uint32_t stream, std::string_view, std::uint32_t) override {
    begun.push_back(stream);
    return wants_bodies;
  }
  void on_body_lost(std::uint32_t stream, CancelReason reason) override { lost.emplace_back(stream, reason); }
  void on_message(std::uint32_t stream, Message message) override { messages.push_back({stream, std::move(message)}); }
  void on_cancelled(MessageId id, CancelReason reason) override { cancelled.emplace_back(id, reason); }
  void on_closed(CloseReason reason, bool by_peer) override { closed.emplace_back(reason, by_peer); }

  bool closed_for(CloseReason reason, bool by_peer) const {
    return closed.size() == 1 && closed.front() == std::pair<CloseReason, bool>(reason, by_peer);
  }
};

inline constexpr std::uint64_t overlay_budget = std::uint64_t{64} * 1024 * 1024;

/// Two channels over known keys.
struct Link {
  BodyBudget budget{overlay_budget};
  Recorder left_events;
  Recorder right_events;
  Channel left{noise::Role::initiator, keys(1, 2), left_events, budget};
  Channel right{noise::Role::responder, keys(2, 1), right_events, budget};

  static noise::HandshakeState::Transport keys(std::uint8_t send, std::uint8_t receive) {
    return {noise::CipherState(psk_of(send)), noise::CipherState(psk_of(receive))};
  }
  /// Moves what is pending in one direction and says how many bytes.
  static std::size_t move(Channel& from, Channel& to, std::size_t max = 256 * 1024) {
    std::string bytes;
    from.next_output(bytes, max);
    static_cast<void>(to.receive(bytes, mono_now));
    return bytes.size();
  }
  /// Until nothing is pending on either side.
  void settle() {
    while (move(left, right) + move(right, left) > 0) {
    }
  }
};

inline std::shared_ptr<const std::string> body_of(std::size_t size, char seed = 'a') {
  auto body = std::make_shared<std::string>(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    (*body)[i] = static_cast<char>(seed + static_cast<char>(i * 31 >> 3 & 0x3f));
  }
  return body;
}

}  // namespace ghoard::channel
