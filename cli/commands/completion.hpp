#pragma once

#include <string_view>

namespace ghoard::commands {

// The files of completions/, put into the program by embed.cmake.
extern const std::string_view bash_completion;
extern const std::string_view zsh_completion;
extern const std::string_view fish_completion;

}  // namespace ghoard::commands
