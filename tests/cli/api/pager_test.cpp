#include "cli/api/pager.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdlib.h>
#include <unistd.h>

#include "cli/link/gh_config.hpp"

using namespace ghoard;

namespace {

settings::Environment of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

std::optional<std::string> command(std::map<std::string, std::string> values) {
  return api::pager_command(of(std::move(values)));
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
    base::Result<api::Pager> pager = api::Pager::start("sed 's/^/paged: /' > " + name, of({}));
    REQUIRE(pager.has_value());
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

TEST_CASE("gh's config.yml names a pager between GH_PAGER and PAGER") {
  std::string directory = "/tmp/ghoard-pager-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  std::ofstream(directory + "/config.yml") << "aliases:\n  pager: wrong\npager: less -S\n";
  CHECK(command({{"GH_CONFIG_DIR", directory}, {"PAGER", "b"}}) == "less -S");
  CHECK(command({{"GH_CONFIG_DIR", directory}, {"GH_PAGER", "a"}}) == "a");
  std::ofstream(directory + "/config.yml") << "pager:\neditor: vi\n";
  CHECK(command({{"GH_CONFIG_DIR", directory}, {"PAGER", "b"}}) == "b");
  std::filesystem::remove_all(directory);
}

TEST_CASE("only a scalar at the top of gh's config.yml is a setting, and damage sets nothing") {
  CHECK(link::find_gh_setting("a: 1\nb: [pager, x]\npager: 'm o'\n", "pager") == "m o");
  for (const char* text : {"", "pager", "- pager\n- x", "pager: {a: b}", "pager: [x]", "x: {pager: y}",
                           "a: pager\nb: c", "pager: \"", "[pager]: x", "\t"}) {
    CHECK_MESSAGE(!link::find_gh_setting(text, "pager"), text);
  }
}

TEST_CASE("a pager that does not exist is told before any output is in its pipe") {
  const base::Result<api::Pager> none = api::Pager::start("ghoard-no-such -R", of({}));
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message == "exec: \"ghoard-no-such\": executable file not found in $PATH");
  CHECK_FALSE(api::Pager::start("/nowhere/less", of({})).has_value());
  CHECK(api::Pager::start("X=1 cat >/dev/null", of({})).has_value());
}
