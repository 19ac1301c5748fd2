#include "cli/streams/standard.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace ghoard::streams {

void take_closed_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) {
      continue;
    }
    // The wrong way round, so that reading standard input and writing the others fails. The lowest free number is this
    // one.
    const int mode = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != descriptor) {
      ::_exit(1);
    }
  }
}

}  // namespace ghoard::streams
