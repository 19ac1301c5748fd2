#include "cli/agent/status_pipe.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace ghoard::agent {

namespace {

constexpr std::size_t longest_text = 1000;

}  // namespace

StatusPipe::StatusPipe(int descriptor) : m_descriptor(descriptor) {
  if (m_descriptor.open() && ::fcntl(m_descriptor.get(), F_SETFD, FD_CLOEXEC) != 0) {
    [[maybe_unused]] const int never_opened = m_descriptor.release();
  }
}

void StatusPipe::error(std::string_view text) {
  std::string line = "error " + std::string(text.substr(0, longest_text));
  std::replace(line.begin(), line.end(), '\n', ' ');
  say(line + "\n");
}

void StatusPipe::say(std::string_view line) {
  if (m_descriptor.open()) {
    [[maybe_unused]] const ssize_t written = ::write(m_descriptor.get(), line.data(), line.size());
    m_descriptor.reset();
  }
}

}  // namespace ghoard::agent
