#pragma once

#include <string>
#include <vector>

#include "cli/link/program.hpp"

namespace ghoard::commands {

/// One thing `doctor` looked at, in plain words.
struct Check {
  std::string name;
  bool ok = true;
  std::string detail;
  std::string fix;  ///< what to do; may be empty
};

/// Looks at everything. Reads files and asks the running agent; starts nothing and asks no server.
[[nodiscard]] std::vector<Check> examine(const link::Program& program);

}  // namespace ghoard::commands
