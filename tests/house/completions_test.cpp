// Drives the completions in real shells, and holds what they offer against the real tree of commands and settings.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <vector>

#include "tests/support/tools.hpp"

namespace fs = std::filesystem;

namespace {

using Words = std::set<std::string>;

const fs::path root = GHOARD_SOURCE_DIR;
const std::vector<std::string> shells{"bash", "zsh", "fish"};

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

struct Ran {
  int status = -1;
  std::string out;

  [[nodiscard]] Words lines() const {
    Words result;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) {
      if (!line.empty()) {
        result.insert(line);
      }
    }
    return result;
  }
};

/// A shell command with its standard output; ended after a minute, with status 124.
Ran run(const std::string& command) {
  Ran result;
  std::FILE* pipe = ::popen(("timeout 60 sh -c " + quoted(command) + " </dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    result.out.append(buffer, size);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool is_installed(const std::string& program) {
  return ghoard::testing::have_tool(run("command -v " + program).status == 0, program);
}

/// A private directory with a home and, first on PATH, a program named ghoard that answers `cache ls --json` and
/// notes how it was called.
class Bench {
 public:
  explicit Bench(const std::string& behaviour) {
    std::string name = "/tmp/ghoard-completions-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    m_directory = name;
    fs::create_directories(m_directory / "bin");
    fs::create_directories(m_directory / "config/gh");
    std::ofstream(m_directory / "config/gh/hosts.yml") << "github.com:\n    user: someone\ngithub.example.com:\n"
                                                          "    oauth_token: not-to-be-offered\n";
    std::ofstream(m_directory / "bin/ghoard") << "#!/bin/sh\n"
                                              << "echo \"$GHOARD_NO_SPAWN $*\" >>" << m_directory.string() << "/calls\n"
                                              << behaviour << "\n";
    fs::permissions(m_directory / "bin/ghoard", fs::perms::owner_all);
  }
  ~Bench() { fs::remove_all(m_directory); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] const fs::path& directory() const { return m_directory; }
  [[nodiscard]] Words calls() const { return run("cat " + (m_directory / "calls").string() + " 2>/dev/null").lines(); }

  /// What the shell offers at the end of `line`.
  [[nodiscard]] Ran complete(const std::string& shell, const std::string& line) const {
    const std::string completions = (root / "completions").string();
    const std::string drivers = (root / "tests/house/completions").string();
    const std::string home = m_directory.string();
    std::string command =
        "cd " + home + " && env -u GH_CONFIG_DIR -u BASH_ENV -u ENV -u ZDOTDIR TERM=xterm LC_ALL=C HOME=" + home +
        " XDG_CONFIG_HOME=" + home + "/config XDG_DATA_HOME=" + home + "/data PATH=" + home + "/bin:$PATH ";
    if (shell == "bash") {
      command +=
          "bash --norc --noprofile " + quoted(drivers + "/drive.bash") + " " + quoted(completions) + " " + quoted(line);
    } else if (shell == "zsh") {
      command +=
          "zsh -f " + quoted(drivers + "/drive.zsh") + " " + quoted(completions) + " " + home + " " + quoted(line);
    } else {
      command += "fish --no-config " + quoted(drivers + "/drive.fish") + " " + quoted(completions) + " " + quoted(line);
    }
    return run(command);
  }

  [[nodiscard]] Words offers(const std::string& shell, const std::string& line) const {
    const Ran ran = complete(shell, line);
    CHECK_MESSAGE(ran.status == 0, shell, ": `", line, "` ended with ", ran.status);
    Words result;
    // fish repeats "--flag=" before the value, bash and zsh do not.
    for (const std::string& word : ran.lines()) {
      const std::size_t equals = word.find('=');
      result.insert(word.starts_with("--") && equals != std::string::npos ? word.substr(equals + 1) : word);
    }
    return result;
  }

 private:
  fs::path m_directory;
};

std::string joined(const Words& words) {
  std::string result;
  for (const std::string& word : words) {
    result += word + " ";
  }
  return result;
}

Words long_flags(const Words& words) {
  Words result;
  std::copy_if(words.begin(), words.end(), std::inserter(result, result.end()),
               [](const std::string& word) { return word.starts_with("--"); });
  return result;
}

/// The first groups of all matches.
Words matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern, std::regex::ECMAScript | std::regex::multiline);
  Words result;
  for (std::sregex_iterator match(text.begin(), text.end(), expression); match != std::sregex_iterator(); ++match) {
    result.insert((*match)[1]);
  }
  return result;
}

