#include "cli/agent/identity_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cli/home.hpp"

using namespace ghoard;
using agent::HeldIdentity;
using agent::IdentityPlace;
using testing::Home;
using Origin = HeldIdentity::Origin;

namespace fs = std::filesystem;

namespace {

struct Rig {
  Home home;
  IdentityPlace place{home.root() / "identity", true};

  [[nodiscard]] base::Result<HeldIdentity> hold(const std::string& machine = "machine-id:one") const {
    return agent::hold_identity(place, machine);
  }
  [[nodiscard]] std::string error(const std::string& machine = "machine-id:one") const {
    const auto held = hold(machine);
    return held ? "held" : held.error().message;
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(home.root())) {
      found.insert(entry.path().filename().string());
    }
    return found;
  }
  [[nodiscard]] std::string bytes() const { return home.read("identity"); }
  /// In place, with the mode that the file has.
  void overwrite(const std::string& bytes) const { home.write("identity", bytes); }
};

}  // namespace

TEST_CASE("an identity is made once, for its owner alone, and is the same at every start") {
  const Rig rig;
  const auto made = rig.hold();
  REQUIRE(made);
  CHECK(made->origin == Origin::made);
  const auto loaded = rig.hold();
  REQUIRE(loaded);
  CHECK(loaded->origin == Origin::loaded);
  CHECK(loaded->identity.id() == made->identity.id());
  CHECK(peer::verify(made->identity.id(), "message", loaded->identity.sign("message")));
  CHECK(rig.names() == std::set<std::string>{"identity"});
  struct stat status {};
  REQUIRE(::lstat(rig.place.file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(status.st_size == 88);
}

TEST_CASE("two directories have two identities") {
  const Rig one;
  const Rig two;
  CHECK(one.hold()->identity.id() != two.hold()->identity.id());
}

TEST_CASE("on a machine that the file was copied to a new identity is made and the old one kept aside") {
  const Rig rig;
  const peer::PeerId old = rig.hold()->identity.id();
  const std::string bytes = rig.bytes();
  const auto clone = rig.hold("machine-id:two");
  REQUIRE(clone);
  CHECK(clone->origin == Origin::cloned);
  CHECK(clone->identity.id() != old);
  CHECK(rig.home.read("identity.cloned") == bytes);
  CHECK(rig.hold("machine-id:two")->origin == Origin::loaded);
  CHECK(rig.hold("machine-id:two")->identity.id() == clone->identity.id());
  // The next copy replaces what was kept aside: the directory does not grow.
  CHECK(rig.hold("machine-id:three")->origin == Origin::cloned);
  CHECK(rig.names() == std::set<std::string>{"identity", "identity.cloned"});
}

TEST_CASE("a file at a path that was set is bound to no machine") {
  Rig rig;
  rig.place.bound = false;
  const peer::PeerId id = rig.hold("machine-id:one")->identity.id();
  CHECK(rig.hold("machine-id:two")->origin == Origin::loaded);
  CHECK(rig.hold("machine-id:two")->identity.id() == id);
  rig.place.bound = true;  // moved into the state directory by its owner
  CHECK(rig.hold("machine-id:three")->identity.id() == id);
}

TEST_CASE("a bound file is accepted anywhere once its path is set") {
  Rig rig;
  const peer::PeerId id = rig.hold("machine-id:one")->identity.id();
  rig.place.bound = false;
  CHECK(rig.hold("machine-id:two")->identity.id() == id);
}

TEST_CASE("the machine's name is not in the file") {
  const Rig rig;
  REQUIRE(rig.hold("machine-id:0123456789abcdef"));
  CHECK(rig.bytes().find("0123456789abcdef") == std::string::npos);
}

TEST_CASE("a file that others may read or write is refused with the command that mends it") {
  const Rig rig;
  REQUIRE(rig.hold());
  for (const mode_t mode : {0640, 0620, 0604, 0602, 0644, 0610}) {
    REQUIRE(::chmod(rig.place.file.c_str(), mode) == 0);
    CHECK(rig.hold().error().code == base::ErrorCode::refused);
    CHECK(rig.error().find("is open to other users; run `chmod 600 " + rig.place.file.string() + "`") !=
          std::string::npos);
  }
  REQUIRE(::chmod(rig.place.file.c_str(), 0400) == 0);
  CHECK(rig.error() == "held");
}

TEST_CASE("a symbolic link, a directory and a FIFO are refused, without waiting") {
  const Rig rig;
  REQUIRE(rig.hold());
  fs::rename(rig.place.file, rig.home.root() / "elsewhere");
  fs::create_symlink(rig.home.root() / "elsewhere", rig.place.file);
  CHECK(rig.error().find("is a symbolic link") != std::string::npos);
  fs::remove(rig.place.file);
  REQUIRE(::mkfifo(rig.place.file.c_str(), 0600) == 0);
  CHECK(rig.error().find("is no regular file") != std::string::npos);
  fs::remove(rig.place.file);
  fs::create_directory(rig.place.file);
  CHECK(rig.error().find("is no regular file") != std::string::npos);
}

TEST_CASE("a damaged file in the state directory is kept aside and replaced, whatever the damage") {
  const Rig rig;
  REQUIRE(rig.hold());
  const std::string whole = rig.bytes();
  std::vector<std::string> damaged{
      "", "x", whole.substr(0, 87), whole + "x", std::string(88, '\0'), std::string(5000, 'x')};
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 1);
  }
  for (const std::string& bytes : damaged) {
    rig.overwrite(bytes);
    const auto held = rig.hold();
    REQUIRE(held);
    CHECK(held->origin == Origin::damaged);
    CHECK(rig.home.read("identity.damaged") == bytes);
    CHECK(rig.hold()->origin == Origin::loaded);
  }
  CHECK(rig.names() == std::set<std::string>{"identity", "identity.damaged"});
}

