#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/settings/settings.hpp"
#include "core/base/result.hpp"
#include "core/http/message.hpp"

namespace ghoard::api {

/// What a command may do on its standard output, decided as gh does from the terminal, GH_FORCE_TTY, NO_COLOR,
/// CLICOLOR and CLICOLOR_FORCE.
struct Terminal {
  bool stdout_is_terminal = false;
  bool colour = false;
};
[[nodiscard]] Terminal decide_terminal(const settings::Environment& environment, bool stdout_is_terminal);

/// Nobody reads the output any more (EPIPE). The work ends there, quietly and as a success: `ghoard api … | head -1` is
/// no failure under pipefail.
[[nodiscard]] base::Error reader_gone();
[[nodiscard]] bool is_reader_gone(const base::Error& error);

/// Buffered writing to a descriptor that it does not own: large pieces, few system calls. Nothing is written by the
/// destructor; `flush` says whether it worked.
class Output {
 public:
  explicit Output(int descriptor) : m_descriptor(descriptor) {}

  /// Called each time before bytes leave.
  void before_write(std::function<void()> hook) { m_before_write = std::move(hook); }
  base::Result<void> write(std::string_view bytes);
  base::Result<void> flush();

 private:
  base::Result<void> write_now(std::string_view bytes);

  int m_descriptor;
  std::string m_buffer;
  std::function<void()> m_before_write;
};

/// The head of an answer as `-i` prints it: gh's layout, names canonical and sorted, without what only concerns the
/// connection to the agent.
[[nodiscard]] std::string format_head(int status, std::string_view reason, const http::Headers& headers, bool colour);

/// "X-Github-Request-Id": Go's canonical spelling of a field name.
[[nodiscard]] std::string canonical_name(std::string_view name);

/// gh's `[/+]json(;|$)` on a Content-Type value.
[[nodiscard]] bool is_json_type(std::string_view content_type);

}  // namespace ghoard::api
