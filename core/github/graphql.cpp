#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/github/invalidation.hpp"

namespace ghoard::github {

namespace {

constexpr std::size_t largest_body = 1024 * 1024;
constexpr std::size_t deepest_nesting = 200;
constexpr std::size_t most_operations = 1000;

// ---- the JSON envelope --------------------------------------------------------------------------

/// Picks `query` and `operationName` out of the body's top-level object without building a tree. Anything that two JSON
/// readers could understand differently (a name twice, other types) makes the whole request odd.
class Envelope final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::optional<std::string> document;
  std::optional<std::string> operation_name;

  bool null() override { return m_field != Field::document && scalar(); }
  bool boolean(bool) override { return m_field == Field::other && scalar(); }
  bool number_integer(number_integer_t) override { return m_field == Field::other && scalar(); }
  bool number_unsigned(number_unsigned_t) override { return m_field == Field::other && scalar(); }
  bool number_float(number_float_t, const string_t&) override { return m_field == Field::other && scalar(); }
  bool binary(binary_t&) override { return false; }

  bool string(string_t& value) override {
    if (m_field == Field::document) {
      document = std::move(value);
    } else if (m_field == Field::operation_name) {
      operation_name = std::move(value);
    }
    return scalar();
  }

  bool key(string_t& name) override {
    if (m_depth != 1) {
      return true;
    }
    m_field = Field::other;
    if (name == "query") {
      m_field = Field::document;
      return !std::exchange(m_saw_document, true);
    }
    if (name == "operationName") {
      m_field = Field::operation_name;
      return !std::exchange(m_saw_operation_name, true);
    }
    return true;
  }

  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return m_depth > 0 && open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  enum class Field { other, document, operation_name };

  [[nodiscard]] bool scalar() const { return m_depth > 0; }
  bool open() {
    ++m_depth;
    return m_field == Field::other && m_depth <= deepest_nesting;
  }
  bool close() {
    --m_depth;
    if (m_depth == 1) {
      m_field = Field::other;
    }
    return true;
  }

