#pragma once

#include <cstddef>

namespace ghoard::bench {

/// What a link can at best carry on this machine: records of 32 KiB are sealed, sent over one TCP connection on
/// loopback by a thread of their own and opened by the caller's, without frames, streams, windows or bodies: every
/// buffer is used again. MB/s (10^6) of plaintext; ends the process on failure.
[[nodiscard]] double plain_sealed_stream(std::size_t bytes);

}  // namespace ghoard::bench