Words setting_keys() {
  Words keys;
  for (const auto& entry : fs::directory_iterator(root / "cli/settings")) {
    if (entry.path().extension() == ".cpp") {
      keys.merge(matches(read(entry.path()), R"re(\{"([a-z_0-9]+)",\s*"GHOARD_[A-Z_0-9]+")re"));
    }
  }
  return keys;
}

const std::string nothing_stored = "echo '{\"entries\":[]}'";

}  // namespace

TEST_CASE("each shell offers the same commands, subcommands and flags") {
  const Bench bench(nothing_stored);
  for (const std::string line :
       {"ghoard ", "ghoard agent ", "ghoard cache ", "ghoard config ", "ghoard completion ", "ghoard network ",
        "ghoard peers ", "ghoard help peers ", "ghoard config get ", "ghoard gh ", "ghoard help ", "ghoard help cache ",
        "ghoard --no-spawn config ", "ghoard --", "ghoard api --", "ghoard agent --", "ghoard agent run --",
        "ghoard agent logs --", "ghoard cache ls --"}) {
    Words first;
    for (const std::string& shell : shells) {
      if (!is_installed(shell)) {
        continue;
      }
      const Words offered = bench.offers(shell, line);
      CHECK_MESSAGE(!offered.empty(), shell, " offers nothing after `", line, "`");
      const Words comparable = line.ends_with("--") ? long_flags(offered) : offered;
      first = first.empty() ? comparable : first;
      CHECK_MESSAGE(comparable == first, shell, " after `", line, "`: ", joined(comparable), "instead of ",
                    joined(first));
    }
  }
}

TEST_CASE("each shell offers the values of flags") {
  const Bench bench(nothing_stored);
  const Words durations{"30s", "1m", "5m", "15m", "1h", "1d"};
  for (const std::string& shell : shells) {
    if (!is_installed(shell)) {
      continue;
    }
    CAPTURE(shell);
    CHECK(bench.offers(shell, "ghoard api -X P") == Words{"POST", "PUT", "PATCH"});
    CHECK(bench.offers(shell, "ghoard api --method D") == Words{"DELETE"});
    CHECK(bench.offers(shell, "ghoard api --cache ") == durations);
    CHECK(bench.offers(shell, "ghoard api user --max-age ") == durations);
    CHECK(bench.offers(shell, "ghoard api --cache=1") == Words{"1m", "1h", "1d", "15m"});
    CHECK(bench.offers(shell, "ghoard api --error-body ") == Words{"stdout", "stderr"});
    CHECK(bench.offers(shell, "ghoard api --hostname ") == Words{"github.com", "github.example.com"});
    CHECK(bench.offers(shell, "ghoard cache ls --hostname ") == Words{"github.com", "github.example.com"});
    CHECK(bench.offers(shell, "ghoard agent start --enable-p2p ") == Words{"true", "false"});
    CHECK(bench.offers(shell, "ghoard agent start --enable-p2p=t") == Words{"true"});
    CHECK(bench.offers(shell, "ghoard agent start --listen-port ").empty());
    CHECK(bench.offers(shell, "ghoard config set no_spawn ") == Words{"true", "false"});
    CHECK(bench.offers(shell, "ghoard completion z") == Words{"zsh"});
  }
}

TEST_CASE("each shell fills routes with what was typed and stops at what it cannot know") {
  const Bench bench(nothing_stored);
  for (const std::string& shell : shells) {
    if (!is_installed(shell)) {
      continue;
    }
    CAPTURE(shell);
    CHECK(bench.offers(shell, "ghoard api repos/cli/cli/iss") == Words{"repos/cli/cli/issues", "repos/cli/cli/issues/",
                                                                       "repos/cli/cli/issues/comments",
                                                                       "repos/cli/cli/issues/events"});
    CHECK(bench.offers(shell, "ghoard api repos/cli/cli/pulls/7/f") == Words{"repos/cli/cli/pulls/7/files"});
    CHECK(bench.offers(shell, "ghoard api /rate") == Words{"/rate_limit"});
    CHECK(bench.offers(shell, "ghoard api -i --arg name value rate") == Words{"rate_limit"});
    CHECK(bench.offers(shell, "ghoard api --cache=1h -XGET rate") == Words{"rate_limit"});
    CHECK(bench.offers(shell, "ghoard api 'repos/{owner}/{repo}/lang").contains("repos/{owner}/{repo}/languages"));
    CHECK(bench.offers(shell, "ghoard api rep").contains("repos/{owner}/{repo}/branches/{branch}"));
    CHECK(bench.offers(shell, "ghoard api user rate").empty());
    CHECK(bench.offers(shell, "ghoard api --jq rate").empty());
  }
}

