#pragma once

#include <string>
#include <string_view>

#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "core/cache/store.hpp"

namespace ghoard::commands {

/// What an endpoint as `ghoard api` takes it ("repos/o/r", "/user", a full URL) selects in the cache. Without a query
/// it stands for all of that path's. `hostname`: as gh's --hostname; empty is GH_HOST, else github.com.
[[nodiscard]] base::Result<cache::Selection> select_endpoint(const link::Program& program, std::string_view endpoint,
                                                             std::string_view hostname);

}  // namespace ghoard::commands
