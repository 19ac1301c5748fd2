// Holds every #include of the product against the arrows of ARCHITECTURE.md ("The house").

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

/// Folder -> our folders it may include besides itself.
const std::map<std::string, std::set<std::string>>& arrows() {
  static const std::set<std::string> core{"core/base",  "core/http", "core/github",
                                          "core/cache", "core/peer", "core/mesh"};
  static const auto with = [](std::set<std::string> more) {
    more.insert(core.begin(), core.end());
    return more;
  };
  static const std::map<std::string, std::set<std::string>> table{
      {"core/base", {}},
      {"core/http", {"core/base"}},
      {"core/github", {"core/base", "core/http"}},
      {"core/cache", {"core/base", "core/http", "core/github"}},
      {"core/peer", {"core/base"}},
      {"core/mesh", {"core/base", "core/http", "core/github", "core/cache", "core/peer"}},
      {"store", core},
      {"net/channel", {"core/base", "net/noise"}},
      {"net/local", core},
      {"net/noise", {}},
      {"net/overlay", with({"net/noise", "net/channel"})},
      {"net/server", core},
      {"net/upstream", core},
      {"cli/settings", core},
      {"cli/streams", {}},
      {"cli/jq", {"core/base", "cli/streams"}},
      {"cli/agent",
       with({"cli/streams", "cli/settings", "store", "net/local", "net/overlay", "net/server", "net/upstream"})},
      {"cli/link", with({"cli/settings", "store", "net/local"})},
      {"cli/api", with({"cli/settings", "cli/link", "net/local"})},
      {"cli/commands", with({"cli/api", "cli/settings", "cli/link", "net/local"})},
      {"cli/ghoard", with({"cli/streams", "cli/settings", "cli/link", "cli/api", "cli/commands"})},
  };
  return table;
}

/// Library header prefix -> folders that may use it.
const std::map<std::string, std::set<std::string>>& libraries() {
  static const std::map<std::string, std::set<std::string>> table{
      {"sqlite3", {"store"}},
      {"curl/", {"net/upstream"}},
      {"zlib.h", {"net/upstream"}},
      {"boost/", {"net/local", "net/overlay", "net/server", "net/upstream", "cli/agent"}},
      {"CLI/", {"cli/commands", "cli/agent"}},
      {"jq.h", {"cli/jq"}},
      {"jv.h", {"cli/jq"}},
      {"yaml.h", {"cli/link"}},
      {"sodium", {"core/base", "core/peer", "net/noise", "net/channel", "net/overlay", "cli/commands", "cli/agent"}},
      {"nlohmann/",
       {"core/github", "core/cache", "core/mesh", "store", "net/server", "cli/settings", "cli/link", "cli/api",
        "cli/commands", "cli/agent", "cli/jq"}},
  };
  return table;
}

/// System headers `core` has no business with: sockets, files, clocks, threads, environment.
const std::set<std::string>& banned_in_core() {
  static const std::set<std::string> table{
      "thread",       "mutex",    "filesystem", "fstream", "iostream", "unistd.h",  "fcntl.h", "ctime",
      "sys/socket.h", "sys/un.h", "sys/stat.h", "future",  "cstdio",   "poll.h",    "time.h",  "condition_variable",
      "cstdlib",      "random",   "atomic",     "csignal", "signal.h", "sys/time.h"};
  return table;
}

std::string folder_of(const std::string& path) {
  std::string best;
  for (const auto& [folder, unused] : arrows()) {
    if (path.starts_with(folder + "/") && folder.size() > best.size()) {
      best = folder;
    }
  }
  return best;
}

std::vector<std::string> includes_of(const fs::path& file) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::ifstream stream(file);
  std::vector<std::string> found;
  for (std::string line; std::getline(stream, line);) {
    std::smatch match;
    if (std::regex_search(line, match, pattern)) {
      found.push_back(match[1]);
    }
  }
  return found;
}

/// Calls that reach for a clock or the environment without a telling header.
std::string forbidden_call(const fs::path& file) {
  static const std::regex pattern(R"((system_clock|steady_clock|high_resolution_clock)::now|\b(secure_)?getenv\()");
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::smatch match;
  return std::regex_search(text, match, pattern) ? match.str() : std::string();
}

std::string complaint(const std::string& folder, const std::string& header) {
  if (header.starts_with("../") || header.starts_with("./") ||
      (header.ends_with(".hpp") && header.find('/') == std::string::npos)) {
    return "ours are named from the root";
  }
  const std::string target = folder_of(header);
  if (!target.empty() && target != folder && !arrows().at(folder).contains(target)) {
    return folder + " may not include " + target;
  }
  if (header.starts_with("tests/")) {
    return "the product may not include tests";
  }
  for (const auto& [prefix, users] : libraries()) {
    if (header.starts_with(prefix) && !users.contains(folder)) {
      return folder + " may not use " + prefix;
    }
  }
  if (folder.starts_with("core/") && banned_in_core().contains(header)) {
    return "core may not use <" + header + ">";
  }
  return {};
}

}  // namespace

TEST_CASE("every include follows the arrows of ARCHITECTURE.md") {
  const fs::path root = GHOARD_SOURCE_DIR;
  int files = 0;
  for (const char* top : {"core", "store", "net", "cli"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string path = fs::relative(entry.path(), root).string();
      const std::string extension = entry.path().extension().string();
      if (extension != ".hpp" && extension != ".cpp" && extension != ".in") {
        continue;
      }
      ++files;
      const std::string folder = folder_of(path);
      CHECK_MESSAGE(!folder.empty(), path, ": its folder is not in the table of arrows");
      if (folder.empty()) {
        continue;
      }
      if (folder.starts_with("core/")) {
        const std::string call = forbidden_call(entry.path());
        CHECK_MESSAGE(call.empty(), path, " calls ", call);
      }
      for (const std::string& header : includes_of(entry.path())) {
        const std::string why = complaint(folder, header);
        CHECK_MESSAGE(why.empty(), path, " includes ", header, ": ", why);
      }
    }
  }
  CHECK(files > 20);
}

TEST_CASE("the include rules refuse what they should") {
  CHECK_FALSE(complaint("core/http", "core/cache/store.hpp").empty());
  CHECK_FALSE(complaint("store", "net/local/client.hpp").empty());
  CHECK_FALSE(complaint("core/base", "thread").empty());
  CHECK_FALSE(complaint("cli/ghoard", "curl/curl.h").empty());
  CHECK_FALSE(complaint("core/base", "digest.hpp").empty());
  CHECK_FALSE(complaint("core/http", "../cache/store.hpp").empty());
  CHECK(complaint("cli/agent", "net/upstream/curl_upstream.hpp").empty());
}
