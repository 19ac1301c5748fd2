#include "cli/api/repository.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <stdlib.h>

#include "cli/api/git_directory.hpp"

using namespace ghoard;
using api::Repository;
namespace fs = std::filesystem;

namespace {

const Repository up{"github.com", "Up", "stream"};

std::string choice(std::string_view config, const std::vector<std::string>& hosts = {"github.com"}) {
  const auto repository = api::choose_repository(api::git_remotes(api::parse_git_config(config)), hosts);
  return repository ? repository->owner + "/" + repository->name : "error: " + repository.error().message;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = "/tmp/ghoard-git-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    m_path = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  void write(const std::string& name, std::string_view text) const {
    fs::create_directories((m_path / name).parent_path());
    std::ofstream(m_path / name) << text;
  }
  [[nodiscard]] const fs::path& path() const { return m_path; }

 private:
  fs::path m_path;
};

std::optional<std::string> no_environment(const std::string&) {
  return std::nullopt;
}

}  // namespace

TEST_CASE("remotes are understood in every form git takes") {
  for (const char* url :
       {"https://github.com/Up/stream", "https://github.com/Up/stream.git", "https://user:pw@github.com/Up/stream.git/",
        "git@github.com:Up/stream.git", "github.com:Up/stream", "ssh://git@github.com/Up/stream.git",
        "ssh://git@ssh.github.com:443/Up/stream.git", "git://github.com/Up/stream",
        "git+ssh://git@github.com/Up/stream", "https://www.github.com/Up/stream", "git@GitHub.com:/Up/stream"}) {
    CHECK_MESSAGE(api::repository_of_remote(url) == up, url);
  }
  for (const char* url : {"/srv/git/x.git", "../x", "file:///srv/x/y", "https://github.com/onlyone",
                          "https://github.com/a/b/c", "", ":", "https://"}) {
    CHECK_MESSAGE(!api::repository_of_remote(url), url);
  }
}

TEST_CASE("GH_REPO takes a host or leaves it out") {
  CHECK(api::parse_repository("a/b", "github.com") == Repository{"github.com", "a", "b"});
  CHECK(api::parse_repository("h.example/a/b", "github.com") == Repository{"h.example", "a", "b"});
  CHECK(api::parse_repository("https://github.com/a/b", "x") == Repository{"github.com", "a", "b"});
  for (const char* text : {"a", "a/", "/b", "a/b/c/d", ""}) {
    const auto wrong = api::parse_repository(text, "github.com");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().message == "expected the \"[HOST/]OWNER/REPO\" format, got \"" + std::string(text) + "\"");
  }
}

