#pragma once

namespace ghoard::testing {

/// Built with a sanitizer (as the agents then are that tests start): its memory is mostly the sanitizer's own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace ghoard::testing
