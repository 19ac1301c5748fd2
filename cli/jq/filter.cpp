#include "cli/jq/filter.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

extern "C" {
#include <jq.h>
}

namespace ghoard::jq {

namespace {

// Before every filter, on a line of its own so that the filter's columns stay. `input` would take another page away,
// and the others have no place to write to or would read files. `$ENV` is bound here since HOME is hidden while libjq
// compiles.
constexpr std::string_view prelude =
    "def input: error(\"input is not allowed: a filter sees one answer at a time\"); "
    "def inputs: input; "
    "def debug: error(\"debug is not allowed\"); "
    "def stderr: error(\"stderr is not allowed\"); "
    "def input_filename: error(\"input_filename is not allowed\"); "
    "def input_line_number: error(\"input_line_number is not allowed\"); "
    "def modulemeta: error(\"modulemeta is not allowed\"); "
    "env as $ENV |\n";

jq_state* state_of(void* state) {
  return static_cast<jq_state*>(state);
}

std::string text_of(jv value) {
  std::string text(jv_string_value(value), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value))));
  jv_free(value);
  return text;
}

void collect(void* messages, jv message) {
  static_cast<std::vector<std::string>*>(messages)->push_back(text_of(jq_format_error(message)));
}

// A filter of white space and comments alone is the identity, which an empty line after the prelude is not.
bool says_nothing(std::string_view filter) {
  while (!filter.empty()) {
    if (filter[0] == '#') {
      filter.remove_prefix(std::min(filter.find('\n'), filter.size()));
    } else if (std::string_view(" \t\r\n").find(filter[0]) != std::string_view::npos) {
      filter.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

// libjq imports ~/.jq silently; without HOME it cannot.
class HiddenHome {
 public:
  HiddenHome() {
    if (const char* home = std::getenv("HOME")) {
      m_home = home;
      ::unsetenv("HOME");
    }
  }
  ~HiddenHome() {
    if (m_home) {
      ::setenv("HOME", m_home->c_str(), 1);
    }
  }
  HiddenHome(const HiddenHome&) = delete;
  HiddenHome& operator=(const HiddenHome&) = delete;

 private:
  std::optional<std::string> m_home;
};

std::string_view line_of(std::string_view text, std::size_t number) {
  for (; number > 1 && text.find('\n') != std::string_view::npos; --number) {
    text.remove_prefix(text.find('\n') + 1);
  }
  return text.substr(0, text.find('\n'));
}

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what)) {
    text.erase(at, what.size());
  }
}

// libjq writes "jq: error: WHAT at <top-level>, line N:\nLINE" and pads the line by as many spaces as stand before the
// place it means; its lines count the prelude.
std::string explain(const std::string& message, std::string_view filter) {
  constexpr std::string_view place = " at <top-level>, line ";
  std::string reason = message.substr(0, message.find(place));
  for (const std::string_view noise : {"jq: error: ", "syntax error, ", " (Unix shell quoting issues?)"}) {
    erase_all(reason, noise);
  }
  if (const std::size_t end = reason.find("$end"); end != std::string::npos && reason.starts_with("unexpected $end")) {
    reason.replace(end, 4, "end of filter");
  }
  if (const std::size_t at = message.find(place); at != std::string::npos) {
    const std::size_t line = std::max(std::strtoul(message.c_str() + at + place.size(), nullptr, 10), 2UL) - 1;
    const std::size_t snippet = std::min(message.find('\n', at), message.size() - 1) + 1;
    const std::string_view text = line_of(filter, line);
    const std::size_t length = message.size() - snippet;
    const std::size_t column = 1 + (length > text.size() ? std::min(length - text.size(), text.size()) : 0);
    return "failed to parse jq expression (line " + std::to_string(line) + ", column " + std::to_string(column) +
           ")\n    " + std::string(text) + "\n    " + std::string(column - 1, ' ') + "^  " + reason;
  }
  return "failed to parse jq expression: " + reason;
}

base::Result<jv> variables_object(std::span<const Variable> variables) {
  jv object = jv_object();
  for (const Variable& variable : variables) {
    jv value = variable.is_json ? jv_parse_sized(variable.value.data(), static_cast<int>(variable.value.size()))
                                : jv_string_sized(variable.value.data(), static_cast<int>(variable.value.size()));
    const std::string_view unsafe = variable.is_json ? find_unsafe_integer(variable.value) : std::string_view();
    if (!jv_is_valid(value) || !unsafe.empty()) {
      jv_free(value);
      jv_free(object);
      return base::fail(base::ErrorCode::invalid_input,
                        unsafe.empty() ? "invalid JSON for --argjson " + variable.name
                                       : "--argjson " + variable.name + ": " + std::string(unsafe) +
                                             " is above 2^53, which jq cannot hold exactly");
    }
    object = jv_object_set(object, jv_string(variable.name.c_str()), value);
  }
  return object;
}