TEST_CASE("git's configuration is read with its quotes, comments and continued lines") {
  const auto remotes = api::git_remotes(api::parse_git_config(R"(# comment
[core]
	bare = false ; x
[remote "a\"b"] url = "https://github.com/x/y" # why
	fetch = +refs/heads/*:refs/remotes/a/*
[Remote "second"]
	URL = https://github.com/\
p/q
	url = https://github.com/later/one
	gh-resolved = base
[branch "main"]
	url = https://github.com/not/this
)"));
  REQUIRE(remotes.size() == 2);
  CHECK(remotes[0].name == "a\"b");
  CHECK(remotes[0].url == "https://github.com/x/y");
  CHECK(remotes[1].url == "https://github.com/p/q");
}

TEST_CASE("damaged configuration ends quietly") {
  for (const char* text : {"[", "[remote \"", "[remote \"a", "[remote \"a\"", "[remote \"a\"]\nurl", "=", "[]", "[\"",
                           "[]=", "[remote \"a\"]\nurl = \"x\\"}) {
    CHECK(api::git_remotes(api::parse_git_config(text)).size() <= 1);
  }
}

TEST_CASE("the remote is the one gh would take") {
  CHECK(choice(R"([remote "x"] url = https://github.com/a/x
[remote "origin"] url = https://github.com/a/origin
[remote "upstream"] url = https://github.com/a/upstream
[remote "github"] url = https://github.com/a/github)") == "a/upstream");
  CHECK(choice(R"([remote "origin"] url = https://github.com/a/o
gh-resolved = base
[remote "upstream"] url = https://github.com/a/u)") == "a/u");
  CHECK(choice(R"([remote "first"] url = https://github.com/a/1
[remote "second"] url = https://github.com/a/2)") == "a/1");
  CHECK(choice(R"([remote "upstream"] url = https://gitlab.com/a/l
[remote "origin"] url = https://github.com/a/o)") == "a/o");
  CHECK(choice("") == "error: no git remotes found");
  CHECK(
      choice("[remote \"o\"] url = https://gitlab.com/a/b") ==
      "error: none of the git remotes configured for this repository point to a known GitHub host. To tell gh about a "
      "new GitHub host, please use `gh auth login`");
}

TEST_CASE("a URL is rewritten by the longest insteadOf it starts with") {
  const auto settings = api::parse_git_config(R"([url "https://github.com/"]
	insteadOf = gh:
	insteadof = "work:"
[URL "git@github.com:acme/"] INSTEADOF = gh:acme/
[url "https://nowhere/"] insteadOf =
[url "https://pushed/"] pushInsteadOf = gh:acme/widgets)");
  CHECK(api::rewritten_url("gh:other/x", settings) == "https://github.com/other/x");
  CHECK(api::rewritten_url("work:a/b", settings) == "https://github.com/a/b");
  CHECK(api::rewritten_url("gh:acme/widgets", settings) == "git@github.com:acme/widgets");
  CHECK(api::rewritten_url("https://github.com/a/b", settings) == "https://github.com/a/b");
  CHECK(api::rewritten_url("", settings).empty());
}

TEST_CASE("the user's own git configuration lies where git looks for it") {
  using Paths = std::vector<fs::path>;
  const auto files = [](std::vector<std::pair<std::string, std::string>> values) {
    return api::user_git_configs([values = std::move(values)](const std::string& name) {
      for (const auto& [key, value] : values) {
        if (key == name) {
          return std::optional(value);
        }
      }
      return std::optional<std::string>();
    });
  };
  CHECK(files({}).empty());
  CHECK(files({{"HOME", "/h"}}) == Paths{"/h/.config/git/config", "/h/.gitconfig"});
  CHECK(files({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "/x"}}) == Paths{"/x/git/config", "/h/.gitconfig"});
  CHECK(files({{"HOME", "/h"}, {"GIT_CONFIG_GLOBAL", "/g"}}) == Paths{"/g"});
}

TEST_CASE("HEAD names a branch or is detached") {
  CHECK(api::branch_of_head("ref: refs/heads/feature/x\n") == "feature/x");
  CHECK_FALSE(api::branch_of_head("0123456789012345678901234567890123456789\n"));
  CHECK_FALSE(api::branch_of_head("ref: refs/heads/\n"));
  CHECK_FALSE(api::branch_of_head(""));
}

TEST_CASE("git's directory is found from below, and through a work tree's pointer") {
  const TemporaryDirectory home;
  home.write("main/.git/config", "");
  home.write("main/a/b/file", "");
  const auto plain = api::find_git_directory(home.path() / "main/a/b", no_environment);
  REQUIRE(plain.has_value());
  CHECK(fs::equivalent(plain->common, home.path() / "main/.git"));

  home.write("main/.git/worktrees/w/commondir", "../..\n");
  home.write("tree/.git", "gitdir: " + (home.path() / "main/.git/worktrees/w").string() + "\n");
  const auto tree = api::find_git_directory(home.path() / "tree", no_environment);
  REQUIRE(tree.has_value());
  CHECK(fs::equivalent(tree->own, home.path() / "main/.git/worktrees/w"));
  CHECK(fs::equivalent(tree->common, home.path() / "main/.git"));

  const auto named = api::find_git_directory(home.path(), [](const std::string& name) {
    return name == "GIT_DIR" ? std::optional<std::string>("main/.git") : std::nullopt;
  });
  REQUIRE(named.has_value());
  CHECK(fs::equivalent(named->own, home.path() / "main/.git"));
}

TEST_CASE("no repository is told as git tells it") {
  const TemporaryDirectory home;
  const auto none = api::find_git_directory(home.path(), no_environment);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message ==
        "failed to run git: fatal: not a git repository (or any of the parent directories): .git");
}
