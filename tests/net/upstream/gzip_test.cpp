#include "net/upstream/gzip.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

#include "tests/net/upstream/helpers.hpp"

namespace ghoard::upstream_test {

namespace {

using upstream::GzipDecoder;

struct Decoded {
  std::string text;
  bool broken = false;
  bool complete = false;
};

Decoded decode(std::string_view input, std::size_t piece_in, std::size_t piece_out) {
  GzipDecoder decoder;
  Decoded decoded;
  std::string buffer(piece_out, '\0');
  bool full = false;
  while (!input.empty() || full) {
    const std::string_view piece = input.substr(0, piece_in);
    const GzipDecoder::Step step = decoder.decode({piece.data(), piece.size()}, buffer);
    input.remove_prefix(step.consumed);
    decoded.text.append(buffer, 0, step.produced);
    full = step.status == GzipDecoder::Status::full;
    if (step.status == GzipDecoder::Status::broken) {
      decoded.broken = true;
      return decoded;
    }
  }
  decoded.complete = decoder.complete();
  return decoded;
}

std::string corpus(const std::string& name) {
  std::ifstream stream(std::string(GHOARD_SOURCE_DIR) + "/tests/fuzz/corpus/gzip/" + name, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string repeated(const std::string& word, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += word;
  }
  return text;
}

}  // namespace

TEST_CASE("gzip: real files decode, whatever the pieces") {
  const std::vector<std::pair<std::string, std::string>> files{
      {corpus("small"), "hello hello hello hello"},
      {corpus("members"), "first second"},
      {corpus("optional"), repeated("with every optional part ", 8)},
      {corpus("bomb"), std::string(300'000, '\0')},
      {gzip(""), ""},
  };
  for (const auto& [file, text] : files) {
    for (const std::size_t in : {1UL, 2UL, 7UL, 100'000UL}) {
      for (const std::size_t out : {1UL, 3UL, 64UL, 400'000UL}) {
        const Decoded decoded = decode(file, in, out);
        CAPTURE(in);
        CAPTURE(out);
        CHECK_FALSE(decoded.broken);
        CHECK(decoded.complete);
        CHECK((decoded.text == text));
      }
    }
  }
}

TEST_CASE("gzip: a file that ends early anywhere is not complete") {
  for (const char* name : {"small", "optional", "dynamic"}) {
    const std::string file = corpus(name);
    for (std::size_t size = 0; size < file.size(); ++size) {
      const Decoded decoded = decode(std::string_view(file).substr(0, size), 5, 64);
      CHECK_FALSE(decoded.complete);
      CHECK_FALSE(decoded.broken);
    }
  }
}

TEST_CASE("gzip: damage is noticed at the latest by the checksum") {
  const std::string file = corpus("dynamic");
  const std::string text = decode(file, 100, 100).text;
  for (std::size_t at = 0; at < file.size(); ++at) {
    if (at >= 4 && at < 10) {
      continue;  // time, compressor and system: not covered by anything
    }
    for (const int bit : {0, 3, 7}) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const Decoded decoded = decode(damaged, 64, 64);
      CAPTURE(at);
      CAPTURE(bit);
      // Some bits mean nothing: the flag for "this is text", the padding before the checksum.
      CHECK((decoded.broken || !decoded.complete || decoded.text == text));
    }
  }
}

TEST_CASE("gzip: what follows a member must be a member") {
  CHECK_FALSE(decode(corpus("small") + "x", 100, 100).complete);
  CHECK(decode(corpus("small") + "xx", 100, 100).broken);
  CHECK(decode(corpus("small") + std::string(2, '\0'), 100, 100).broken);
  CHECK(decode("<html>", 100, 100).broken);
}

}  // namespace ghoard::upstream_test
