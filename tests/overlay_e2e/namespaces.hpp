#pragma once

#include <string>
#include <vector>

namespace ghoard::testing {

/// Machines on two networks that can be cut from one another: a network namespace for each, wired to one of two bridges
/// in a namespace of its own. Needs root, CAP_NET_ADMIN and `ip`. Destruction removes everything; what a killed test
/// left behind is removed by the next one.
class Namespaces {
 public:
  /// Machine n is on side n % 2.
  explicit Namespaces(std::size_t machines);
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  /// Whether this process may make them.
  [[nodiscard]] static bool possible();

  [[nodiscard]] std::string file(std::size_t n) const { return "/run/netns/" + m_names[n]; }
  [[nodiscard]] static std::string address(std::size_t n) { return "10.213.7." + std::to_string(n + 1); }
  /// Words before a command that is to run there.
  [[nodiscard]] std::vector<std::string> enter(std::size_t n) const { return {"nsenter", "--net=" + file(n)}; }

  /// From here on nothing gets from one side to the other: no reset, no refusal, silence.
  void cut() const;
  void mend() const;

 private:
  void remove_all() const;

  std::string m_hub;
  std::vector<std::string> m_names;
};

}  // namespace ghoard::testing
