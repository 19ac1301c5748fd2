#include "net/server/peer.hpp"

#include <sys/socket.h>

namespace ghoard::server {

bool peer_has_uid(int descriptor, uid_t uid) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == uid;
}

}  // namespace ghoard::server
