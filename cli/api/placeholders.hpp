#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace ghoard::api {

/// What a placeholder stands for; asked only when one occurs.
enum class Placeholder { owner, repo, branch };
using PlaceholderValue = std::function<base::Result<std::string>(Placeholder)>;

/// Replaces `{owner}`, `{repo}`, `{branch}` and `:owner`, `:repo`, `:branch` where a word ends there; any other
/// `{word}` stays. Values are inserted as they are.
[[nodiscard]] base::Result<std::string> fill_placeholders(std::string_view text, const PlaceholderValue& value_of);

}  // namespace ghoard::api
