// Addresses that swallow every SYN, as a firewall that drops does: listeners on loopback whose queue is full and from
// which nobody accepts. Prints them on one line as bootstrap peers, with ids that nobody has, and stays until it is
// killed.
//
//   black_holes COUNT

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <sodium.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "core/peer/peer_id.hpp"

namespace {

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "black_holes: cannot %s\n", what);
  std::exit(1);
}

/// A queue of length 0 holds one connection; of the others only the SYN is sent.
constexpr int callers = 3;

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// The port of a full listener, which stays open with those that wait for it.
unsigned open_hole() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback();
  socklen_t size = sizeof address;
  sockaddr* const plain = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, plain, size) != 0 || ::listen(listener, 0) != 0 ||
      ::getsockname(listener, plain, &size) != 0) {
    give_up("listen");
  }
  for (int i = 0; i < callers; ++i) {
    const int caller = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (caller < 0 || (::connect(caller, plain, size) != 0 && errno != EINPROGRESS)) {
      give_up("connect");
    }
  }
  return ntohs(address.sin_port);
}

std::string nobody() {
  ghoard::peer::PeerId id;
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_keypair(id.key.data(), secret.data());
  return id.text();
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 2 ? std::atoi(argv[1]) : 0;
  if (count < 1 || sodium_init() < 0) {
    give_up("open so few");
  }
  for (int i = 0; i < count; ++i) {
    std::printf("%s/ip4/127.0.0.1/tcp/%u/p2p/%s", i == 0 ? "" : ",", open_hole(), nobody().c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
  for (;;) {
    ::pause();
  }
}
