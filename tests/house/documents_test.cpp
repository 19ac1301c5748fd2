// Holds the documents against what they speak of: commands, flags, settings, files, and samples that have to run.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <regex>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tests/support/tools.hpp"

namespace fs = std::filesystem;

namespace {

using Words = std::set<std::string>;

const fs::path root = GHOARD_SOURCE_DIR;
const std::vector<std::string> documents{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md",
                                         "SECURITY.md"};

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Ran {
  int status = -1;
  std::string out;
};

/// A shell command with its output; ended after a minute, with status 124.
Ran run(const std::string& command) {
  std::string quoted = "'";
  for (const char c : command) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  Ran result;
  std::FILE* pipe = ::popen(("timeout 60 sh -c " + quoted + "' </dev/null 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    result.out.append(buffer, size);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

bool is_installed(const std::string& program) {
  return ghoard::testing::have_tool(run("command -v " + program).status == 0, program);
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

/// All sources of a folder, one after the other.
std::string sources(const char* folder) {
  std::string text;
  for (const auto& entry : fs::directory_iterator(root / folder)) {
    text += entry.path().extension() == ".cpp" ? read(entry.path()) : "";
  }
  return text;
}

void check_same(const std::string& what, const Words& documented, const Words& real) {
  for (const std::string& name : real) {
    CHECK_MESSAGE(documented.contains(name), what, " ", name, " is not documented");
  }
  for (const std::string& name : documented) {
    CHECK_MESSAGE(real.contains(name), what, " ", name, " is documented and does not exist");
  }
}

/// The text of a page from one section heading to the next.
std::string section(const std::string& page, const std::string& heading) {
  const std::size_t begin = page.find(heading + "\n");
  if (begin == std::string::npos) {
    return {};
  }
  return page.substr(begin, page.find("\n.Sh ", begin + 1) - begin);
}

/// The fenced blocks of README.md in one language.
std::vector<std::string> blocks(const std::string& language) {
  const std::string text = read(root / "README.md");
  const std::string fence = "```" + language + "\n";
  std::vector<std::string> result;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    result.push_back(text.substr(begin, text.find("```", begin) - begin));
  }
  return result;
}

/// The first of them that contains `word`.
std::string sample(const std::string& language, const std::string& word) {
  for (const std::string& block : blocks(language)) {
    if (block.find(word) != std::string::npos) {
      return block;
    }
  }
  return {};
}

/// A Unix socket that answers one request with a small repository, in a directory with a `ghoard` that names it.
class Socket {
 public:
  Socket() {
    std::string name = "/tmp/ghoard-documents-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    const std::string path = (directory / "socket").string();
    std::ofstream(directory / "ghoard") << "#!/bin/sh\necho '{\"socket\": \"" << path << "\"}'\n";
    fs::permissions(directory / "ghoard", fs::perms::owner_all);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    m_listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(m_listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(m_listener, 4) == 0);
    m_thread = std::thread([this] { serve(); });
  }
  ~Socket() {
    finish();
    ::close(m_listener);
    fs::remove_all(directory);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// The head of the request that came; empty if none did.
  const std::string& finish() {
    m_over = true;
    if (m_thread.joinable()) {
      m_thread.join();
    }
    return m_request;
  }

  fs::path directory;

 private:
  void serve() {
    while (!m_over) {
      pollfd entry{m_listener, POLLIN, 0};
      if (::poll(&entry, 1, 50) > 0) {
        return answer(::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC));
      }
    }
  }

  void answer(int descriptor) {
    char buffer[4096];
    pollfd entry{descriptor, POLLIN, 0};
    while (m_request.find("\r\n\r\n") == std::string::npos && ::poll(&entry, 1, 10'000) > 0) {
      const ssize_t size = ::read(descriptor, buffer, sizeof buffer);
      if (size <= 0) {
        break;
      }
      m_request.append(buffer, static_cast<std::size_t>(size));
    }
    const std::string body = R"({"description":"a sample that runs"})";
    const std::string reply =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Status: ghoard; hit; ttl=212; detail=local\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    ::send(descriptor, reply.data(), reply.size(), MSG_NOSIGNAL);
    ::close(descriptor);
  }

  int m_listener = -1;
  std::atomic<bool> m_over{false};
  std::string m_request;
  std::thread m_thread;
};

}  // namespace

TEST_CASE("the manual pages have no lint") {
  if (!is_installed("mandoc")) {
    return;
  }
  int pages = 0;
  for (const auto& entry : fs::directory_iterator(root / "man")) {
    if (entry.path().extension() == ".txt") {
      continue;
    }
    ++pages;
    const Ran lint = run("mandoc -T lint -W warning " + entry.path().string());
    CHECK_MESSAGE(lint.status == 0, entry.path().filename().string(), ":\n", lint.out);
  }
  CHECK(pages == 4);
}

TEST_CASE("the dev commands in the documents are those that dev has") {
  const Words real = matches(read(root / "dev"), R"(^  ([a-z]+)(?: \[[A-Z]+\])?  +\S.*$)");
  CHECK(real.contains("test"));
  CHECK(real.contains("demo"));
  for (const std::string& document : documents) {
    for (const std::string& command : matches(read(root / document), R"(\./dev ([a-z]+))")) {
      CHECK_MESSAGE(real.contains(command), document, " names ./dev ", command);
    }
  }
  check_same("./dev", matches(read(root / "CONTRIBUTING.md"), R"(^\| `\./dev ([a-z]+))"), real);
}

TEST_CASE("the files that the documents name exist") {
  int links = 0;
  for (const std::string& document : documents) {
    const std::string text = read(root / document);
    CHECK_MESSAGE(!text.empty(), document);
    Words targets = matches(text, R"(\]\((?!https?:)([^)#]+)\))");
    // Paths in backticks that begin with one of our folders.
    targets.merge(matches(text, R"(`((?:cli|core|net|store|tests|completions|man)/[A-Za-z0-9_./-]*)`)"));
    targets.merge(matches(text, R"(`(CMake[A-Za-z]+\.[a-z]+|\.clang-[a-z]+|\.ci/[a-z]+)`)"));
    for (const std::string& target : targets) {
      ++links;
      CHECK_MESSAGE((fs::exists(root / target) || fs::exists((root / target).string() + ".cpp")), document, " names ",
                    target);
    }
  }
  CHECK(links > 15);
}

TEST_CASE("every setting is in ghoard-config(5), with its variables") {
  const std::string page = read(root / "man/ghoard-config.5");
  const std::string table = sources("cli/settings");
  const Words keys = matches(table, R"re(\{"([a-z_0-9]+)",\s*"GHOARD_[A-Z_0-9]+")re");
  REQUIRE(!keys.empty());  // or the pattern no longer fits the table
  check_same("setting", matches(page, R"(^\.It Va ([a-z_0-9]+) Pq)"), keys);
  Words variables = matches(table, R"re(\{"[a-z_0-9]+",\s*"(GHOARD_[A-Z_0-9]+)")re");
  variables.merge(matches(table, R"re("(CACHE_[A-Z_0-9]+)")re"));
  for (const std::string& variable : variables) {
    CHECK_MESSAGE(std::regex_search(page, std::regex(variable + "[ ;\n]")), variable, " is not in ghoard-config(5)");
  }
}

TEST_CASE("every command, and every flag of api, is in ghoard(1)") {
  const std::string page = read(root / "man/ghoard.1");
  const std::string program = read(root / "cli/ghoard/main.cpp");
  const Words commands = matches(program, R"re(\{"([a-z]+)", "[a-z])re");
  REQUIRE(!commands.empty());
  check_same("command", matches(section(page, ".Sh COMMANDS"), R"(^\.It Cm ([a-z]+))"), commands);
  Words named;
  for (const std::string& block : blocks("sh")) {
    named.merge(matches(block, R"((?:^|\$\()ghoard ([a-z]+))"));
  }
  CHECK(named.size() > 5);
  for (const std::string& command : named) {
    CHECK_MESSAGE(commands.contains(command), "README.md names `ghoard ", command, "`");
  }
  Words flags = matches(sources("cli/api"), R"re(Flag\{"([a-z-]+)",)re");
  REQUIRE(!flags.empty());
  const std::string api = section(page, ".Sh THE API COMMAND");
  check_same("flag", matches(api, R"(^\.It (?:Fl [A-Za-z] , )?Fl -([a-z-]+))"), flags);
}

TEST_CASE("the Python sample of README.md runs") {
  const std::string code = sample("python", "http.client");
  REQUIRE(!code.empty());
  if (!is_installed("python3")) {
    return;
  }
  Socket socket;
  std::ofstream(socket.directory / "sample.py") << code;
  const std::string directory = socket.directory.string();
  const Ran ran = run("GH_TOKEN=not-a-token PATH=" + directory + ":$PATH python3 " + directory + "/sample.py");
  const std::string& request = socket.finish();
  CHECK(ran.status == 0);
  CHECK(ran.out == "200 ghoard; hit; ttl=212; detail=local\na sample that runs\n");
  CHECK(request.starts_with("GET /repos/cli/cli HTTP/1.1\r\n"));
  CHECK(request.find("Host: api.github.com\r\n") != std::string::npos);
  CHECK(request.find("Authorization: Bearer not-a-token\r\n") != std::string::npos);
}

TEST_CASE("the curl sample of README.md runs") {
  const std::string code = sample("sh", "curl --unix-socket");
  REQUIRE(!code.empty());
  if (!is_installed("curl") || !is_installed("jq")) {
    return;
  }
  Socket socket;
  std::ofstream(socket.directory / "sample.sh") << code;
  const std::string directory = socket.directory.string();
  const Ran ran = run("GH_TOKEN=not-a-token PATH=" + directory + ":$PATH sh " + directory + "/sample.sh 2>/dev/null");
  const std::string& request = socket.finish();
  CHECK(ran.status == 0);
  CHECK(ran.out == R"({"description":"a sample that runs"})");
  CHECK(request.starts_with("GET /repos/cli/cli HTTP/1.1\r\n"));
  CHECK(request.find("Host: api.github.com\r\n") != std::string::npos);
  CHECK(request.find("Authorization: Bearer not-a-token\r\n") != std::string::npos);
}
