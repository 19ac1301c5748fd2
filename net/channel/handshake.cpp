#include "net/channel/handshake.hpp"

#include <algorithm>
#include <utility>

namespace ghoard::channel {

namespace {

const noise::Pattern& pattern() {
  static const noise::Pattern xx = *noise::Pattern::parse("Noise_XXpsk0_25519_ChaChaPoly_SHA256");
  return xx;
}

std::string prologue_of(std::uint8_t major) {
  return "ghoard-noise/" + std::to_string(major);
}

noise::HandshakeState begin(noise::Role role, const noise::Secret& psk, std::uint8_t major,
                            const std::shared_ptr<const noise::KeyPair>& static_key) {
  noise::HandshakeKeys keys;
  keys.local_static = static_key;
  keys.psks.push_back(psk.clone());
  const std::string prologue = prologue_of(major);
  return noise::HandshakeState(pattern(), role, noise::view_of(prologue), std::move(keys));
}

void put_length(std::array<std::uint8_t, later_wire_bytes>& record, std::size_t wire_bytes) {
  record[0] = static_cast<std::uint8_t>((wire_bytes - length_bytes) >> 8);
  record[1] = static_cast<std::uint8_t>(wire_bytes - length_bytes);
}

/// Writes what is left of a message whose tokens took `keys` bytes; false if it does not come out at its fixed size.
bool write_rest(noise::HandshakeState& state, ByteView payload, ByteSpan message, std::size_t keys) {
  return state.write_payload(payload, message.subspan(keys)) == message.size() - keys;
}

}  // namespace

std::string_view name_of(Failure failure) {
  switch (failure) {
    case Failure::none: return "none";
    case Failure::wrong_length: return "wrong length";
    case Failure::no_key_matches: return "no network key matches";
    case Failure::malformed: return "malformed";
    case Failure::replayed: return "replayed";
    case Failure::stale: return "stale";
    case Failure::not_for_us: return "meant for another peer";
    case Failure::no_common_version: return "no common version";
    case Failure::changed_versions: return "versions changed on their way";
    case Failure::not_authentic: return "not authentic";
    case Failure::low_order: return "a key of low order";
    case Failure::self: return "this is ourselves";
    case Failure::unexpected_peer: return "another peer than the wanted one";
    case Failure::denied: return "denied";
    case Failure::bad_signature: return "bad signature";
    case Failure::cannot_sign: return "cannot sign";
  }
  return "unknown";
}

AcceptedKeys::AcceptedKeys(std::span<const noise::Secret> psks, const std::shared_ptr<const noise::KeyPair>& static_key,
                           std::span<const std::uint8_t> majors) {
  constexpr std::size_t max_majors = 2;
  for (const std::uint8_t major : majors.first(std::min(majors.size(), max_majors))) {
    for (std::size_t i = 0; i < std::min(psks.size(), max_psks); ++i) {
      m_prepared.push_back({begin(noise::Role::responder, psks[i], major, static_key), i, major});
    }
  }
}

// ---- both sides ---------------------------------------------------------------------------------

std::size_t Handshake::collect(std::string_view bytes, std::size_t wire_bytes) {
  const std::size_t size = std::min(bytes.size(), wire_bytes - m_collected);
  std::copy_n(noise::view_of(bytes).begin(), size, m_record.begin() + static_cast<std::ptrdiff_t>(m_collected));
  m_collected += size;
  if (m_collected >= length_bytes &&
      static_cast<std::size_t>(m_record[0] << 8 | m_record[1]) != wire_bytes - length_bytes) {
    fail(Failure::wrong_length);
  }
  return size;
}

ByteView Handshake::collected(std::size_t wire_bytes) const {
  if (m_collected < wire_bytes || is_over()) {
    return {};
  }
  return ByteView(m_record).first(wire_bytes).subspan(length_bytes);
}

void Handshake::fail(Failure failure) {
  m_failure = failure;
  m_output.clear();
}

bool Handshake::write_introduction(noise::HandshakeState& state, noise::Role role, std::size_t payload_bytes) {
  std::array<std::uint8_t, later_wire_bytes> record;
  put_length(record, record.size());
  const ByteSpan message = ByteSpan(record).subspan(length_bytes);
  const auto keys = state.write_tokens(message);
  if (!keys) {
    fail(keys.error() == noise::Fault::low_order ? Failure::low_order : Failure::not_authentic);
    return false;
  }
  Introduction introduction{m_self->identity, {}, m_self->minors, m_self->software};
  const SignedBytes signing = signed_bytes(role, state.handshake_hash(), m_self->static_key->public_key);
  if (!m_self->sign(signing, introduction.signature)) {
    fail(Failure::cannot_sign);
    return false;
  }
  std::array<std::uint8_t, initiator_introduction_bytes> payload;
  introduction.encode(ByteSpan(payload).first(payload_bytes));
  if (!write_rest(state, ByteView(payload).first(payload_bytes), message, *keys)) {
    fail(Failure::malformed);
    return false;
  }
  m_output.assign(noise::text_of(record));
  return true;
}

std::optional<Introduction> Handshake::read_introduction(noise::HandshakeState& state, noise::Role sender,
                                                         ByteView message, const std::optional<IdentityKey>& wanted) {
  const auto refuse = [this](Failure failure) {
    fail(failure);
    return std::optional<Introduction>();
  };
  const auto keys = state.read_tokens(message);
  if (!keys) {
    return refuse(keys.error() == noise::Fault::low_order ? Failure::low_order : Failure::not_authentic);
  }
  const noise::Hash hash = state.handshake_hash();
  std::array<std::uint8_t, later_wire_bytes> payload;
  const auto size = state.read_payload(message.subspan(*keys), payload);
  if (!size) {
    return refuse(Failure::not_authentic);
  }
  std::optional<Introduction> peer = Introduction::decode(ByteView(payload).first(*size));
  if (!peer) {
    return refuse(Failure::malformed);
  }
  if (peer->identity == m_self->identity) {
    return refuse(Failure::self);
  }
  if (wanted && peer->identity != *wanted) {
    return refuse(Failure::unexpected_peer);
  }
  if (m_self->admit && !m_self->admit(peer->identity)) {
    return refuse(Failure::denied);
  }
  if (!is_signed_by(peer->identity, signed_bytes(sender, hash, *state.remote_static()), peer->signature)) {
    return refuse(Failure::bad_signature);
  }
  return peer;
}

void Handshake::succeed(noise::HandshakeState& state, Outcome outcome, const Introduction& peer) {
  outcome.self = m_self->identity;
  outcome.peer = peer.identity;
  outcome.peer_software = peer.software;
  outcome.handshake_hash = state.handshake_hash();
  outcome.transport = state.split();
  m_outcome = std::make_unique<Outcome>(std::move(outcome));
}

// ---- the initiator ------------------------------------------------------------------------------

Initiator::Initiator(std::shared_ptr<const Self> self, const noise::Secret& psk, std::optional<IdentityKey> wanted,
                     base::WallTime now, std::uint8_t major)
    : Handshake(std::move(self)),
      m_wanted(wanted),
      m_major(major),
      m_state(begin(noise::Role::initiator, psk, major, m_self->static_key)) {
  std::array<std::uint8_t, later_wire_bytes> record;
  put_length(record, first_wire_bytes);
  const ByteSpan message = ByteSpan(record).first(first_wire_bytes).subspan(length_bytes);
  const auto keys = m_state.write_tokens(message);
  const Hello hello{now, m_self->minors, hint_of(m_wanted)};
  if (!keys || !write_rest(m_state, hello.encode(), message, *keys)) {
    fail(Failure::malformed);
    return;
  }
  m_output.assign(noise::text_of(ByteView(record).first(first_wire_bytes)));
}

std::size_t Initiator::receive(std::string_view bytes) {
  if (is_done()) {
    return 0;
  }
  if (is_over()) {
    return bytes.size();
  }
  const std::size_t used = collect(bytes, later_wire_bytes);
  if (const ByteView message = collected(later_wire_bytes); !message.empty()) {
    read_message_2(message);
  }
  return failure() == Failure::none ? used : bytes.size();
}

void Initiator::read_message_2(ByteView message) {
  const std::optional<Introduction> peer = read_introduction(m_state, noise::Role::responder, message, m_wanted);
  if (!peer) {
    return;
  }
  const std::optional<std::uint16_t> minor = m_self->minors.highest_common(peer->minors);
  if (!minor) {
    fail(Failure::no_common_version);
    return;
  }
  if (!write_introduction(m_state, noise::Role::initiator, initiator_introduction_bytes)) {
    return;
  }
  Outcome outcome;
  outcome.role = noise::Role::initiator;
  outcome.major = m_major;
  outcome.minor = *minor;
  succeed(m_state, std::move(outcome), *peer);
}

// ---- the responder ------------------------------------------------------------------------------

Responder::Responder(std::shared_ptr<const Self> self, std::shared_ptr<const AcceptedKeys> keys, ReplayGuard& guard)
    : Handshake(std::move(self)), m_keys(std::move(keys)), m_guard(guard) {}

std::size_t Responder::receive(std::string_view bytes, base::WallTime now, bool under_load) {
  if (is_done()) {
    return 0;
  }
  std::size_t used = 0;
  if (!is_over() && !m_has_sent) {
    used = collect(bytes, first_wire_bytes);
    if (const ByteView message = collected(first_wire_bytes); !message.empty()) {
      read_message_1(message, now, under_load);
      forget_collected();
    }
  }
  if (!is_over() && m_has_sent) {
    used += collect(bytes.substr(used), later_wire_bytes);
    if (const ByteView message = collected(later_wire_bytes); !message.empty()) {
      read_message_3(message);
    }
  }
  return failure() == Failure::none ? used : bytes.size();
}

void Responder::read_message_1(ByteView message, base::WallTime now, bool under_load) {
  std::array<std::uint8_t, hello_bytes> payload;
  if (!open_message_1(message, payload)) {
    fail(Failure::no_key_matches);
    return;
  }
  const std::optional<Hello> hello = Hello::decode(payload);
  const Failure verdict = hello ? judge(*hello, now, under_load) : Failure::malformed;
  if (verdict != Failure::none) {
    fail(verdict);
    return;
  }
  m_offered = hello->minors;
  m_has_sent = write_introduction(*m_state, noise::Role::responder, responder_introduction_bytes);
}

bool Responder::open_message_1(ByteView message, std::span<std::uint8_t, hello_bytes> payload) {
  for (const AcceptedKeys::Prepared& prepared : m_keys->prepared()) {
    std::optional<noise::HandshakeState> state = prepared.state.clone();
    const auto keys = state->read_tokens(message);
    if (keys && state->read_payload(message.subspan(*keys), payload) == payload.size()) {
      m_state = std::move(state);
      m_agreed.psk_index = prepared.psk_index;
      m_agreed.major = prepared.major;
      return true;
    }
  }
  return false;
}

Failure Responder::judge(const Hello& hello, base::WallTime now, bool under_load) {
  if (under_load) {
    // Compared so that no subtraction can overflow whatever the peer wrote.
    if (hello.time > now + max_skew_under_load || hello.time < now - max_skew_under_load) {
      return Failure::stale;
    }
  }
  if (hello.hint != TargetHint{} && hello.hint != hint_of(m_self->identity)) {
    return Failure::not_for_us;
  }
  const std::optional<std::uint16_t> minor = m_self->minors.highest_common(hello.minors);
  if (!minor) {
    return Failure::no_common_version;
  }
  m_agreed.minor = *minor;
  return m_guard.admit(*m_state->remote_ephemeral()) ? Failure::none : Failure::replayed;
}

void Responder::read_message_3(ByteView message) {
  const std::optional<Introduction> peer = read_introduction(*m_state, noise::Role::initiator, message, std::nullopt);
  if (!peer) {
    return;
  }
  if (peer->minors != m_offered) {
    fail(Failure::changed_versions);
    return;
  }
  m_agreed.role = noise::Role::responder;
  succeed(*m_state, std::move(m_agreed), *peer);
}

}  // namespace ghoard::channel
