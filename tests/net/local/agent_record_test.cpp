#include "net/local/agent_record.hpp"

#include <doctest/doctest.h>

using namespace ghoard;

namespace {
const local::AgentRecord example{42, "0.1.0", 1, "/run/user/1/ghoard/agent.sock", "https://api.github.com", "a:1,b:2"};
}

TEST_CASE("an agent's record survives writing and reading") {
  CHECK(local::parse_agent_record(local::format_agent_record(example)).value() == example);
}

TEST_CASE("lines of a newer agent are passed over, and a path may hold spaces") {
  local::AgentRecord record = example;
  record.socket = "/tmp/a b/agent.sock";
  CHECK(local::parse_agent_record("shape round\n\n" + local::format_agent_record(record) + "tail").value() == record);
}

TEST_CASE("half a record, damaged numbers and control characters are no record") {
  const std::string text = local::format_agent_record(example);
  CHECK_FALSE(local::parse_agent_record(""));
  CHECK_FALSE(local::parse_agent_record(text.substr(0, text.find("socket"))));
  for (const char* line : {"pid 0\n", "pid -1\n", "pid 99999999999\n", "pid x\n", "protocol \n", "protocol -1\n",
                           "pid 1 2\n", "version a\x01\n", "socket relative\n"}) {
    CAPTURE(line);
    CHECK_FALSE(local::parse_agent_record(text + line));
  }
  CHECK_FALSE(local::parse_agent_record(text + std::string(9000, 'x')));
}

TEST_CASE("the record says whether the agent has peers, and a word of a later version is no \"off\"") {
  const std::string base = "pid 1\nsocket /s\n";
  CHECK_FALSE(ghoard::local::parse_agent_record(base)->overlay);
  CHECK_FALSE(ghoard::local::parse_agent_record(base + "overlay off\n")->overlay);
  CHECK(ghoard::local::parse_agent_record(base + "overlay on\n")->overlay);
  CHECK(ghoard::local::parse_agent_record(base + "overlay partly\n")->overlay);
  ghoard::local::AgentRecord record = *ghoard::local::parse_agent_record(base);
  for (const bool overlay : {true, false}) {
    record.overlay = overlay;
    CHECK(ghoard::local::parse_agent_record(ghoard::local::format_agent_record(record)) == record);
  }
}
