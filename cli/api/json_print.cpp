#include "cli/api/json_print.hpp"

#include "cli/api/json_reader.hpp"
#include "cli/api/utf8.hpp"

namespace ghoard::api {

namespace {

constexpr std::string_view delimiter_colour = "1;38";
constexpr std::string_view key_colour = "1;34";
constexpr std::string_view null_colour = "36";
constexpr std::string_view string_colour = "32";
constexpr std::string_view boolean_colour = "33";

void append_control(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    default: break;
  }
  out += "\\u00";
  out += digits[static_cast<unsigned char>(c) >> 4];
  out += digits[static_cast<unsigned char>(c) & 0xF];
}

// A string with only the escapes that it needs: no more \u00e9 or \/.
void append_readable_string(std::string& out, std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) {
    out += raw;
    return;
  }
  out += '"';
  std::string_view text;
  const std::string decoded = decode_json_string(raw);
  for (text = decoded; !text.empty();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    const std::string_view character = text.substr(0, length);
    if (character == "\"" || character == "\\") {
      out += '\\';
      out += character;
    } else if (static_cast<unsigned char>(character[0]) < 0x20) {
      append_control(out, character[0]);
    } else if (character == "\u2028" || character == "\u2029") {
      out += character == "\u2028" ? "\\u2028" : "\\u2029";
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  out += '"';
}

class Printer {
 public:
  Printer(std::string_view text, Colour colour) : m_reader(text), m_colour(colour) {
    m_out.reserve(text.size() * (colour == Colour::on ? 4 : 2));
  }

  std::optional<std::string> run() {
    for (JsonToken token = m_reader.next(); token.kind != JsonKind::end; token = m_reader.next()) {
      if (token.kind == JsonKind::error) {
        return std::nullopt;
      }
      print(token);
    }
    m_out += '\n';
    return std::move(m_out);
  }

 private:
  void print(const JsonToken& token) {
    const bool closes = token.kind == JsonKind::end_object || token.kind == JsonKind::end_array;
    if (closes) {
      if (m_last != JsonKind::begin_object && m_last != JsonKind::begin_array) {
        new_line(m_reader.depth());
      }
      coloured(delimiter_colour, token.raw);
    } else {
      separate(token.kind);
      print_opener_or_scalar(token);
    }
    m_last = token.kind;
  }

  // What stands between the last token and one that begins an entry.
  void separate(JsonKind kind) {
    const bool opens = kind == JsonKind::begin_object || kind == JsonKind::begin_array;
    const std::size_t depth = m_reader.depth() - (opens ? 1 : 0);
    if (depth == 0 || m_last == JsonKind::key) {
      return;
    }
    if (m_last != JsonKind::begin_object && m_last != JsonKind::begin_array) {
      coloured(delimiter_colour, ",");
    }
    new_line(depth);
  }

  void print_opener_or_scalar(const JsonToken& token) {
    switch (token.kind) {
      case JsonKind::begin_object:
      case JsonKind::begin_array: coloured(delimiter_colour, token.raw); break;
      case JsonKind::key:
        text_coloured(key_colour, token.raw);
        coloured(delimiter_colour, ":");
        m_out += ' ';
        break;
      case JsonKind::string: text_coloured(string_colour, token.raw); break;
      case JsonKind::number: m_out += token.raw; break;
      case JsonKind::boolean: coloured(boolean_colour, token.raw); break;
      case JsonKind::null: coloured(null_colour, token.raw); break;
      case JsonKind::end_object:
      case JsonKind::end_array:
      case JsonKind::end:
      case JsonKind::error: break;
    }
  }

  void new_line(std::size_t depth) {
    m_out += '\n';
    m_out.append(depth * 2, ' ');
  }

  void begin_colour(std::string_view colour) {
    if (m_colour == Colour::on) {
      m_out += "\x1b[";
      m_out += colour;
      m_out += 'm';
    }
  }
  void end_colour() { m_out += m_colour == Colour::on ? "\x1b[m" : ""; }

  void coloured(std::string_view colour, std::string_view text) {
    begin_colour(colour);
    m_out += text;
    end_colour();
  }
  void text_coloured(std::string_view colour, std::string_view raw) {
    begin_colour(colour);
    append_readable_string(m_out, raw);
    end_colour();
  }

  JsonReader m_reader;
  Colour m_colour;
  JsonKind m_last = JsonKind::end;
  std::string m_out;
};

}  // namespace

std::optional<std::string> print_json(std::string_view text, Colour colour) {
  return Printer(text, colour).run();
}

std::string json_delimiter(std::string_view delimiter, Colour colour) {
  if (colour == Colour::off) {
    return std::string(delimiter);
  }
  return "\x1b[" + std::string(delimiter_colour) + "m" + std::string(delimiter) + "\x1b[m";
}

}  // namespace ghoard::api