TEST_CASE("the three completions know the same routes") {
  const auto routes = [](const char* file, const std::string& quote) {
    return matches(read(root / "completions" / file), "^ +" + quote + "([a-z][^ '\"\\\\]*)" + quote + R"((?: \\)?$)");
  };
  const Words bash = routes("ghoard.bash", "\"");
  CHECK(bash.size() > 150);
  CHECK(routes("_ghoard", "'") == bash);
  CHECK(routes("ghoard.fish", "'") == bash);
}

TEST_CASE("remembered endpoints are offered, hostile ones are not, and nothing else is asked") {
  const Bench bench(R"sh(cat <<'JSON'
{"entries":[{"host":"api.github.com","path":"/repos/cli/zebra/readme","query":""},
{"host": "ghe.example.com", "path": "/api/v3/repos/cli/zenith", "query": "a=b"},
{"path":"/repos/cli/z$(touch broken)"},{"path":"/repos/cli/z`touch broken`"},{"path":"/repos/cli/z;touch broken"},
{"path":"/repos/cli/z\u001b[2J"}]}
JSON)sh");
  for (const std::string& shell : shells) {
    if (!is_installed(shell)) {
      continue;
    }
    CAPTURE(shell);
    CHECK(bench.offers(shell, "ghoard api repos/cli/z") == Words{"repos/cli/zebra/readme", "repos/cli/zenith"});
    CHECK(bench.offers(shell, "ghoard api /repos/cli/ze") == Words{"/repos/cli/zebra/readme", "/repos/cli/zenith"});
    CHECK(bench.offers(shell, "ghoard cache rm repos/cli/zeb") == Words{"repos/cli/zebra/readme"});
    CHECK_FALSE(fs::exists(bench.directory() / "broken"));
    CHECK(bench.calls() == Words{"1 cache ls --json"});
  }
}

TEST_CASE("a cache that does not answer holds no completion up") {
  const Bench bench("exec tail -f /dev/null");
  for (const std::string& shell : shells) {
    if (!is_installed(shell)) {
      continue;
    }
    const Ran ran = bench.complete(shell, "ghoard api rate");
    CHECK_MESSAGE(ran.status == 0, shell, " ended with ", ran.status);
    CHECK(ran.lines() == Words{"rate_limit"});
  }
}

TEST_CASE("the completions know every setting") {
  const Words keys = setting_keys();
  REQUIRE(keys.size() > 5);
  const Bench bench(nothing_stored);
  for (const std::string& shell : shells) {
    if (is_installed(shell)) {
      CHECK_MESSAGE(bench.offers(shell, "ghoard config get ") == keys, shell);
    }
  }
}

TEST_CASE("the completions offer the commands and flags that the program has") {
  const fs::path program = fs::path(GHOARD_BIN_DIR) / "ghoard";
  REQUIRE(fs::exists(program));
  const Bench bench(nothing_stored);
  const auto help_of = [&](const std::string& command) {
    const Ran help = run("GHOARD_NO_SPAWN=1 GHOARD_HOME=" + bench.directory().string() + "/home " + quoted(program) +
                         " " + command + " --help");
    CHECK_MESSAGE(help.status == 0, "`ghoard ", command, " --help` ended with ", help.status);
    return help.out;
  };
  const auto compare = [&](const std::string& line, const Words& real) {
    for (const std::string& shell : shells) {
      if (is_installed(shell)) {
        const Words all = bench.offers(shell, line);
        const Words offered = line.ends_with("--") ? long_flags(all) : all;
        CHECK_MESSAGE(offered == real, shell, " after `", line, "`: ", joined(offered), "instead of ", joined(real));
      }
    }
  };
  // Commands are indented lines of a name and a summary; flags begin theirs.
  const std::string command_line = R"(^  ([a-z][a-z-]*)  +\S.*$)";
  const std::string flag_line = R"(^ +(?:-[A-Za-z], ?)?(--[a-z][a-z0-9-]+))";
  const Words commands = matches(help_of(""), command_line);
  CHECK(commands.size() > 5);
  compare("ghoard ", commands);
  int groups = 0;
  for (const std::string& command : commands) {
    if (command == "gh" || command == "help") {
      continue;  // gh's own, and none
    }
    const std::string help = help_of(command);
    if (help.find("usage: ghoard " + command + " COMMAND ") == std::string::npos) {
      compare("ghoard " + command + " --", matches(help, flag_line));
      continue;
    }
    const Words subcommands = matches(help, command_line);
    CHECK(!subcommands.empty());
    ++groups;
    compare("ghoard " + command + " ", subcommands);
    for (const std::string& subcommand : subcommands) {
      const std::string both = command + " " + subcommand;
      compare("ghoard " + both + " --", matches(help_of(both), flag_line));
    }
  }
  CHECK(groups == 5);
}
