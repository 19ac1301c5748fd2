#include "tests/overlay_e2e/namespaces.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>

#include "tests/support/process.hpp"

namespace ghoard::testing {

namespace {

constexpr std::string_view prefix = "ghoard-test-";

ProcessResult run_ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  return run({std::move(words), {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}, {}, false, {}});
}

void ip(const std::vector<std::string>& words) {
  if (const ProcessResult result = run_ip(words); result.exit_code != 0) {
    std::string line = "ip";
    for (const std::string& word : words) {
      line += " " + word;
    }
    throw std::runtime_error(line + ": " + result.err);
  }
}

void remove(const std::string& name) {
  (void)run_ip({"netns", "delete", name});
}

/// Those of test programs that are no more.
void sweep() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/run/netns", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix)) {
      const int pid = std::atoi(name.c_str() + prefix.size());
      if (pid > 1 && ::kill(pid, 0) != 0 && errno == ESRCH) {
        remove(name);
      }
    }
  }
}

std::string own(const std::string& name) {
  return std::string(prefix) + std::to_string(::getpid()) + "-" + name;
}

}  // namespace

bool Namespaces::possible() {
  if (::geteuid() != 0 || !std::filesystem::exists("/usr/bin/nsenter")) {
    return false;
  }
  try {
    const Namespaces trial(1);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

Namespaces::Namespaces(std::size_t machines) : m_hub(own("hub")) {
  sweep();
  try {
    ip({"netns", "add", m_hub});
    for (const char* bridge : {"side0", "side1"}) {
      ip({"-n", m_hub, "link", "add", bridge, "type", "bridge"});
      ip({"-n", m_hub, "link", "set", bridge, "up"});
    }
    ip({"-n", m_hub, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1"});
    for (const char* side : {"0", "1"}) {
      ip({"-n", m_hub, "link", "set", std::string("wire") + side, "master", std::string("side") + side, "up"});
    }
    for (std::size_t n = 0; n < machines; ++n) {
      const std::string number = std::to_string(n);
      m_names.push_back(own(number));
      const std::string& name = m_names.back();
      ip({"netns", "add", name});
      ip({"-n", name, "link", "set", "lo", "up"});
      ip({"-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "port" + number, "netns", m_hub});
      ip({"-n", name, "address", "add", address(n) + "/24", "dev", "eth0"});
      ip({"-n", name, "link", "set", "eth0", "up"});
      ip({"-n", m_hub, "link", "set", "port" + number, "master", "side" + std::to_string(n % 2), "up"});
    }
  } catch (...) {
    remove_all();
    throw;
  }
}

Namespaces::~Namespaces() {
  remove_all();
}

void Namespaces::remove_all() const {
  for (const std::string& name : m_names) {
    remove(name);
  }
  remove(m_hub);
}

void Namespaces::cut() const {
  ip({"-n", m_hub, "link", "set", "wire0", "down"});
}

void Namespaces::mend() const {
  ip({"-n", m_hub, "link", "set", "wire0", "up"});
}

}  // namespace ghoard::testing
