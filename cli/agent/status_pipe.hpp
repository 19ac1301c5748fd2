#pragma once

#include <string_view>

#include "net/server/descriptor.hpp"

namespace ghoard::agent {

/// The pipe on which whoever started the agent waits for its first and only line (ARCHITECTURE.md, "The agent's
/// record"). Without a descriptor it says nothing to nobody.
class StatusPipe {
 public:
  explicit StatusPipe(int descriptor);

  void ready() { say("ready\n"); }
  /// `text` is cut to one line of at most 1000 bytes.
  void error(std::string_view text);

 private:
  void say(std::string_view line);

  server::Descriptor m_descriptor;
};

}  // namespace ghoard::agent
