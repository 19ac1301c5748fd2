#include "cli/jq/print.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace ghoard::jq {

namespace {

constexpr int max_depth = 1000;

std::string_view view_of(jv string) {
  return {jv_string_value(string), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(string)))};
}

// Go's encoding/json: the shortest text that reads back the same, with an exponent below 1e-6 and from 1e21 on.
void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "null";
    return;
  }
  if (std::isinf(number)) {
    number = number > 0 ? 1.7976931348623157e308 : -1.7976931348623157e308;
  }
  const double size = std::fabs(number);
  const bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  std::array<char, 64> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number == 0 ? 0.0 : number,
                                          exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(digits.data(), end);
  const std::size_t mark = text.find("e-0");
  if (mark != std::string::npos) {
    text.erase(mark + 2, 1);
  }
  out += text;
}

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f') {
      out += '\\';
      out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '\b' ? 'b' : 'f';
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xF];
    } else if (text.substr(i, 3) == "\u2028" || text.substr(i, 3) == "\u2029") {
      out += text.substr(i, 3) == "\u2028" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  out += '"';
}

bool append_value(std::string& out, jv value, int depth);

bool append_array(std::string& out, jv array, int depth) {
  const int length = jv_array_length(jv_copy(array));
  out += '[';
  for (int i = 0; i < length; ++i) {
    out += i > 0 ? "," : "";
    jv entry = jv_array_get(jv_copy(array), i);
    const bool done = append_value(out, entry, depth + 1);
    jv_free(entry);
    if (!done) {
      return false;
    }
  }
  out += ']';
  return true;
}

bool append_object(std::string& out, jv object, int depth) {
  jv keys = jv_keys(jv_copy(object));  // sorted
  const int length = jv_array_length(jv_copy(keys));
  bool done = true;
  out += '{';
  for (int i = 0; done && i < length; ++i) {
    out += i > 0 ? "," : "";
    jv key = jv_array_get(jv_copy(keys), i);
    append_string(out, view_of(key));
    out += ':';
    jv entry = jv_object_get(jv_copy(object), key);
    done = append_value(out, entry, depth + 1);
    jv_free(entry);
  }
  out += '}';
  jv_free(keys);
  return done;
}

bool append_value(std::string& out, jv value, int depth) {
  if (depth > max_depth) {
    return false;
  }
  switch (jv_get_kind(value)) {
    case JV_KIND_INVALID:
    case JV_KIND_NULL: out += "null"; return true;
    case JV_KIND_FALSE: out += "false"; return true;
    case JV_KIND_TRUE: out += "true"; return true;
    case JV_KIND_NUMBER: append_number(out, jv_number_value(value)); return true;
    case JV_KIND_STRING: append_string(out, view_of(value)); return true;
    case JV_KIND_ARRAY: return append_array(out, value, depth);
    case JV_KIND_OBJECT: return append_object(out, value, depth);
  }
  return false;
}

void append_top_level_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 400> text{};  // DBL_MAX has 309 digits
    const bool whole = std::trunc(number) == number;
    const int length = std::snprintf(text.data(), text.size(), "%.*f", whole ? 0 : 2, number == 0 ? 0.0 : number);
    out.append(text.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

base::Result<void> print_result(std::string& out, jv value) {
  switch (jv_get_kind(value)) {
    case JV_KIND_INVALID:
    case JV_KIND_NULL: break;
    case JV_KIND_STRING: out += view_of(value); break;
    case JV_KIND_NUMBER: append_top_level_number(out, jv_number_value(value)); break;
    case JV_KIND_FALSE:
    case JV_KIND_TRUE:
    case JV_KIND_ARRAY:
    case JV_KIND_OBJECT:
      if (!append_value(out, value, 0)) {
        return base::fail(base::ErrorCode::too_large, "jq: a result is nested more than 1000 levels deep");
      }
      break;
  }
  out += '\n';
  return {};
}

}  // namespace ghoard::jq
