#include <array>
#include <doctest/doctest.h>
#include <string>

#include "net/server/body_stream.hpp"
#include "net/server/out_queue.hpp"

using namespace ghoard;
using server::BodyStream;
using server::OutQueue;
using State = cache::BodySource::State;

namespace {

std::string read(BodyStream& stream, std::size_t size, State expected) {
  std::string into(size, '\0');
  const cache::BodySource::Read got = stream.read(into);
  CHECK(got.state == expected);
  return into.substr(0, got.size);
}

std::string gathered(const OutQueue& queue) {
  std::array<iovec, 2> entries{};
  std::string text;
  const std::size_t count = queue.gather(entries);
  for (std::size_t i = 0; i < count; ++i) {
    text.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
  }
  return text;
}

}  // namespace

TEST_CASE("a body stream gives its bytes in order and then its end") {
  BodyStream stream;
  stream.push("abc");
  stream.push("def");
  CHECK(read(stream, 2, State::data) == "ab");
  stream.push("g");
  stream.finish(State::end);
  CHECK(read(stream, 100, State::data) == "cdefg");
  CHECK(read(stream, 100, State::end).empty());
}

TEST_CASE("a body stream wakes its reader once for each time it had to wait") {
  BodyStream stream;
  int woken = 0;
  stream.on_readable([&] { ++woken; });
  stream.push("a");
  CHECK(woken == 0);
  CHECK(read(stream, 9, State::data) == "a");
  CHECK(read(stream, 9, State::wait).empty());
  stream.push("b");
  stream.push("c");
  CHECK(woken == 1);
  CHECK(read(stream, 9, State::data) == "bc");
  CHECK(read(stream, 9, State::wait).empty());
  stream.finish(State::end);
  stream.finish(State::lost);
  CHECK(woken == 2);
  CHECK(read(stream, 9, State::end).empty());
}

TEST_CASE("a lost body is lost at once, whatever is still held") {
  BodyStream stream;
  stream.push("abc");
  stream.finish(State::lost);
  CHECK(read(stream, 9, State::lost).empty());
}

TEST_CASE("a body stream says when reading made room") {
  BodyStream stream;
  int calls = 0;
  stream.on_room([&] { ++calls; });
  stream.push("abcd");
  CHECK(stream.held() == 4);
  CHECK(read(stream, 3, State::data) == "abc");
  CHECK(stream.held() == 1);
  CHECK(calls == 1);
}

TEST_CASE("an out queue gives copied bytes, then the shared body, and counts what was sent") {
  OutQueue queue;
  CHECK(queue.empty());
  queue.append("head");
  queue.append(std::make_shared<const std::string>("0123456789"), 4);
  CHECK(queue.size() == 10);
  CHECK(gathered(queue) == "head456789");
  queue.consume(2);
  CHECK(gathered(queue) == "ad456789");
  queue.consume(4);
  CHECK(gathered(queue) == "6789");
  queue.consume(4);
  CHECK(queue.empty());
}

TEST_CASE("an out queue that is always fed and drained does not grow") {
  OutQueue queue;
  const std::string piece(50'000, 'x');
  queue.append(piece);
  for (int i = 0; i < 1000; ++i) {
    queue.append(piece);
    queue.consume(piece.size());
    REQUIRE(queue.size() == piece.size());
  }
  CHECK(gathered(queue) == piece);
}
