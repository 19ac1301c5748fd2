#pragma once

#include <optional>

#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "net/local/agent_record.hpp"
#include "net/local/client.hpp"

namespace ghoard::link {

/// A running agent and a connection to it.
struct Contact {
  local::AgentRecord record;
  local::Connection connection;
};

/// The record as it stands, without taking a lock; the agent it speaks of may be gone. Nothing: there is none, or half
/// of one. Fails when it cannot be read, as when another user owns it.
[[nodiscard]] base::Result<std::optional<local::AgentRecord>> read_record(const Program& program);

/// Reads the record, without taking a lock, and connects. Nothing: no agent answers there.
[[nodiscard]] base::Result<std::optional<Contact>> contact_agent(const Program& program);

/// The same, but an agent of an older protocol is asked to go first (then there is none), and a newer one is an error.
[[nodiscard]] base::Result<std::optional<Contact>> contact_compatible_agent(const Program& program);

/// "asks URL, but ...": the agent asks another server than the one set here, or than the default where none is set.
[[nodiscard]] std::optional<std::string> other_server(const Program& program, const local::AgentRecord& record);

/// "was started with other settings (...)": some that are set here, which it was not given at its start.
[[nodiscard]] std::optional<std::string> other_settings(const Program& program, const local::AgentRecord& record);

/// Fails (refused) when the agent asks another server than the one set here; warns once of other differences.
base::Result<void> check_settings(const Program& program, const local::AgentRecord& record);

/// How long an agent that is alive may take to say anything about itself, and how long a control request may take.
inline constexpr base::Millis sign_of_life_deadline{2000};
inline constexpr base::Millis control_deadline{30'000};

/// One control request: `Host: ghoard`, and `Ghoard-Control: 1` with a POST.
base::Result<local::ClientResponse> control_request(local::Connection& connection, std::string_view method,
                                                    std::string_view target, std::string body,
                                                    base::Millis deadline = control_deadline);

/// Fails with timeout unless the agent answers within `sign_of_life_deadline`: a stopped process accepts connections,
/// since the kernel does that for it.
base::Result<void> check_alive(local::Connection& connection, const local::AgentRecord& record);

/// What to say of an agent that does not answer.
[[nodiscard]] base::Error not_answering(const local::AgentRecord& record);

}  // namespace ghoard::link
