#pragma once

#include <cstdlib>
#include <doctest/doctest.h>
#include <string>

namespace ghoard::testing {

/// Whether a test that needs `what` may run. Without it the test is skipped loudly; where `./dev test` has installed
/// everything (GHOARD_TEST_TOOLS=all), its absence fails, so that no test can vanish unnoticed.
inline bool have_tool(bool found, const std::string& what) {
  if (found) {
    return true;
  }
  const char* wanted = std::getenv("GHOARD_TEST_TOOLS");
  REQUIRE_MESSAGE((wanted == nullptr || std::string(wanted) != "all"), what, " is not installed");
  MESSAGE("SKIPPED: ", what, " is not installed");
  return false;
}

}  // namespace ghoard::testing
