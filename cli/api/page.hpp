#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/api/arguments.hpp"
#include "cli/api/array_merger.hpp"
#include "cli/api/error_text.hpp"
#include "cli/api/output.hpp"
#include "cli/api/sanitiser.hpp"
#include "cli/link/link.hpp"

namespace ghoard::api {

/// Where the parts of an answer go; injected so that pages can be printed without a process or a terminal.
struct PageSinks {
  Output& out;
  Output& error;                                               ///< for `--error-body=stderr`
  std::function<base::Result<void>(std::string_view)> filter;  ///< of -q; null without
};

/// What became of one page.
struct PageOutcome {
  std::string message;                    ///< the server's error, gh's wording; empty: success
  std::string hint;                       ///< a second line for it
  bool ghoard_failed = false;             ///< `message` is ghoard's own: nothing was printed
  std::optional<std::string> end_cursor;  ///< of GraphQL's next page
};

/// Receives answers page by page and prints them as the flags say. A page is held back until it is whole, up to 8 MiB,
/// so that an answer cut short is not passed off as a whole one; beyond that it streams, and the failure is told at
/// the end. Filtered, coloured and erroneous pages are always held, up to 256 MiB.
class PagePrinter {
 public:
  PagePrinter(const Arguments& arguments, bool colour, PageSinks sinks)
      : m_arguments(arguments), m_colour(colour), m_sinks(std::move(sinks)) {}

  void on_head(const link::Answer& answer);
  bool on_body(std::string_view piece);
  /// After the whole answer has come. `has_next`: another page follows.
  base::Result<PageOutcome> finish_page(std::string_view method, std::string_view gh_host, bool has_next);
  /// After the last page, or the failure of one: closes --slurp's array.
  base::Result<void> finish(bool succeeded);

  /// Why `on_body` wanted no more.
  [[nodiscard]] const std::optional<base::Error>& failure() const { return m_failure; }
  [[nodiscard]] const link::Answer& answer() const { return m_answer; }
  /// The body as received, but for control characters in JSON; empty once it streams.
  [[nodiscard]] const std::string& body() const { return m_body; }

 private:
  [[nodiscard]] bool is_error() const { return m_answer.status > 299; }
  [[nodiscard]] bool is_collected() const { return m_arguments.slurp && (m_colour || m_sinks.filter); }
  [[nodiscard]] bool may_stream() const;
  [[nodiscard]] bool is_merged() const;
  void print(std::string_view bytes);
  void print_start();
  void print_body_bytes(std::string_view bytes);
  void print_body(bool failed);
  void start_streaming();
  void end_merged(bool has_next);

  const Arguments& m_arguments;
  bool m_colour;
  PageSinks m_sinks;

  link::Answer m_answer;
  bool m_is_json = false;
  bool m_streaming = false;
  std::string m_body;
  Sanitiser m_sanitiser;
  ArrayMerger m_merger;
  bool m_slurp_open = false;
  std::string m_collected;
  std::optional<base::Error> m_failure;
};

}  // namespace ghoard::api