// What a failed filter says; takes `result` over. Nothing: it just ended.
std::optional<std::string> failure_of(jv result) {
  if (!jv_invalid_has_msg(jv_copy(result))) {
    jv_free(result);
    return std::nullopt;
  }
  jv message = jv_invalid_get_msg(result);
  if (jv_get_kind(message) != JV_KIND_STRING) {
    message = jv_dump_string(message, JV_PRINT_SORTED);
  }
  return text_of(message);
}

// `halt` ends quietly, `halt_error` with its input.
std::optional<std::string> halt_failure(jq_state* state) {
  if (!jq_halted(state)) {
    return std::nullopt;
  }
  jv code = jq_get_exit_code(state);
  const bool failed = jv_is_valid(code) && jv_get_kind(code) == JV_KIND_NUMBER && jv_number_value(code) != 0;
  jv_free(code);
  jv message = jq_get_error_message(state);
  if (!failed) {
    jv_free(message);
    return std::nullopt;
  }
  if (!jv_is_valid(message)) {
    jv_free(message);
    return "halted";
  }
  if (jv_get_kind(message) != JV_KIND_STRING) {
    message = jv_dump_string(message, JV_PRINT_SORTED);
  }
  std::string text = text_of(message);
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

}  // namespace

void Filter::Release::operator()(void* state) const {
  jq_state* owned = state_of(state);
  jq_teardown(&owned);
}

base::Result<Filter> Filter::compile(std::string_view text, std::span<const Variable> variables) {
  if (text.find('\0') != std::string_view::npos) {
    return base::fail(base::ErrorCode::invalid_input, "failed to parse jq expression: it holds a NUL byte");
  }
  base::Result<jv> arguments = variables_object(variables);
  if (!arguments) {
    return tl::unexpected(arguments.error());
  }
  jq_state* state = jq_init();
  if (state == nullptr) {
    jv_free(*arguments);
    return base::fail(base::ErrorCode::system, "libjq has no memory");
  }
  Filter filter(state);
  std::vector<std::string> messages;
  jq_set_error_cb(state, collect, &messages);
  const std::string program = std::string(prelude) + (says_nothing(text) ? "." : std::string(text));
  const HiddenHome hidden;
  const int compiled = jq_compile_args(state, program.c_str(), *arguments);
  jq_set_error_cb(state, nullptr, nullptr);
  if (compiled == 0) {
    return base::fail(base::ErrorCode::invalid_input, explain(messages.empty() ? "" : messages.front(), text));
  }
  return filter;
}

base::Result<void> Filter::run(std::string_view document, const std::function<bool(jv)>& on_result) {
  const std::string_view unsafe = find_unsafe_integer(document);
  if (!unsafe.empty()) {
    return base::fail(base::ErrorCode::invalid_input,
                      "the answer holds the integer " + std::string(unsafe) +
                          ", which is above 2^53 and would be rounded by jq; run without --jq");
  }
  jv input = jv_parse_sized(document.data(), static_cast<int>(document.size()));
  if (!jv_is_valid(input)) {
    std::optional<std::string> reason = failure_of(input);
    if (reason) {
      reason->resize(std::min(reason->find(" (while parsing"), reason->size()));  // which repeats the document
    }
    return base::fail(base::ErrorCode::invalid_input,
                      document.empty() ? "unexpected end of JSON input"
                                       : "the answer is no valid JSON: " + reason.value_or("unexpected end"));
  }
  jq_state* state = state_of(m_state.get());
  jq_start(state, input, 0);
  jv result = jq_next(state);
  while (jv_is_valid(result)) {
    const bool go_on = on_result(result);
    jv_free(result);
    if (!go_on) {
      return {};
    }
    result = jq_next(state);
  }
  std::optional<std::string> failure = failure_of(result);
  if (!failure) {
    failure = halt_failure(state);
  }
  return failure ? base::Result<void>(base::fail(base::ErrorCode::invalid_input, "jq: " + *failure))
                 : base::Result<void>();
}

std::string_view find_unsafe_integer(std::string_view document) {
  constexpr std::string_view limit = "9007199254740992";  // 2^53
  bool in_string = false;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const char c = document[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c < '0' || c > '9') {
      continue;
    }
    const std::size_t end = std::min(document.find_first_not_of("0123456789.eE+-", i), document.size());
    const std::string_view number = document.substr(i, end - i);
    const bool is_integer = number.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_integer && (number.size() > limit.size() || (number.size() == limit.size() && number > limit))) {
      return number;
    }
    i = end - 1;
  }
  return {};
}

}  // namespace ghoard::jq
