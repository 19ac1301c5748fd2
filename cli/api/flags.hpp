#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace ghoard::api {

/// One flag of `ghoard api`. The table drives the parser, the help text and, through a test, the manual page.
struct Flag {
  std::string_view name;    ///< without the dashes
  char letter = 0;          ///< short form, or 0
  std::string_view values;  ///< names of its values, separated by a space: "D", "NAME VALUE"; empty for a switch
  std::string_view help;

  [[nodiscard]] std::size_t value_count() const;
};

[[nodiscard]] std::span<const Flag> flag_table();

/// What `--help` prints, and the part of it that follows an error in the flags.
[[nodiscard]] std::string help_text(std::string_view program);
[[nodiscard]] std::string usage_text(std::string_view program);

/// A command line taken apart: `--name value...` for each flag, and what is left.
struct Words {
  std::vector<std::string> flags;
  std::vector<std::string> positionals;
};

/// The arguments as pflag, gh's parser, understands them: `-X=V`, `-XV`, `-iqV`, `--method V` and `--method=V` all
/// become `--method`, `V`, a form that every parser reads alike. The words of a failure are pflag's.
[[nodiscard]] base::Result<Words> normalise_flags(std::span<const std::string> arguments);

}  // namespace ghoard::api
