#include "cli/api/value.hpp"

#include "cli/api/utf8.hpp"

namespace ghoard::api {

namespace {

void append_escape(std::string& out, unsigned code) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) {
    out += digits[code >> shift & 0xF];
  }
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '<':
    case '>':
    case '&': append_escape(out, static_cast<unsigned char>(c)); return;
  }
  if (static_cast<unsigned char>(c) < 0x20) {
    append_escape(out, static_cast<unsigned char>(c));
  } else {
    out += c;
  }
}

void append_value(std::string& out, const Value& value);

struct Writer {
  std::string& out;

  void operator()(std::nullptr_t) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(const std::string& value) const { append_json_string(out, value); }
  void operator()(const Value::Array& array) const {
    out += '[';
    bool first = true;
    for (const Value& entry : array) {
      out += first ? "" : ",";
      first = false;
      append_value(out, entry);
    }
    out += ']';
  }
  void operator()(const Value::Object& object) const {
    out += '{';
    bool first = true;
    for (const auto& [key, entry] : object) {
      out += first ? "" : ",";
      first = false;
      append_json_string(out, key);
      out += ':';
      append_value(out, entry);
    }
    out += '}';
  }
};

void append_value(std::string& out, const Value& value) {
  std::visit(Writer{out}, value.data);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, length);
    if (length == 1) {
      append_ascii(out, character[0]);
    } else if (character == "\u2028" || character == "\u2029") {
      append_escape(out, character == "\u2028" ? 0x2028 : 0x2029);
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  out += '"';
}

std::string to_json(const Value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

std::string_view go_type_name(const Value& value) {
  struct Name {
    std::string_view operator()(std::nullptr_t) const { return "<nil>"; }
    std::string_view operator()(bool) const { return "bool"; }
    std::string_view operator()(std::int64_t) const { return "int"; }
    std::string_view operator()(const std::string&) const { return "string"; }
    std::string_view operator()(const Value::Array&) const { return "[]interface {}"; }
    std::string_view operator()(const Value::Object&) const { return "map[string]interface {}"; }
  };
  return std::visit(Name{}, value.data);
}

}  // namespace ghoard::api