  std::size_t m_depth = 0;
  Field m_field = Field::other;
  bool m_saw_document = false;
  bool m_saw_operation_name = false;
};

// ---- the document -------------------------------------------------------------------------------

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_char(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

struct Token {
  enum class Kind { end, name, punctuator, value, bad };
  Kind kind = Kind::end;
  std::string_view text;

  [[nodiscard]] bool is(char c) const { return kind == Kind::punctuator && text.size() == 1 && text[0] == c; }
};

/// The lexical grammar of GraphQL (specification of October 2021, section 2.1), as far as finding the operations needs.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : m_rest(text) {}

  Token next() {
    skip_ignored();
    if (m_rest.empty()) {
      return {};
    }
    const char c = m_rest.front();
    if (is_name_start(c)) {
      return take(Token::Kind::name, span([](char x) { return is_name_char(x); }));
    }
    if ((c >= '0' && c <= '9') || c == '-') {
      return take(Token::Kind::value, span([](char x) { return is_name_char(x) || x == '.' || x == '+' || x == '-'; }));
    }
    if (m_rest.starts_with("\"\"\"")) {
      return block_string();
    }
    if (c == '"') {
      return string();
    }
    if (m_rest.starts_with("...")) {
      return take(Token::Kind::punctuator, 3);
    }
    const bool known = std::string_view("!$&()=:@[]{|}").find(c) != std::string_view::npos;
    return take(known ? Token::Kind::punctuator : Token::Kind::bad, 1);
  }

 private:
  template <class Predicate>
  [[nodiscard]] std::size_t span(Predicate accepts) const {
    std::size_t size = 0;
    while (size < m_rest.size() && accepts(m_rest[size])) {
      ++size;
    }
    return size;
  }

  Token take(Token::Kind kind, std::size_t size) {
    const Token token{kind, m_rest.substr(0, size)};
    m_rest.remove_prefix(token.text.size());
    return token;
  }

  void skip_ignored() {
    while (!m_rest.empty()) {
      if (std::string_view(" \t\r\n,").find(m_rest.front()) != std::string_view::npos) {
        m_rest.remove_prefix(1);
      } else if (m_rest.front() == '#') {
        m_rest.remove_prefix(span([](char x) { return x != '\n' && x != '\r'; }));
      } else if (m_rest.starts_with("\xEF\xBB\xBF")) {
        m_rest.remove_prefix(3);  // a byte order mark, ignored wherever it stands
      } else {
        return;
      }
    }
  }

  Token string() {
    for (std::size_t i = 1; i < m_rest.size(); ++i) {
      const char c = m_rest[i];
      if (c == '"') {
        return take(Token::Kind::value, i + 1);
      }
      if (c == '\n' || c == '\r') {
        break;
      }
      i += c == '\\' ? 1 : 0;
    }
    return take(Token::Kind::bad, m_rest.size());
  }

  Token block_string() {
    for (std::size_t i = 3; i < m_rest.size(); ++i) {
      const std::string_view here = m_rest.substr(i);
      if (here.starts_with("\\\"\"\"")) {
        i += 3;
      } else if (here.starts_with("\"\"\"")) {
        return take(Token::Kind::value, i + 3);
      }
    }
    return take(Token::Kind::bad, m_rest.size());
  }

  std::string_view m_rest;
};

/// Skips the rest of a definition: everything up to the end of its selection set. Braces inside parentheses are values.
bool skip_definition(Lexer& lexer, Token token) {
  std::string open;  // the brackets that are open, innermost last
  for (;; token = lexer.next()) {
    if (token.kind == Token::Kind::end || token.kind == Token::Kind::bad) {
      return false;
    }
    if (token.kind != Token::Kind::punctuator) {
      continue;
    }
    const char c = token.text[0];
    if (c == '(' || c == '[' || c == '{') {
      if (open.size() == deepest_nesting) {
        return false;
      }
      open += c;
    } else if (c == ')' || c == ']' || c == '}') {
      const char wanted = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (open.empty() || open.back() != wanted) {
        return false;
      }
      open.pop_back();
      if (open.empty() && c == '}') {
        return true;
      }
    }
  }
}

std::optional<GraphqlOperation> operation_keyword(std::string_view word) {
  if (word == "query") {
    return GraphqlOperation::query;
  }
  if (word == "mutation") {
    return GraphqlOperation::mutation;
  }
  if (word == "subscription") {
    return GraphqlOperation::subscription;
  }
  return std::nullopt;
}

/// Collects the operations of a document and answers which one will run.
class Selection {
 public:
  explicit Selection(std::string_view wanted) : m_wanted(wanted) {}

  bool add(GraphqlOperation kind, std::string_view name) {
    ++m_operations;
    if (m_wanted.empty() || name == m_wanted) {
      ++m_matches;
      m_kind = kind;
    }
    return m_operations <= most_operations;
  }

  [[nodiscard]] GraphqlOperation result() const { return m_matches == 1 ? m_kind : GraphqlOperation::unknown; }

 private:
  std::string_view m_wanted;
  std::size_t m_operations = 0;
  std::size_t m_matches = 0;
  GraphqlOperation m_kind = GraphqlOperation::unknown;
};

GraphqlOperation operation_of_document(std::string_view document, std::string_view wanted) {
  Lexer lexer(document);
  Selection selection(wanted);
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    std::string_view name;
    std::optional<GraphqlOperation> kind;
    if (token.is('{')) {
      kind = GraphqlOperation::query;
    } else if (token.kind == Token::Kind::name) {
      kind = operation_keyword(token.text);
      if (!kind && token.text != "fragment") {
        return GraphqlOperation::unknown;
      }
      token = lexer.next();
      name = token.kind == Token::Kind::name ? token.text : std::string_view();
    } else {
      return GraphqlOperation::unknown;
    }
    if (!skip_definition(lexer, token) || (kind && !selection.add(*kind, name))) {
      return GraphqlOperation::unknown;
    }
  }
  return selection.result();
}

}  // namespace

GraphqlOperation graphql_operation(std::string_view json_body) {
  if (json_body.size() > largest_body) {
    return GraphqlOperation::unknown;
  }
  Envelope envelope;
  if (!nlohmann::json::sax_parse(json_body, &envelope) || !envelope.document) {
    return GraphqlOperation::unknown;
  }
  return operation_of_document(*envelope.document, envelope.operation_name.value_or(std::string()));
}

bool is_graphql(std::string_view method, std::string_view path) {
  return method == "POST" && (path == "/graphql" || path == "/api/graphql");
}

}  // namespace ghoard::github
