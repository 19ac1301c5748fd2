#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

#include "cli/link/descriptor.hpp"
#include "cli/link/program.hpp"
#include "core/base/result.hpp"

namespace ghoard::link {

/// A helper program beside ours, else what `variable` names (may be empty). Fails with unavailable.
[[nodiscard]] base::Result<std::filesystem::path> find_helper(const Program& program, const std::string& name,
                                                              const std::string& variable);

/// The environment an agent gets, from all of ours ("NAME=value"): HOME, PATH, XDG_*, RUNNER_TRACKING_ID, the locale,
/// proxies and CA files, GHOARD_* and the settings that are explicit here. No token and no network key.
[[nodiscard]] std::vector<std::string> agent_environment(const Program& program, std::span<const std::string> all);
[[nodiscard]] std::vector<std::string> whole_environment();

/// Starts a program that outlives us and is nobody's child here: a session of its own, `/` as its directory,
/// descriptors 0 and 1 on /dev/null, 2 on `log`, 3 on `third`, 4 on `fourth` if that is one, all others closed. If it
/// cannot be executed it writes "error TEXT" into descriptor 3.
base::Result<void> spawn_detached(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment, int log, int third, int fourth = -1);

/// A child of ours with 0 and 1 on /dev/null, 2 as ours, 3 on `third`, all others closed.
base::Result<pid_t> spawn_child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                                int third);

/// Becomes another program in this very process. Returns only when that fails.
base::Error replace_process(const std::vector<std::string>& arguments, const std::vector<std::string>& environment);

/// The log, opened for appending; a file above 1 MiB is first moved to `.1`. A symbolic link is not followed.
base::Result<Descriptor> open_log(const std::filesystem::path& file);

}  // namespace ghoard::link
