#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.hpp"
#include "net/channel/hello.hpp"
#include "net/channel/replay_guard.hpp"
#include "net/noise/handshake_state.hpp"

namespace ghoard::channel {

/// Why a handshake failed: for logs and counters of this machine alone. Nothing is ever sent to say so.
enum class Failure : std::uint8_t {
  none,
  wrong_length,    ///< a message announces another length than its fixed one
  no_key_matches,  ///< message 1 opens under none of our keys and major versions
  malformed,       ///< what was sealed cannot be read
  replayed,        ///< message 1 came before
  stale,           ///< under load: its time is more than 10 minutes from ours
  not_for_us,      ///< the initiator wants another peer
  no_common_version,
  changed_versions,  ///< message 1 named other versions than message 3: a downgrade
  not_authentic,     ///< a later message does not open
  low_order,         ///< a key makes an all-zero secret
  self,              ///< the other side is this very process
  unexpected_peer,   ///< not the peer that was wanted
  denied,            ///< `admit` said no
  bad_signature,     ///< or an identity key that is invalid or of small order
  cannot_sign,
};

/// A lower-case phrase for a log.
[[nodiscard]] std::string_view name_of(Failure failure);

/// What both sides know of their own process; shared by all its handshakes. `sign` and `admit` are called from within
/// `receive`.
struct Self {
  IdentityKey identity{};
  Signer sign;
  /// Made per process and never stored.
  std::shared_ptr<const noise::KeyPair> static_key;
  VersionRange minors;
  std::string software;  ///< name and version, at most 32 bytes
  /// False for peers on the deny list. Empty admits everyone.
  std::function<bool(const IdentityKey&)> admit;
};

/// What a handshake that succeeded has agreed upon.
struct Outcome {
  noise::Role role = noise::Role::initiator;  ///< this side's
  IdentityKey self{};
  IdentityKey peer{};  ///< proven by signature
  std::uint8_t major = 0;
  std::uint16_t minor = 0;
  std::size_t psk_index = 0;     ///< of the keys given; an initiator's is 0
  noise::Hash handshake_hash{};  ///< the same on both sides and never again: a channel binding
  std::string peer_software;
  noise::HandshakeState::Transport transport;
};

inline constexpr std::array<std::uint8_t, 1> supported_majors{1};
inline constexpr std::size_t max_psks = 4;
/// Under load a message 1 must be this young, and no younger than that in the future. Else clocks do not matter, since
/// skew must not partition the network.
inline constexpr base::Millis max_skew_under_load = std::chrono::minutes(10);

/// What a responder accepts: a state for each pair of PSK and major version into which everything is mixed that needs
/// no message. Trying one costs some hashing and no Diffie-Hellman. Immutable; made anew when keys change.
class AcceptedKeys {
 public:
  /// Of `psks` the first four count, of `majors` the first two. The first PSK is the one that this machine sends.
  AcceptedKeys(std::span<const noise::Secret> psks, const std::shared_ptr<const noise::KeyPair>& static_key,
               std::span<const std::uint8_t> majors = supported_majors);

  struct Prepared {
    noise::HandshakeState state;
    std::size_t psk_index;
    std::uint8_t major;
  };
  [[nodiscard]] const std::vector<Prepared>& prepared() const { return m_prepared; }

 private:
  std::vector<Prepared> m_prepared;
};

/// What Initiator and Responder share: `Noise_XXpsk0_25519_ChaChaPoly_SHA256` in three records, each `u16be length ‖
/// Noise message` of a fixed length. Sans-I/O: bytes in any pieces go in, bytes come out; holds at most one record
/// each way. Deadlines are the owner's. One thread.
class Handshake {
 public:
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  /// What is to be sent now, handed over once. Empty after a failure.
  [[nodiscard]] std::string take_output() { return std::exchange(m_output, {}); }
  [[nodiscard]] bool has_output() const { return !m_output.empty(); }
  /// After `none` it is still under way, or done.
  [[nodiscard]] Failure failure() const { return m_failure; }
  [[nodiscard]] bool is_done() const { return m_outcome != nullptr; }
  /// Once, when done.
  [[nodiscard]] Outcome take_outcome() { return std::move(*m_outcome); }

 protected:
  explicit Handshake(std::shared_ptr<const Self> self) : m_self(std::move(self)) {}
  ~Handshake() = default;

  /// Takes bytes of the record that is expected, `wire_bytes` long on the wire, and says how many. Bytes behind it
  /// belong to what comes next.
  std::size_t collect(std::string_view bytes, std::size_t wire_bytes);
  /// The record without its length once it is whole; else empty.
  [[nodiscard]] ByteView collected(std::size_t wire_bytes) const;
  void forget_collected() { m_collected = 0; }
  [[nodiscard]] bool is_over() const { return m_failure != Failure::none || is_done(); }
  void fail(Failure failure);

  /// Writes a whole record with our signed introduction.
  [[nodiscard]] bool write_introduction(noise::HandshakeState& state, noise::Role role, std::size_t payload_bytes);
  /// Reads and checks the other side's, except for its versions.
  [[nodiscard]] std::optional<Introduction> read_introduction(noise::HandshakeState& state, noise::Role sender,
                                                              ByteView message,
                                                              const std::optional<IdentityKey>& wanted);
  void succeed(noise::HandshakeState& state, Outcome outcome, const Introduction& peer);

  std::shared_ptr<const Self> m_self;
  std::string m_output;

 private:
  Failure m_failure = Failure::none;
  std::array<std::uint8_t, later_wire_bytes> m_record;
  std::size_t m_collected = 0;
  std::unique_ptr<Outcome> m_outcome;
};

/// The side that dialled. It compares the peer's key with the wanted one before it reveals its own in message 3.
class Initiator final : public Handshake {
 public:
  /// Message 1 is ready at once. `wanted` is empty when only an address is known.
  Initiator(std::shared_ptr<const Self> self, const noise::Secret& psk, std::optional<IdentityKey> wanted,
            base::WallTime now, std::uint8_t major = supported_majors.front());

  /// Takes what the peer sent and says how many bytes of it belong to the handshake; what is left belongs to the
  /// channel. Everything is swallowed after a failure.
  std::size_t receive(std::string_view bytes);

 private:
  void read_message_2(ByteView message);

  std::optional<IdentityKey> m_wanted;
  std::uint8_t m_major;
  noise::HandshakeState m_state;
};

/// The side that was dialled.
class Responder final : public Handshake {
 public:
  /// `guard` outlives it.
  Responder(std::shared_ptr<const Self> self, std::shared_ptr<const AcceptedKeys> keys, ReplayGuard& guard);

  /// As Initiator::receive. `now` is compared with message 1's time if `under_load`.
  std::size_t receive(std::string_view bytes, base::WallTime now, bool under_load);
  /// Whether message 1 has shown that the caller holds a key of ours: before, it is anybody.
  [[nodiscard]] bool is_proven() const { return m_state.has_value(); }

 private:
  void read_message_1(ByteView message, base::WallTime now, bool under_load);
  [[nodiscard]] bool open_message_1(ByteView message, std::span<std::uint8_t, hello_bytes> payload);
  [[nodiscard]] Failure judge(const Hello& hello, base::WallTime now, bool under_load);
  void read_message_3(ByteView message);

  std::shared_ptr<const AcceptedKeys> m_keys;
  ReplayGuard& m_guard;
  std::optional<noise::HandshakeState> m_state;
  Outcome m_agreed;
  VersionRange m_offered;
  bool m_has_sent = false;
};

}  // namespace ghoard::channel
