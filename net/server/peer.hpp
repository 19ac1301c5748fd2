#pragma once

#include <sys/types.h>

namespace ghoard::server {

/// True when the process at the other end of a Unix socket runs under `uid` (SO_PEERCRED).
[[nodiscard]] bool peer_has_uid(int descriptor, uid_t uid);

}  // namespace ghoard::server
