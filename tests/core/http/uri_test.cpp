#include "core/http/uri.hpp"

#include <doctest/doctest.h>

using namespace ghoard;
using namespace ghoard::http;

namespace {

std::string shown(const base::Result<Url>& url) {
  return url ? url->origin.url() + " " + url->target : "error";
}

std::string resolved(std::string_view base, std::string_view location) {
  return shown(resolve(parse_url(base).value(), location));
}

std::string authority(std::string_view text, std::string_view scheme = "https") {
  const base::Result<Origin> origin = parse_authority(text, scheme);
  return origin ? origin->url() : "error";
}

}  // namespace

TEST_CASE("an absolute URL comes apart") {
  CHECK(shown(parse_url("https://API.github.com/user?x=1")) == "https://api.github.com /user?x=1");
  CHECK(shown(parse_url("HTTP://127.0.0.1:8080")) == "http://127.0.0.1:8080 /");
  CHECK(shown(parse_url("https://[::1]:9/a")) == "https://[::1]:9 /a");
  CHECK(shown(parse_url("https://h:443?q")) == "https://h /?q");
  CHECK(shown(parse_url("https://h/a?b#c?d/e")) == "https://h /a?b");
  CHECK(shown(parse_url("https://h#x@y/z")) == "https://h /");
}

TEST_CASE("characters that may not stand raw are encoded, escapes stay") {
  CHECK(shown(parse_url("https://h/a b\xC3\xA9%20%zz|{}")) == "https://h /a%20b%C3%A9%20%zz%7C%7B%7D");
  CHECK(encode_target("/a#b\\c\"<>^`") == "/a%23b%5Cc%22%3C%3E%5E%60");
  CHECK(encode_target(encode_target("/a b#%")) == encode_target("/a b#%"));
}

