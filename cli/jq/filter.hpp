#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

extern "C" {
#include <jv.h>
}

namespace ghoard::jq {

/// A variable for the filter: `--arg` gives text, `--argjson` a JSON value.
struct Variable {
  std::string name;
  std::string value;
  bool is_json = false;
};

/// A compiled jq filter. Reads no file, neither `~/.jq` nor modules, and no further input than the document it is
/// given.
class Filter {
 public:
  /// The message of a mistake in the filter names line and column where libjq knows them, in gh's layout.
  static base::Result<Filter> compile(std::string_view text, std::span<const Variable> variables);

  /// Runs over one JSON document. `on_result` borrows each result; false stops.
  base::Result<void> run(std::string_view document, const std::function<bool(jv)>& on_result);

 private:
  struct Release {
    void operator()(void* state) const;
  };
  explicit Filter(void* state) : m_state(state) {}

  std::unique_ptr<void, Release> m_state;  // jq_state; jq.h defines macros that stay out of headers
};

/// The first integer literal of a JSON text that a double cannot hold for certain (above 2^53), or an empty view.
[[nodiscard]] std::string_view find_unsafe_integer(std::string_view document);

}  // namespace ghoard::jq
