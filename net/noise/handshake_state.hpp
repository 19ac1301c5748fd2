#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "net/noise/pattern.hpp"
#include "net/noise/symmetric_state.hpp"

namespace ghoard::noise {

enum class Role : std::uint8_t { initiator, responder };

/// Why a message could not be written or read. After any of them the handshake is over.
enum class Fault : std::uint8_t {
  short_message,  ///< it ends inside a key or a tag, or the room given for writing is too small
  low_order,      ///< the peer's point makes an all-zero secret (section 12.1)
  not_authentic,  ///< wrong key, or changed on its way
  exhausted,      ///< the nonces are used up
  wrong_turn,     ///< not this side's turn, or the handshake is over
};

/// The pieces with which a handshake begins.
struct HandshakeKeys {
  /// Shared, since it lives as long as the process.
  std::shared_ptr<const KeyPair> local_static;
  /// As many as the pattern says, in the order of its tokens; a responder of a psk0 pattern may try several.
  std::vector<Secret> psks;
  /// The ephemeral key pair, if it must be a given one (published vectors); else it is made when it is needed. Never
  /// use one twice.
  std::optional<KeyPair> ephemeral;
};

/// HandshakeState of Noise (rev 34, section 5.3), driven by the pattern's tokens. Every message is written and read in
/// two steps, first the tokens and then the payload, so that the payload can hold a signature over the handshake hash
/// just before it. One thread; no I/O.
class HandshakeState {
 public:
  /// Mixes in at once what needs no message: the prologue, and a psk that stands in front of everything. `keys.psks`
  /// has exactly as many entries as the pattern takes, and there is a static key pair.
  HandshakeState(const Pattern& pattern, Role role, ByteView prologue, HandshakeKeys keys);

  /// A cheap copy of a state in which no message has begun, so that a responder can try several prepared ones on one
  /// message 1. Empty later on, and when an ephemeral was given: copies would use nonces or ephemerals twice.
  [[nodiscard]] std::optional<HandshakeState> clone() const;

  /// Writes this turn's keys and says how many bytes they take.
  [[nodiscard]] tl::expected<std::size_t, Fault> write_tokens(ByteSpan out);
  /// Seals the payload behind them and ends the turn; says how many bytes that took.
  [[nodiscard]] tl::expected<std::size_t, Fault> write_payload(ByteView payload, ByteSpan out);
  /// Reads the keys at the front of a message and says how many bytes they took.
  [[nodiscard]] tl::expected<std::size_t, Fault> read_tokens(ByteView message);
  /// Opens the rest of the message into `out`, which may not overlap it, and ends the turn; says the payload's size.
  [[nodiscard]] tl::expected<std::size_t, Fault> read_payload(ByteView sealed, ByteSpan out);

  /// h: between the two steps that which a payload may sign, at the end the channel binding (section 11.2).
  [[nodiscard]] const Hash& handshake_hash() const { return m_symmetric.handshake_hash(); }
  [[nodiscard]] bool is_finished() const { return m_message == Pattern::messages; }
  /// Once its message was read.
  [[nodiscard]] const std::optional<PublicKey>& remote_static() const { return m_remote_static; }
  [[nodiscard]] const std::optional<PublicKey>& remote_ephemeral() const { return m_remote_ephemeral; }

  struct Transport {
    CipherState send;
    CipherState receive;
  };
  /// Only when finished.
  [[nodiscard]] Transport split() const;

 private:
  enum class Step : std::uint8_t { tokens, payload, failed };

  HandshakeState(const HandshakeState& other, SymmetricState symmetric);
  [[nodiscard]] bool may(Step step, bool writing) const;
  tl::unexpected<Fault> fail(Fault fault);
  void end_turn();
  [[nodiscard]] std::optional<Fault> write_token(Token token, ByteSpan& out);
  [[nodiscard]] std::optional<Fault> read_token(Token token, ByteView& message);
  [[nodiscard]] std::optional<Fault> mix_shared(Token token);
  [[nodiscard]] std::optional<Fault> mix_dh(const KeyPair& local, const std::optional<PublicKey>& remote);
  void mix_ephemeral(const PublicKey& key);
  void mix_psk();

  std::shared_ptr<const Pattern> m_pattern;
  Role m_role;
  SymmetricState m_symmetric;
  std::shared_ptr<const KeyPair> m_static;
  std::vector<Secret> m_psks;
  std::optional<KeyPair> m_ephemeral;
  std::optional<PublicKey> m_remote_static;
  std::optional<PublicKey> m_remote_ephemeral;
  std::size_t m_next_psk = 0;
  std::size_t m_message = 0;
  /// Tokens of the first message that the constructor has already dealt with.
  std::size_t m_done_tokens = 0;
  Step m_step = Step::tokens;
  bool m_is_untouched = true;
};

}  // namespace ghoard::noise
