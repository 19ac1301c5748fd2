#pragma once

#include <optional>
#include <string>

#include "cli/settings/settings.hpp"
#include "core/base/result.hpp"

namespace ghoard::api {

/// The command that pages output on a terminal: GH_PAGER, else `pager` of gh's config.yml, else PAGER; nothing if that
/// is unset or `cat`.
[[nodiscard]] std::optional<std::string> pager_command(const settings::Environment& environment);

/// A pager that reads our standard output from its start to its end. Move-only owner of the process.
class Pager {
 public:
  /// Runs `command` by the shell and puts a pipe to it in standard output's place. Fails, and leaves standard output as
  /// it is, when there is no such program.
  static base::Result<Pager> start(const std::string& command, const settings::Environment& environment);

  Pager(Pager&& other) noexcept;
  Pager& operator=(Pager&&) = delete;
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;
  ~Pager();

  /// Ends the output, waits until its reader has had enough, and gives standard output back.
  void finish();

 private:
  Pager(int process, int saved_output) : m_process(process), m_saved_output(saved_output) {}

  int m_process;
  int m_saved_output;
};

}  // namespace ghoard::api
