#include "cli/api/exchange_log.hpp"

#include <array>
#include <cstdio>
#include <map>

#include "cli/api/json_print.hpp"
#include "cli/api/output.hpp"

namespace ghoard::api {

namespace {

bool is_secret(std::string_view name) {
  return http::iequals(name, "Authorization") || http::iequals(name, "Cookie") || http::iequals(name, "Set-Cookie");
}

std::string blocks() {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += "\u2588";
  }
  return text;
}

// Keeps the scheme, as gh does: "token ████".
std::string redacted(std::string_view value) {
  const std::size_t space = value.find(' ');
  return space == std::string_view::npos ? blocks() : std::string(value.substr(0, space + 1)) + blocks();
}

std::string header_lines(char mark, const std::map<std::string, std::string>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text += mark;
    text += ' ' + name + ": " + value + '\n';
  }
  return text + '\n';
}

void collect(std::map<std::string, std::string>& fields, const http::Headers& headers) {
  for (const http::Header& header : headers) {
    const std::string value = is_secret(header.name) ? redacted(header.value) : header.value;
    const auto [entry, fresh] = fields.try_emplace(canonical_name(header.name), value);
    if (!fresh) {
      entry->second += ", " + value;
    }
  }
}

std::string body_lines(std::string_view body) {
  if (body.empty()) {
    return {};
  }
  const std::optional<std::string> laid_out = print_json(body, Colour::off);
  return laid_out ? *laid_out + "\n" : std::string(body) + (body.ends_with('\n') ? "\n" : "\n\n");
}

}  // namespace

std::string describe_request(const link::ApiCall& call, bool has_credential, std::time_t now) {
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 64> time{};
  const std::size_t length = std::strftime(time.data(), time.size(), "%Y-%m-%d %H:%M:%S +0000 UTC", &utc);
  std::map<std::string, std::string> fields;
  collect(fields, call.headers);
  if (has_credential) {
    fields.try_emplace("Authorization", "token " + blocks());
  }
  if (!call.body.empty()) {
    fields["Content-Length"] = std::to_string(call.body.size());
  }
  return "* Request at " + std::string(time.data(), length) + "\n* Request to " + call.origin.url() + call.target +
         "\n> " + call.method + " " + call.target + " HTTP/1.1\n> Host: " + call.origin.authority() + "\n" +
         header_lines('>', fields) + body_lines(call.body);
}

std::string describe_answer(const link::Answer& answer, std::string_view body, double milliseconds) {
  std::map<std::string, std::string> fields;
  collect(fields, answer.headers);
  std::array<char, 64> duration{};
  std::snprintf(duration.data(), duration.size(), "* Request took %.3fms\n", milliseconds);
  return "< HTTP/1.1 " + std::to_string(answer.status) + " " + answer.reason + "\n" + header_lines('<', fields) +
         body_lines(body) + duration.data();
}

}  // namespace ghoard::api
