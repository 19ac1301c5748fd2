#pragma once

#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace ghoard::testing {

/// fork(2) with nothing left in the standard streams: what doctest has not written yet, the child would write, too,
/// into whatever it has for its standard output.
inline pid_t fork_flushed() {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  return ::fork();
}

}  // namespace ghoard::testing