TEST_CASE("what is no http URL is refused") {
  for (const char* text : {"",
                           "h",
                           "/a",
                           "ftp://h/",
                           "https:/h",
                           "https://",
                           "https:///a",
                           "https://u@h/",
                           "https://u:p@h/",
                           "https://h:",
                           "https://h:0",
                           "https://h:65536",
                           "https://h:8a",
                           "https://h:+1",
                           "https://h h/",
                           "https://h..x/",
                           "https://.h/",
                           "https://h./",
                           "https://[::1",
                           "https://[::1]x/",
                           "https://[x]/",
                           "https://[]/",
                           "https://a%41/",
                           "https://h/\n",
                           "https://h/\x7f",
                           "https://\xC3\xA9.example/",
                           "javascript:alert(1)"}) {
    CAPTURE(text);
    const base::Result<Url> url = parse_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().code == base::ErrorCode::invalid_input);
  }
  CHECK(parse_url("https://h/" + std::string(70'000, 'a')).error().code == base::ErrorCode::too_large);
}

TEST_CASE("a backslash never moves the end of the host") {
  CHECK(shown(parse_url("https://h\\@evil/")) == "https://h /%5C@evil/");
}

TEST_CASE("an authority is a host with or without a port") {
  CHECK(authority("api.GitHub.com") == "https://api.github.com");
  CHECK(authority("h:443") == "https://h");
  CHECK(authority("h:80", "http") == "http://h");
  CHECK(authority("h:80") == "https://h:80");
  CHECK(authority("[2001:DB8::1]:1") == "https://[2001:db8::1]:1");
  CHECK(authority("h", "ftp") == "error");
  CHECK(authority("h/x") == "error");
  CHECK(authority("u@h") == "error");
  CHECK(authority(std::string(254, 'a')) == "error");
}

TEST_CASE("IPv6 literals are held against RFC 4291") {
  for (const char* text :
       {"[::]", "[::1]", "[1:2:3:4:5:6:7:8]", "[1::8]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]"}) {
    CAPTURE(text);
    CHECK(authority(text) != "error");
  }
  for (const char* text :
       {"[:]", "[:::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[12345::]", "[1:2:3:4:5:6:7::8]",
        "[::1.2.3.256]", "[::1.2.3]", "[1.2.3.4::]", "[fe80::1%25eth0]", "[1:]"}) {
    CAPTURE(text);
    CHECK(authority(text) == "error");
  }
}

TEST_CASE("the examples of RFC 3986 section 5.4 resolve") {
  const std::string base = "http://a/b/c/d;p?q";
  const std::pair<const char*, const char*> cases[] = {{"g", "/b/c/g"},
                                                       {"./g", "/b/c/g"},
                                                       {"g/", "/b/c/g/"},
                                                       {"/g", "/g"},
                                                       {"?y", "/b/c/d;p?y"},
                                                       {"g?y", "/b/c/g?y"},
                                                       {"#s", "/b/c/d;p?q"},
                                                       {"g#s", "/b/c/g"},
                                                       {"g?y#s", "/b/c/g?y"},
                                                       {";x", "/b/c/;x"},
                                                       {"g;x", "/b/c/g;x"},
                                                       {"", "/b/c/d;p?q"},
                                                       {".", "/b/c/"},
                                                       {"./", "/b/c/"},
                                                       {"..", "/b/"},
                                                       {"../", "/b/"},
                                                       {"../g", "/b/g"},
                                                       {"../..", "/"},
                                                       {"../../", "/"},
                                                       {"../../g", "/g"},
                                                       {"../../../g", "/g"},
                                                       {"/./g", "/g"},
                                                       {"/../g", "/g"},
                                                       {"g.", "/b/c/g."},
                                                       {".g", "/b/c/.g"},
                                                       {"g..", "/b/c/g.."},
                                                       {"..g", "/b/c/..g"},
                                                       {"./../g", "/b/g"},
                                                       {"./g/.", "/b/c/g/"},
                                                       {"g/./h", "/b/c/g/h"},
                                                       {"g/../h", "/b/c/h"},
                                                       {"g;x=1/./y", "/b/c/g;x=1/y"},
                                                       {"g?y/./x", "/b/c/g?y/./x"},
                                                       {"g?y/../x", "/b/c/g?y/../x"}};
  for (const auto& [reference, target] : cases) {
    CAPTURE(reference);
    CHECK(resolved(base, reference) == "http://a " + std::string(target));
  }
  CHECK(resolved(base, "//g") == "http://g /");
  CHECK(resolved(base, "https://x/../y") == "https://x /y");
}

TEST_CASE("a location with another scheme or hidden characters is refused") {
  for (const char* location : {"ftp://x/", "javascript:x", "http:g", "//", "a\nb", "//u@h/"}) {
    CAPTURE(location);
    CHECK(resolved("https://a/b", location) == "error");
  }
}

TEST_CASE("targets split at the first question mark") {
  CHECK(split_target("/a?b?c") == std::pair<std::string_view, std::string_view>{"/a", "b?c"});
  CHECK(split_target("/a") == std::pair<std::string_view, std::string_view>{"/a", ""});
}

TEST_CASE("components are encoded for a segment and for a form") {
  CHECK(encode_component("a b/c+~-._\xff") == "a%20b%2Fc%2B~-._%FF");
  CHECK(encode_query_component("a b/c+~") == "a+b%2Fc%2B~");
}

TEST_CASE("decoding undoes encoding and leaves malformed escapes alone") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  CHECK(decode_percent(encode_component(all)) == all);
  CHECK(decode_percent(encode_query_component(all), true) == all);
  CHECK(decode_percent("%4", false) == "%4");
  CHECK(decode_percent("%zz%", false) == "%zz%");
  CHECK(decode_percent("a+b") == "a+b");
}

TEST_CASE("a query comes apart into pairs") {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(split_query("a=1&b&c=&&=x&d=e=f") == Pairs{{"a", "1"}, {"b", ""}, {"c", ""}, {"", "x"}, {"d", "e=f"}});
  CHECK(split_query("").empty());
}
