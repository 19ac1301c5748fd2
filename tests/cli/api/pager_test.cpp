#include "cli/api/pager.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <stdlib.h>
#include <unistd.h>

using namespace ghoard;

namespace {

std::optional<std::string> command(std::map<std::string, std::string> values) {
  return api::pager_command([values = std::move(values)](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace

TEST_CASE("the pager is gh's, then everybody's") {
  CHECK(command({{"GH_PAGER", "a"}, {"PAGER", "b"}}) == "a");
  CHECK(command({{"PAGER", "b"}}) == "b");
  CHECK_FALSE(command({{"GH_PAGER", "cat"}, {"PAGER", "b"}}));
  CHECK_FALSE(command({}));
}

TEST_CASE("a pager reads all of the output, and standard output comes back after it") {
  std::string name = "/tmp/ghoard-pager-XXXXXX";
  const int file = ::mkstemp(name.data());
  REQUIRE(file >= 0);
  {
    base::Result<api::Pager> pager = api::Pager::start("sed 's/^/paged: /' > " + name);
    const ssize_t written = ::write(STDOUT_FILENO, "line\n", 5);
    pager->finish();
    CHECK(written == 5);
  }
  std::string text(100, '\0');
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  ::unlink(name.c_str());
  CHECK(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(count, 0))) == "paged: line\n");
}
