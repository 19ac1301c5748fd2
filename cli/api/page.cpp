#include "cli/api/page.hpp"

#include <algorithm>
#include <charconv>

#include "cli/api/json_print.hpp"
#include "cli/api/page_info.hpp"

namespace ghoard::api {

namespace {

constexpr std::size_t held_limit = 8U << 20;
constexpr std::size_t body_limit = 256U << 20;

// Room for the whole body, as far as it is held: growing step by step would touch twice as many pages.
void make_room(std::string& body, std::string_view content_length) {
  std::size_t length = 0;
  std::from_chars(content_length.data(), content_length.data() + content_length.size(), length);
  body.reserve(std::min(length, held_limit));
}

}  // namespace

bool PagePrinter::may_stream() const {
  return !m_arguments.silent && !m_arguments.verbose && !m_sinks.filter && !(m_colour && m_is_json) &&
         !m_arguments.is_graphql() && m_answer.status < 400;
}

// gh joins arrays only where nothing else stands between the pages.
bool PagePrinter::is_merged() const {
  return m_is_json && m_arguments.paginate && !m_arguments.is_graphql() && !m_arguments.include && !m_arguments.slurp &&
         !m_colour && !m_sinks.filter;
}

void PagePrinter::print(std::string_view bytes) {
  if (m_arguments.verbose || m_failure) {
    return;
  }
  const base::Result<void> written = m_sinks.out.write(bytes);
  if (!written) {
    m_failure = written.error();
  }
}

void PagePrinter::on_head(const link::Answer& answer) {
  m_answer = answer;
  m_is_json = is_json_type(answer.headers.get("Content-Type"));
  m_streaming = false;
  m_body.clear();
  make_room(m_body, answer.headers.get("Content-Length"));
  m_sanitiser = Sanitiser();
  m_merger.begin_page();
}

bool PagePrinter::on_body(std::string_view piece) {
  if (m_failure) {
    return false;
  }
  if (m_is_json) {
    m_sanitiser.feed(piece, m_body);
  } else {
    m_body += piece;
  }
  if (!m_streaming && may_stream() && m_body.size() > held_limit) {
    start_streaming();
  }
  if (m_streaming) {
    print_body_bytes(m_body);
    m_body.clear();
  } else if (m_body.size() > body_limit) {
    m_failure = base::Error{base::ErrorCode::too_large, "the answer is larger than 256 MiB"};
  }
  return !m_failure;
}

void PagePrinter::start_streaming() {
  m_streaming = true;
  print_start();
}

// What stands before a page's body.
void PagePrinter::print_start() {
  if (m_arguments.slurp && !is_collected() && !m_arguments.silent) {
    print(m_slurp_open ? "," : "[");
    m_slurp_open = true;
  }
  if (m_arguments.include) {
    print(format_head(m_answer.status, m_answer.reason, m_answer.headers, m_colour));
  }
}

void PagePrinter::print_body_bytes(std::string_view bytes) {
  if (!is_merged()) {
    print(bytes);
    return;
  }
  std::string merged;
  m_merger.feed(bytes, merged);
  print(merged);
}

void PagePrinter::end_merged(bool has_next) {
  if (is_merged() && !m_arguments.silent) {
    std::string rest;
    m_merger.end_page(!has_next, rest);
    print(rest);
  }
}

// `failed`: the body names a server's error, which is shown as it is.
void PagePrinter::print_body(bool failed) {
  if (m_arguments.silent || m_arguments.verbose || m_answer.status == 204) {
    return;
  }
  if ((failed || m_answer.status >= 400) && m_arguments.error_body == ErrorBody::to_stderr) {
    const std::string_view end = m_body.empty() || m_body.ends_with('\n') ? "" : "\n";
    static_cast<void>(m_sinks.error.write(m_body).and_then([&] { return m_sinks.error.write(end); }).and_then([&] {
      return m_sinks.error.flush();
    }));
    return;
  }
  // A filter is written for answers: what came instead is shown as it is, be it JSON or a proxy's page.
  const bool filtered = m_sinks.filter && !failed && !is_error();
  if (is_collected() && (filtered || !m_sinks.filter)) {
    m_collected += m_collected.empty() ? "[" : ",";
    m_collected += m_body;
    return;
  }
  if (filtered) {
    base::Result<void> done = m_sinks.out.flush();
    done = done ? m_sinks.filter(m_body) : done;
    if (!done) {
      m_failure = done.error();
    }
    return;
  }
  const std::optional<std::string> coloured =
      m_colour && m_is_json ? print_json(m_body, Colour::on) : std::optional<std::string>();
  if (coloured) {
    print(*coloured);
  } else {
    print_body_bytes(m_body);
  }
}

base::Result<PageOutcome> PagePrinter::finish_page(std::string_view method, std::string_view gh_host, bool has_next) {
  m_sanitiser.finish(m_body);
  PageOutcome outcome;
  const bool may_name_error = m_is_json && method != "HEAD" && (m_arguments.is_graphql() || m_answer.status >= 400);
  const std::optional<ErrorBodyText> text = may_name_error ? read_error_body(m_body) : std::nullopt;
  if (text && !text->ghoard_error.empty() && m_answer.status >= 400) {
    return PageOutcome{text->message.empty() ? text->ghoard_error : text->message, {}, true, {}};
  }
  outcome.message = text ? error_message(*text, m_answer.status) : std::string();
  if (m_streaming) {
    print_body_bytes(m_body);
  } else {
    print_start();
    print_body(!outcome.message.empty());
  }
  end_merged(has_next);
  if (outcome.message.empty() && is_error()) {
    outcome.message = "HTTP " + std::to_string(m_answer.status);
  }
  // A server's error stays one, also when nobody reads its body.
  if (m_failure && (outcome.message.empty() || !is_reader_gone(*m_failure))) {
    return tl::unexpected(*m_failure);
  }
  if (!outcome.message.empty()) {
    outcome.hint = scope_hint(m_answer.status, m_answer.headers, gh_host);
  } else if (m_arguments.paginate && m_arguments.is_graphql() && m_is_json && m_answer.status == 200) {
    outcome.end_cursor = find_end_cursor(m_body);
  }
  const bool more = m_arguments.is_graphql() ? outcome.end_cursor.has_value() : has_next && outcome.message.empty();
  if (more && m_arguments.include) {
    print("\n");
  }
  return outcome;
}

base::Result<void> PagePrinter::finish(bool succeeded) {
  if (m_slurp_open) {
    print("]");
  }
  if (!m_collected.empty() && !(m_sinks.filter && !succeeded)) {
    m_collected += ']';
    if (m_sinks.filter) {
      const base::Result<void> flushed = m_sinks.out.flush();
      return flushed ? m_sinks.filter(m_collected) : flushed;
    }
    print(print_json(m_collected, Colour::on).value_or(m_collected));
  }
  return m_failure ? base::Result<void>(tl::unexpected(*m_failure)) : m_sinks.out.flush();
}

}  // namespace ghoard::api
