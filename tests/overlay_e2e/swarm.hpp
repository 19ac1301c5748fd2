#pragma once

#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <vector>

#include "core/mesh/message.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fleet.hpp"

namespace ghoard::testing {

/// A fleet whose agents are killed and stopped, and of which is known who owns what. Destruction kills all at once.
class Swarm : public Fleet {
 public:
  using Fleet::Fleet;
  ~Swarm();

  /// Starts all, and waits until every one is linked with every other and may own keys in the eyes of all.
  void assemble();
  /// Notes which processes serve the machines now. Whoever does not run is started again.
  void revive();

  [[nodiscard]] pid_t pid(std::size_t n) const { return m_pids.at(n); }
  [[nodiscard]] const mesh::PeerId& id(std::size_t n) const { return m_ids.at(n); }
  /// To the agent of `n` that was noted last. SIGSTOP and SIGKILL have taken effect when it returns.
  void signal(std::size_t n, int number) const;
  [[nodiscard]] bool is_stopped(std::size_t n) const;
  /// Whether the agent of `n` is still the one that was noted.
  [[nodiscard]] bool is_alive(std::size_t n) const;
  /// As Fleet::sum, leaving out those that are stopped and could not answer.
  [[nodiscard]] std::uint64_t total(const std::string& name) const;

  /// Machines in the order in which they own the answer to `GET path`, were all there: owner, backup, and so on.
  [[nodiscard]] std::vector<std::size_t> owners(const std::string& path) const;
  /// A resource of the stand-in that was not asked for before.
  [[nodiscard]] std::string fresh_path();
  /// What the stand-in answers; it forgets the question.
  [[nodiscard]] std::string truth_of(const std::string& path) const;
  /// How often the stand-in was asked for it.
  [[nodiscard]] std::uint64_t calls_of(const std::string& path) const;

 private:
  void note(std::size_t n);

  std::vector<pid_t> m_pids;
  std::vector<mesh::PeerId> m_ids;
  int m_last_path = 0;
};

inline void check_answer(const ProcessResult& result, const std::string& truth) {
  CAPTURE(result.err);
  CHECK_FALSE(result.timed_out);
  CHECK(result.exit_code == 0);
  CHECK(result.out == truth);
}

/// All machines ask for the same at once, and get `truth`.
inline void ask_everywhere(const Swarm& swarm, const std::string& path, const std::string& truth) {
  std::vector<Command> commands;
  for (std::size_t n = 0; n < swarm.size(); ++n) {
    commands.push_back(swarm.api(n, {path}));
  }
  for (const ProcessResult& result : run_parallel(commands)) {
    check_answer(result, truth);
  }
}

}  // namespace ghoard::testing
