#pragma once

#include "cli/link/descriptor.hpp"
#include "cli/link/program.hpp"
#include "core/base/result.hpp"

namespace ghoard::link {

/// What an agent that is started here has to be told and neither its arguments nor its environment may hold: a network
/// key that is set by the environment or a flag; and, if there may be peers, github.com's token where no network key is
/// set or a discovery repository is. Answers the read end of a pipe that holds it all already, or a closed descriptor
/// when there is nothing to tell.
[[nodiscard]] base::Result<Descriptor> tell_secrets(const Program& program);

}  // namespace ghoard::link
