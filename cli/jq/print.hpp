#pragma once

#include <string>

#include "core/base/result.hpp"

extern "C" {
#include <jv.h>
}

namespace ghoard::jq {

/// Appends a result as `gh --jq` prints it, with its newline: strings raw, null as nothing, numbers that are no
/// integers with two decimals, arrays and objects as compact JSON with sorted keys. Borrows `value`. Fails on more than
/// 1,000 levels.
base::Result<void> print_result(std::string& out, jv value);

}  // namespace ghoard::jq
