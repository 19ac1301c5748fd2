#include "net/noise/handshake_state.hpp"

#include <algorithm>
#include <sodium.h>

namespace ghoard::noise {

HandshakeState::HandshakeState(const Pattern& pattern, Role role, ByteView prologue, HandshakeKeys keys)
    : m_pattern(std::make_shared<const Pattern>(pattern)),
      m_role(role),
      m_symmetric(pattern.protocol_name()),
      m_static(std::move(keys.local_static)),
      m_psks(std::move(keys.psks)),
      m_ephemeral(std::move(keys.ephemeral)) {
  m_symmetric.mix_hash(prologue);
  if (m_pattern->tokens(0).front() == Token::psk) {
    mix_psk();
    m_done_tokens = 1;
  }
}

HandshakeState::HandshakeState(const HandshakeState& other, SymmetricState symmetric)
    : m_pattern(other.m_pattern),
      m_role(other.m_role),
      m_symmetric(std::move(symmetric)),
      m_static(other.m_static),
      m_done_tokens(other.m_done_tokens) {
  for (std::size_t i = other.m_next_psk; i < other.m_psks.size(); ++i) {
    m_psks.push_back(other.m_psks[i].clone());
  }
}

std::optional<HandshakeState> HandshakeState::clone() const {
  if (!m_is_untouched || m_ephemeral) {
    return std::nullopt;
  }
  return HandshakeState(*this, m_symmetric.clone());
}

bool HandshakeState::may(Step step, bool writing) const {
  const bool our_turn = (m_message % 2 == 0) == (m_role == Role::initiator);
  return !is_finished() && m_step == step && our_turn == writing;
}

tl::unexpected<Fault> HandshakeState::fail(Fault fault) {
  m_step = Step::failed;
  return tl::unexpected<Fault>(fault);
}

void HandshakeState::end_turn() {
  ++m_message;
  m_done_tokens = 0;
  m_step = Step::tokens;
}

tl::expected<std::size_t, Fault> HandshakeState::write_tokens(ByteSpan out) {
  if (!may(Step::tokens, true)) {
    return fail(Fault::wrong_turn);
  }
  m_is_untouched = false;
  const std::size_t room = out.size();
  for (const Token token : m_pattern->tokens(m_message).subspan(m_done_tokens)) {
    if (const std::optional<Fault> fault = write_token(token, out)) {
      return fail(*fault);
    }
  }
  m_step = Step::payload;
  return room - out.size();
}

tl::expected<std::size_t, Fault> HandshakeState::write_payload(ByteView payload, ByteSpan out) {
  if (!may(Step::payload, true)) {
    return fail(Fault::wrong_turn);
  }
  const std::size_t size = payload.size() + m_symmetric.overhead();
  if (out.size() < size) {
    return fail(Fault::short_message);
  }
  if (!m_symmetric.encrypt_and_hash(payload, out.data())) {
    return fail(Fault::exhausted);
  }
  end_turn();
  return size;
}

tl::expected<std::size_t, Fault> HandshakeState::read_tokens(ByteView message) {
  if (!may(Step::tokens, false)) {
    return fail(Fault::wrong_turn);
  }
  m_is_untouched = false;
  const std::size_t all = message.size();
  for (const Token token : m_pattern->tokens(m_message).subspan(m_done_tokens)) {
    if (const std::optional<Fault> fault = read_token(token, message)) {
      return fail(*fault);
    }
  }
  m_step = Step::payload;
  return all - message.size();
}

tl::expected<std::size_t, Fault> HandshakeState::read_payload(ByteView sealed, ByteSpan out) {
  if (!may(Step::payload, false)) {
    return fail(Fault::wrong_turn);
  }
  if (sealed.size() < m_symmetric.overhead() || out.size() < sealed.size() - m_symmetric.overhead()) {
    return fail(Fault::short_message);
  }
  const std::size_t size = sealed.size() - m_symmetric.overhead();
  if (!m_symmetric.decrypt_and_hash(sealed, out.data())) {
    return fail(Fault::not_authentic);
  }
  end_turn();
  return size;
}

std::optional<Fault> HandshakeState::write_token(Token token, ByteSpan& out) {
  switch (token) {
    case Token::e:
      if (out.size() < dh_bytes) {
        return Fault::short_message;
      }
      if (!m_ephemeral) {
        m_ephemeral = KeyPair::generate();
      }
      std::copy(m_ephemeral->public_key.begin(), m_ephemeral->public_key.end(), out.begin());
      out = out.subspan(dh_bytes);
      mix_ephemeral(m_ephemeral->public_key);
      return std::nullopt;
    case Token::s: {
      const std::size_t size = dh_bytes + m_symmetric.overhead();
      if (out.size() < size) {
        return Fault::short_message;
      }
      if (!m_symmetric.encrypt_and_hash(m_static->public_key, out.data())) {
        return Fault::exhausted;
      }
      out = out.subspan(size);
      return std::nullopt;
    }
    case Token::ee:
    case Token::es:
    case Token::se:
    case Token::psk: return mix_shared(token);
  }
  return Fault::wrong_turn;
}

std::optional<Fault> HandshakeState::read_token(Token token, ByteView& message) {
  switch (token) {
    case Token::e: {
      if (message.size() < dh_bytes) {
        return Fault::short_message;
      }
      PublicKey& key = m_remote_ephemeral.emplace();
      std::copy_n(message.begin(), dh_bytes, key.begin());
      message = message.subspan(dh_bytes);
      mix_ephemeral(key);
      return std::nullopt;
    }
    case Token::s: {
      const std::size_t size = dh_bytes + m_symmetric.overhead();
      if (message.size() < size) {
        return Fault::short_message;
      }
      PublicKey key{};
      if (!m_symmetric.decrypt_and_hash(message.first(size), key.data())) {
        return Fault::not_authentic;
      }
      m_remote_static = key;
      message = message.subspan(size);
      return std::nullopt;
    }
    case Token::ee:
    case Token::es:
    case Token::se:
    case Token::psk: return mix_shared(token);
  }
  return Fault::wrong_turn;
}

std::optional<Fault> HandshakeState::mix_shared(Token token) {
  const bool is_initiator = m_role == Role::initiator;
  switch (token) {
    case Token::ee: return mix_dh(*m_ephemeral, m_remote_ephemeral);
    case Token::es: return is_initiator ? mix_dh(*m_ephemeral, m_remote_static) : mix_dh(*m_static, m_remote_ephemeral);
    case Token::se: return is_initiator ? mix_dh(*m_static, m_remote_ephemeral) : mix_dh(*m_ephemeral, m_remote_static);
    case Token::psk: mix_psk(); return std::nullopt;
    case Token::e:
    case Token::s: break;
  }
  return Fault::wrong_turn;
}

std::optional<Fault> HandshakeState::mix_dh(const KeyPair& local, const std::optional<PublicKey>& remote) {
  Wiped<dh_bytes> shared;
  if (crypto_scalarmult(shared.bytes.data(), local.secret.bytes().data(), remote->data()) != 0) {
    return Fault::low_order;
  }
  m_symmetric.mix_key(shared.bytes);
  return std::nullopt;
}

void HandshakeState::mix_ephemeral(const PublicKey& key) {
  m_symmetric.mix_hash(key);
  if (m_pattern->psk_count() > 0) {
    m_symmetric.mix_key(key);
  }
}

void HandshakeState::mix_psk() {
  Secret& psk = m_psks[m_next_psk++];
  m_symmetric.mix_key_and_hash(psk.bytes());
  psk.wipe();
}

HandshakeState::Transport HandshakeState::split() const {
  auto [first, second] = m_symmetric.split();
  if (m_role == Role::initiator) {
    return {std::move(first), std::move(second)};
  }
  return {std::move(second), std::move(first)};
}

}  // namespace ghoard::noise
