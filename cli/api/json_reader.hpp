#pragma once

#include <string>
#include <string_view>

namespace ghoard::api {

enum class JsonKind {
  begin_object,
  end_object,
  begin_array,
  end_array,
  key,
  string,
  number,
  boolean,
  null,
  end,
  error
};

struct JsonToken {
  JsonKind kind = JsonKind::end;
  std::string_view raw;  ///< as written; strings and keys with their quotes
};

/// Takes one JSON text (RFC 8259) apart without copying it: numbers keep their spelling, members their order. Strict
/// about the grammar; a string may hold any bytes but controls. Nothing may follow the value but white space. At most
/// 10,000 levels deep. After `error` or `end` the same is given again.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : m_text(text) {}

  JsonToken next();
  /// Of the container the last token stands in; `begin_object` itself is inside its parent still.
  [[nodiscard]] std::size_t depth() const { return m_open.size(); }

 private:
  enum class State { value, first_member, member, first_entry, after_value, done, failed };

  JsonToken take_value();
  JsonToken take_key();
  JsonToken take_string(JsonKind kind);
  JsonToken take_number();
  JsonToken take_word(std::string_view word, JsonKind kind);
  JsonToken open(JsonKind kind, char closer, State state);
  JsonToken close();
  JsonToken fail();
  void skip_space();
  void value_done() { m_state = State::after_value; }

  std::string_view m_text;
  std::size_t m_at = 0;
  std::string m_open;  // the closing bracket of each open container
  State m_state = State::value;
};

/// The text of a string token: escapes undone, lone surrogates as U+FFFD.
[[nodiscard]] std::string decode_json_string(std::string_view raw);

}  // namespace ghoard::api
