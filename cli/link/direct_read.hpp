#pragma once

#include <optional>
#include <string_view>

#include "cli/link/program.hpp"
#include "core/cache/reply.hpp"
#include "core/http/message.hpp"

namespace ghoard::link {

/// True when nothing set here could connect this machine with peers: then an agent adds nothing to a fresh entry.
[[nodiscard]] bool is_overlay_off(const settings::Settings& settings);

/// Whether the database alone may answer. Not where the last agent of this cache had peers: it is away, and they may
/// have told each other of changes since. Not where peers are set up and no agent was ever there, either; and where an
/// agent with peers may be started, that is better.
[[nodiscard]] bool may_read_directly(const Program& program, bool may_spawn);

/// The answer to a read from the database itself, without an agent: only what the agent would serve as a hit, to the
/// token of the Authorization field. Nothing: ask an agent.
[[nodiscard]] std::optional<cache::Reply> read_directly(const Program& program, std::string_view method,
                                                        std::string_view target, const http::Headers& headers);

}  // namespace ghoard::link
