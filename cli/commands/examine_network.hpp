#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "cli/commands/doctor.hpp"
#include "cli/settings/settings.hpp"

namespace ghoard::commands {

/// What `doctor` says of sharing between machines, from what the running agent answered to GET /v1/network and
/// /v1/peers: one line for each thing that is wrong, with the next step. Missing members are taken as empty.
void check_network(const nlohmann::ordered_json& network, const nlohmann::ordered_json& peers,
                   std::vector<Check>& checks);

/// What an agent would make of the settings of its network, where none runs that could say it: a network key that is
/// none, and addresses that are left out. Adds nothing where all is well.
void check_network_settings(const settings::Settings& settings, std::vector<Check>& checks);

}  // namespace ghoard::commands
