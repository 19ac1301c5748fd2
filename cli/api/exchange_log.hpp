#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "cli/link/link.hpp"

namespace ghoard::api {

/// A request as `--verbose` and GH_DEBUG=api show it, in gh's layout. A credential is shown as blocks, whoever set it.
[[nodiscard]] std::string describe_request(const link::ApiCall& call, bool has_credential, std::time_t now);
[[nodiscard]] std::string describe_answer(const link::Answer& answer, std::string_view body, double milliseconds);

}  // namespace ghoard::api
