#include "cli/link/program.hpp"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace ghoard::link {

namespace {

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return true;
}

}  // namespace

bool write_out(const Program& program, std::string_view bytes) {
  if (write_all(STDOUT_FILENO, bytes)) {
    return true;
  }
  if (errno != EPIPE) {
    print_error(program, std::string("standard output: ") + std::strerror(errno));
  }
  return false;
}

void print_error(const Program& program, std::string_view message, std::string_view hint) {
  // One write, so that messages of parallel commands do not mix.
  std::string text = program.name + ": ";
  text += message;
  text += '\n';
  if (!hint.empty()) {
    text += hint;
    text += '\n';
  }
  write_all(STDERR_FILENO, text);
}

}  // namespace ghoard::link
