#pragma once

#include <string>
#include <string_view>

#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "core/cache/store.hpp"

namespace ghoard::commands {

/// What an endpoint as `ghoard api` takes it ("repos/o/r", "/user", a full URL) selects in the cache. Without a query
/// it stands for all of that path's. Placeholders and hosts mean what they mean to `api`. `hostname`: as gh's
/// --hostname; may be empty.
[[nodiscard]] base::Result<cache::Selection> select_endpoint(const link::Program& program, std::string_view endpoint,
                                                             std::string_view hostname);

/// All that came from the API of one GitHub host.
[[nodiscard]] base::Result<cache::Selection> select_host(const link::Program& program, std::string_view hostname);

}  // namespace ghoard::commands
