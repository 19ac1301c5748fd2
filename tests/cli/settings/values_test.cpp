#include <doctest/doctest.h>

#include "cli/settings/settings.hpp"

using namespace ghoard;

namespace {

const settings::Setting& row(std::string_view key) {
  for (const settings::Setting& setting : settings::table()) {
    if (setting.key == key) {
      return setting;
    }
  }
  FAIL("no such setting: ", std::string(key));
  return settings::table().front();
}

std::string normal(std::string_view key, std::string_view text) {
  return settings::normalise(row(key), text).value_or("(error)");
}

}  // namespace

TEST_CASE("a duration is Go's, with days, and cuts fractions of a second off") {
  CHECK(settings::parse_duration_seconds("90s", false).value() == 90);
  CHECK(settings::parse_duration_seconds("1h30m", false).value() == 5400);
  CHECK(settings::parse_duration_seconds("1.5h", false).value() == 5400);
  CHECK(settings::parse_duration_seconds("1d", false).value() == 86400);
  CHECK(settings::parse_duration_seconds("1500ms", false).value() == 1);
  CHECK(settings::parse_duration_seconds("500us", false).value() == 0);
  CHECK(settings::parse_duration_seconds("0.1s0.9s", false).value() == 1);
  CHECK(settings::parse_duration_seconds("-5m", false).value() == -300);
  CHECK(settings::parse_duration_seconds("0", false).value() == 0);
  CHECK(settings::parse_duration_seconds("300", true).value() == 300);
}

TEST_CASE("what is no duration is refused") {
  for (const char* text : {"", "-", "5", "5x", "m", "1h ", " 1h", "1..5s", ".s", "1h30", "1e3s", "69y",
                           "99999999999999999999999999999999999999s"}) {
    CAPTURE(text);
    CHECK_FALSE(settings::parse_duration_seconds(text, false).has_value());
  }
  CHECK(settings::parse_duration_seconds("2147483647s", false).value() == 2147483647);
  CHECK_FALSE(settings::parse_duration_seconds("2147483648s", false).has_value());
  CHECK_FALSE(settings::parse_duration_seconds("12345678901", true).has_value());
}

TEST_CASE("sizes have binary and decimal units and never overflow") {
  CHECK(settings::parse_bytes("4096").value() == 4096);
  CHECK(settings::parse_bytes("512MiB").value() == 536870912);
  CHECK(settings::parse_bytes("1GB").value() == 1000000000);
  CHECK(settings::parse_bytes("2k").value() == 2048);
  CHECK(settings::parse_bytes("1 TiB").value() == 1ULL << 40);
  for (const char* text :
       {"", "MiB", "-1", "1.5GiB", "1XB", "1MiBs", "99999999999999999999", "18446744073709551615K"}) {
    CAPTURE(text);
    CHECK_FALSE(settings::parse_bytes(text).has_value());
  }
}

TEST_CASE("booleans are true, false, 1, 0, yes, no, on and off in any case") {
  for (const char* text : {"true", "1", "yes", "on", "TRUE", "On"}) {
    CHECK(normal("no_spawn", text) == "true");
  }
  for (const char* text : {"false", "0", "no", "off", "No"}) {
    CHECK(normal("no_spawn", text) == "false");
  }
  CHECK(normal("no_spawn", "maybe") == "(error)");
  CHECK(normal("no_spawn", "2") == "(error)");
}

TEST_CASE("the base URL loses its last slash, and plain http goes only to loopback") {
  CHECK(normal("api_url", "https://API.github.com/") == "https://api.github.com");
  CHECK(normal("api_url", "https://ghe.example/api/v3/") == "https://ghe.example/api/v3");
  CHECK(normal("api_url", "http://127.0.0.1:8080") == "http://127.0.0.1:8080");
  CHECK(normal("api_url", "http://localhost:8080/x") == "http://localhost:8080/x");
  for (const char* text : {"http://api.github.com", "http://127.0.0.1.example", "ftp://x", "api.github.com",
                           "https://user:pass@x", "https://x?y=z", "https://"}) {
    CAPTURE(text);
    CHECK(normal("api_url", text) == "(error)");
  }
}

TEST_CASE("lists lose their spaces and empty items, and each item is looked at") {
  CHECK(normal("allowed_hosts", " a.example , ,b.example:8443,") == "a.example,b.example:8443");
  CHECK(normal("allowed_hosts", "a.example/x") == "(error)");
  CHECK(normal("bootstrap_peers", "/ip4/10.0.0.1/tcp/9100/p2p/x") == "/ip4/10.0.0.1/tcp/9100/p2p/x");
  CHECK(normal("bootstrap_peers", "10.0.0.1:9100") == "10.0.0.1:9100");  // the agent leaves it out, and says why
}

TEST_CASE("ports, addresses, repositories and keys are looked at") {
  CHECK(normal("listen_port", "0") == "0");
  CHECK(normal("listen_port", "65535") == "65535");
  CHECK(normal("listen_port", "65536") == "(error)");
  CHECK(normal("listen_port", "-1") == "(error)");
  CHECK(normal("listen_addr", "::1") == "::1");
  CHECK(normal("listen_addr", "localhost") == "(error)");
  CHECK(normal("github_repo", "octo/cat.js") == "octo/cat.js");
  CHECK(normal("github_repo", "octo") == "(error)");
  CHECK(normal("github_repo", "octo/../x") == "(error)");
  CHECK(normal("network_key", "a,b,c,d") == "a,b,c,d");
  CHECK(normal("default_ttl", "-1s") == "(error)");
  CHECK(normal("default_ttl", "5m") == "300");
}

TEST_CASE("empty stays empty, and control characters or too much are refused") {
  for (const settings::Setting& setting : settings::table()) {
    CAPTURE(setting.key);
    CHECK(settings::normalise(setting, "  ").value() == "");
    CHECK_FALSE(settings::normalise(setting, "a\nb").has_value());
    CHECK_FALSE(settings::normalise(setting, std::string(9000, 'a')).has_value());
  }
}

TEST_CASE("every default is its own normal form") {
  for (const settings::Setting& setting : settings::table()) {
    CAPTURE(setting.key);
    CHECK(settings::normalise(setting, setting.default_value).value() == setting.default_value);
  }
}