TEST_CASE("a set path that names some other file leaves it alone") {
  Rig rig;
  rig.place.bound = false;
  rig.overwrite("-----BEGIN SOMETHING ELSE-----");
  REQUIRE(::chmod(rig.place.file.c_str(), 0600) == 0);
  CHECK(rig.hold().error().code == base::ErrorCode::corrupted);
  CHECK(rig.bytes() == "-----BEGIN SOMETHING ELSE-----");
  CHECK(rig.names() == std::set<std::string>{"identity"});
}

TEST_CASE("a file of a later version is refused and stays") {
  const Rig rig;
  REQUIRE(rig.hold());
  std::string later = rig.bytes();
  later[15] = 2;
  rig.overwrite(later);
  CHECK(rig.error().find("is of a later version of ghoard") != std::string::npos);
  CHECK(rig.bytes() == later);
}

TEST_CASE("a directory that is missing is an error that names the file, and nothing is left behind") {
  Rig rig;
  rig.place.file = rig.home.root() / "missing/identity";
  CHECK(rig.error().find(rig.place.file.string()) != std::string::npos);
  CHECK(rig.names().empty());
}

TEST_CASE("while another process makes an identity nobody else does") {
  const Rig rig;
  const int directory = ::open(rig.home.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::flock(directory, LOCK_EX) == 0);
  CHECK(rig.hold().error().code == base::ErrorCode::busy);
  CHECK(rig.names().empty());
  ::close(directory);
  CHECK(rig.hold()->origin == Origin::made);
}

TEST_CASE("agents that start at once on a copied directory get one identity") {
  const Rig rig;
  REQUIRE(rig.hold("machine-id:one"));
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto held = rig.hold("machine-id:two");
      rig.home.write("ids/" + std::to_string(i), held ? held->identity.id().text() : held.error().message);
      ::_exit(0);
    }
    children.push_back(child);
  }
  std::set<std::string> ids;
  for (std::size_t i = 0; i < children.size(); ++i) {
    REQUIRE(::waitpid(children[i], nullptr, 0) == children[i]);
    ids.insert(rig.home.read("ids/" + std::to_string(i)));
  }
  CHECK(ids == std::set<std::string>{rig.hold("machine-id:two")->identity.id().text()});
}

TEST_CASE("the identity is in the state directory unless a path is set") {
  Home home;
  home.variables["GHOARD_HOME"] = home.root().string();
  const settings::Paths paths = *settings::find_paths(home.environment());
  const IdentityPlace by_default = agent::identity_place(*settings::Settings::load(paths, home.environment()), paths);
  CHECK(by_default.file == home.root() / "state/identity");
  CHECK(by_default.bound);
  home.variables["GHOARD_IDENTITY_FILE"] = (home.root() / "mine").string();
  const IdentityPlace set = agent::identity_place(*settings::Settings::load(paths, home.environment()), paths);
  CHECK(set.file == home.root() / "mine");
  CHECK_FALSE(set.bound);
}

TEST_CASE("this machine has a name, the same whenever it is asked for") {
  CHECK(agent::machine_name().find(':') != std::string::npos);
  CHECK(agent::machine_name() == agent::machine_name());
}
