// The handshake in both roles, fed genuine messages that were changed: nothing but an untouched exchange succeeds, and
// a side that fails says nothing. The first byte says how the bytes are cut; then come changes of four bytes each:
// which message (1 to 3), where (two bytes, past the end: cut off there), what is XORed in. Text behind a 0xff is fed
// in place of all of message 1.
// links: ghoard_net_channel ghoard_lib_sodium

#include <array>
#include <memory>
#include <sodium.h>
#include <string>
#include <vector>

#include "net/channel/handshake.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ghoard;
using namespace ghoard::channel;
using fuzz::require;

constexpr base::WallTime now{std::chrono::hours(24 * 365 * 55)};

std::shared_ptr<const Self> make_self(std::uint8_t number) {
  const noise::Secret ready = noise::Secret::zeros();
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
  seed.fill(number);
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  auto self = std::make_shared<Self>();
  crypto_sign_seed_keypair(self->identity.data(), secret.data(), seed.data());
  self->sign = [secret](ByteView message, Signature& signature) {
    return crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data()) == 0;
  };
  self->static_key = std::make_shared<const noise::KeyPair>(noise::KeyPair::from_secret(noise::Secret::copy_of(seed)));
  self->minors = {0, 2};
  return self;
}

struct World {
  std::shared_ptr<const Self> left = make_self(1);
  std::shared_ptr<const Self> right = make_self(2);
  noise::Secret psk = noise::Secret::zeros();
  std::shared_ptr<const AcceptedKeys> accepted =
      std::make_shared<const AcceptedKeys>(std::span<const noise::Secret>(&psk, 1), right->static_key);
  ReplayGuard guard;
};

/// Applies the changes meant for a message; true if it differs then.
bool change(std::string& message, int number, const std::uint8_t* changes, std::size_t size) {
  const std::string before = message;
  for (; size >= 4; changes += 4, size -= 4) {
    const std::size_t at = static_cast<std::size_t>(changes[1] << 8 | changes[2]);
    if (changes[0] % 4 != number) {
      continue;
    }
    if (at < message.size()) {
      message[at] = static_cast<char>(message[at] ^ changes[3]);
    } else if (changes[3] % 2 == 1) {
      message.resize(at % (message.size() + 1));
    }
  }
  return message != before;
}

template <class Side, class... More>
void feed(Side& side, std::string_view bytes, std::size_t step, More... more) {
  while (!bytes.empty() && !side.is_done()) {
    const std::size_t size = std::min(step, bytes.size());
    const std::size_t used = side.receive(bytes.substr(0, size), more...);
    require(used <= size, "no more is taken than was offered");
    require(used == size || side.is_done(), "only what follows the handshake is left");
    bytes.remove_prefix(size);
  }
  require(side.failure() == Failure::none || !side.has_output(), "a failure is silent");
  require(!side.is_done() || side.failure() == Failure::none, "what is done has not failed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size < 1) {
    return 0;
  }
  const std::size_t step = data[0] + std::size_t{1};
  Initiator initiator(world.left, world.psk, world.right->identity, now);
  Responder responder(world.right, world.accepted, world.guard);

  std::string message = initiator.take_output();
  require(message.size() == first_wire_bytes, "message 1 has its size");
  bool changed = change(message, 1, data + 1, size - 1);
  if (size > 1 && data[1] == 0xff) {
    message = fuzz::text_of(data + 2, size - 2);
    changed = true;
  }
  feed(responder, message, step, now, false);
  require(!responder.is_proven() || !changed, "a changed message 1 proves nothing");

  message = responder.take_output();
  changed = change(message, 2, data + 1, size - 1) || changed;
  feed(initiator, message, step);
  require(initiator.is_done() != changed, "the initiator is done when nothing was changed, and only then");

  message = initiator.take_output();
  changed = change(message, 3, data + 1, size - 1) || changed;
  feed(responder, message, step, now, false);
  require(responder.is_done() != changed, "the responder is done when nothing was changed, and only then");
  if (responder.is_done()) {
    require(initiator.take_outcome().handshake_hash == responder.take_outcome().handshake_hash, "both hold one hash");
  }
  return 0;
}
