#include "cli/api/session.hpp"

#include <chrono>
#include <ctime>

#include "cli/api/exchange_log.hpp"
#include "cli/api/fields.hpp"
#include "core/http/link.hpp"

namespace ghoard::api {

Session::Session(const Arguments& arguments, Prepared prepared, Carrier& carrier, PageSinks sinks,
                 Surroundings surroundings)
    : m_arguments(arguments),
      m_prepared(std::move(prepared)),
      m_call(m_prepared.call),
      m_carrier(carrier),
      m_out(sinks.out),
      m_error(sinks.error),
      m_surroundings(std::move(surroundings)),
      m_progress(m_surroundings.progress),
      m_printer(arguments, m_surroundings.colour, without_progress(std::move(sinks))) {}

Session::~Session() {
  m_out.before_write({});
  m_error.before_write({});
}

// Whatever is about to be written finds a clean line.
PageSinks Session::without_progress(PageSinks sinks) {
  sinks.out.before_write([this] { m_progress.before_output(); });
  sinks.error.before_write([this] { m_progress.before_message(); });
  if (sinks.filter) {
    sinks.filter = [this, filter = std::move(sinks.filter)](std::string_view document) {
      m_progress.before_output();
      return filter(document);
    };
  }
  return sinks;
}

int Session::run() {
  Next next = Next::page;
  while (next == Next::page) {
    next = fetch_page();
  }
  const base::Result<void> finished = m_printer.finish(next == Next::end);
  m_progress.end();
  if (!finished && m_exit_code == link::exit_ok) {
    fail(finished.error());
  }
  return m_exit_code;
}

void Session::log(const std::string& text) {
  Output& target = m_arguments.verbose ? m_out : m_error;
  const base::Result<void> written = target.write(text).and_then([&] { return target.flush(); });
  if (!written && m_arguments.verbose && !m_log_failure) {
    m_log_failure = written.error();
  }
}

Session::Next Session::fail(const base::Error& error) {
  if (is_reader_gone(error)) {
    m_progress.before_message();
    return Next::failed;
  }
  m_exit_code = link::exit_failure;
  m_progress.end();
  static_cast<void>(m_out.flush());
  if (m_surroundings.lacked_credentials()) {
    m_exit_code = link::exit_authentication;
    m_surroundings.report("To get started with GitHub CLI, please run:  gh auth login",
                          "Alternatively, populate the GH_TOKEN environment variable with a GitHub API authentication "
                          "token.");
    return Next::failed;
  }
  m_surroundings.report(error.message, {});
  return Next::failed;
}

Session::Next Session::fetch_page() {
  using Clock = std::chrono::steady_clock;
  const bool logged = m_arguments.verbose || m_surroundings.debug;
  Clock::time_point sent;
  const base::Result<FinalAnswer> answer = follow(
      m_carrier, m_call, m_surroundings.api_url,
      [&](const link::ApiCall& call) {
        if (logged) {
          log(describe_request(call, m_surroundings.has_credential(call), std::time(nullptr)));
          sent = Clock::now();
        }
        m_progress.waiting_for(call.origin.host);
      },
      [&](const link::Answer& head) { m_printer.on_head(head); },
      [&](std::string_view piece) { return m_printer.on_body(piece); });
  if (m_printer.failure()) {
    return fail(*m_printer.failure());
  }
  if (!answer) {
    return fail(answer.error());
  }
  if (logged) {
    const std::chrono::duration<double, std::milli> took = Clock::now() - sent;
    log(describe_answer(answer->answer, m_printer.body(), took.count()));
  }
  return m_log_failure ? fail(*m_log_failure) : after_answer(*answer);
}

Session::Next Session::after_answer(const FinalAnswer& final_answer) {
  const std::string link_field = final_answer.answer.headers.joined("Link");
  std::optional<std::string> next;
  if (m_arguments.paginate && !m_arguments.is_graphql() && !link_field.empty()) {
    next = http::find_link(link_field, "next");
  }
  const base::Result<PageOutcome> outcome =
      m_printer.finish_page(m_call.method, link::gh_host_of(final_answer.url.origin), next.has_value());
  if (!outcome) {
    return fail(outcome.error());
  }
  if (!outcome->message.empty()) {
    return report_page(*outcome);
  }
  if (m_arguments.paginate) {
    m_progress.page_done(++m_pages, last_page(link_field));
  }
  if (m_arguments.is_graphql()) {
    return follow_cursor(outcome->end_cursor);
  }
  return next ? follow_link(final_answer.url, *next) : Next::end;
}

// The body is on its way already; the message follows it.
Session::Next Session::report_page(const PageOutcome& outcome) {
  m_exit_code = link::exit_failure;
  m_progress.end();
  static_cast<void>(m_out.flush());
  if (outcome.ghoard_failed && m_arguments.offline && m_printer.answer().status == 504) {
    m_surroundings.report("nothing is stored for " + m_arguments.endpoint + " that this token may see",
                          "without --offline GitHub is asked");
    return Next::failed;
  }
  m_surroundings.report(outcome.message, {});
  if (!outcome.hint.empty()) {
    m_surroundings.report(outcome.hint, {});
  }
  return Next::failed;
}

Session::Next Session::follow_link(const http::Url& url, const std::string& next) {
  const base::Result<http::Url> resolved = http::resolve(url, next);
  if (!resolved) {
    return fail(resolved.error().with_context("the link to the next page is malformed"));
  }
  const http::Url target = as_named_by_callers(*resolved, m_surroundings.api_url);
  if (target.origin != m_prepared.call.origin) {
    m_call.authorise = false;
    m_call.host_is_known = false;
    m_call.headers.remove("Authorization");
    m_call.headers.remove("Cookie");
  }
  m_call.origin = target.origin;
  m_call.target = target.target;
  m_call.body.clear();
  return Next::page;
}

Session::Next Session::follow_cursor(const std::optional<std::string>& cursor) {
  if (!cursor || !m_arguments.paginate) {
    return Next::end;
  }
  Value& variable = m_prepared.parameters["endCursor"];
  const std::string* last = std::get_if<std::string>(&variable.data);
  if (last != nullptr && *last == *cursor) {
    return fail({base::ErrorCode::invalid_input,
                 "the query does not use $endCursor: the next page would be the same one again"});
  }
  variable.data = *cursor;
  m_call.body = to_json(group_graphql_variables(m_prepared.parameters));
  return Next::page;
}

}  // namespace ghoard::api
