#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/api/arguments.hpp"
#include "cli/api/output.hpp"
#include "cli/api/page.hpp"
#include "cli/api/prepare.hpp"
#include "cli/api/progress.hpp"
#include "cli/api/transport.hpp"

namespace ghoard::api {

/// What a session reaches outside for.
struct Surroundings {
  std::string api_url;  ///< base URL of the configured upstream
  bool colour = false;
  bool debug = false;  ///< GH_DEBUG=api: the exchange on standard error
  ProgressPlace progress{};
  std::function<bool(const link::ApiCall&)> has_credential;                     ///< for --verbose
  std::function<bool()> lacked_credentials;                                     ///< why the carrier's last call failed
  std::function<void(std::string_view message, std::string_view hint)> report;  ///< on standard error
};

/// Fetches and prints all pages of one command. Returns the exit code.
class Session {
 public:
  Session(const Arguments& arguments, Prepared prepared, Carrier& carrier, PageSinks sinks, Surroundings surroundings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int run();

 private:
  enum class Next { page, end, failed };

  Next fetch_page();
  Next fail(const base::Error& error);
  Next after_answer(const FinalAnswer& final_answer);
  Next report_page(const PageOutcome& outcome);
  Next follow_link(const http::Url& url, const std::string& next);
  Next follow_cursor(const std::optional<std::string>& cursor);
  PageSinks without_progress(PageSinks sinks);
  void log(const std::string& text);

  const Arguments& m_arguments;
  Prepared m_prepared;
  link::ApiCall m_call;  ///< of the next page
  Carrier& m_carrier;
  Output& m_out;
  Output& m_error;
  Surroundings m_surroundings;
  Progress m_progress;  ///< outlives the sinks that call it
  PagePrinter m_printer;
  std::optional<base::Error> m_log_failure;  ///< of --verbose, whose log is the output
  int m_pages = 0;
  int m_exit_code = link::exit_ok;
};

}  // namespace ghoard::api
