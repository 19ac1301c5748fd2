#pragma once

#include "cli/link/descriptor.hpp"
#include "cli/link/program.hpp"
#include "core/base/result.hpp"

namespace ghoard::link {

/// What an agent that is started here has to be told and neither its arguments nor its environment may hold: a network
/// key that is set by the environment or a flag; without any, or with a discovery repository, if there
/// may be peers, github.com's token. The read end
/// of a pipe that holds it all already; a closed descriptor when there is nothing to tell.
[[nodiscard]] base::Result<Descriptor> tell_secrets(const Program& program);

}  // namespace ghoard::link
