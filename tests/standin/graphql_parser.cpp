#include <cctype>

#include "tests/standin/graphql.hpp"

namespace ghoard::standin {

namespace {

constexpr int deepest = 64;

/// Recursive descent over the text; `m_ok` turns false at the first error and stays so.
class GraphqlParser {
 public:
  GraphqlParser(std::string_view text, const Json& variables) : m_text(text), m_variables(variables) {}

  std::optional<GraphqlDocument> document() {
    GraphqlDocument result;
    bool has_operation = false;
    for (skip(); m_ok && m_at < m_text.size(); skip()) {
      const std::string word = peek() == '{' ? "query" : name();
      if (word == "fragment") {
        const std::string fragment = name();
        m_ok = m_ok && name() == "on";
        name();
        directives();
        result.fragments.emplace_back(fragment, selections());
      } else if ((word == "query" || word == "mutation") && !has_operation) {
        has_operation = true;
        result.mutation = word == "mutation";
        operation_head();
        result.selections = selections();
      } else {
        m_ok = false;
      }
    }
    return m_ok && has_operation ? std::optional(std::move(result)) : std::nullopt;
  }

 private:
  [[nodiscard]] char peek() const { return m_at < m_text.size() ? m_text[m_at] : '\0'; }

  void skip() {
    while (m_at < m_text.size()) {
      if (m_text[m_at] == '#') {
        m_at = std::min(m_text.find('\n', m_at), m_text.size());
      } else if (std::isspace(static_cast<unsigned char>(m_text[m_at])) != 0 || m_text[m_at] == ',') {
        ++m_at;
      } else {
        return;
      }
    }
  }

  bool take(char c) {
    skip();
    if (peek() != c) {
      return false;
    }
    ++m_at;
    skip();
    return true;
  }

  void expect(char c) { m_ok = take(c) && m_ok; }

  std::string name() {
    skip();
    const std::size_t start = m_at;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_') {
      ++m_at;
    }
    m_ok = m_ok && m_at > start;
    std::string result(m_text.substr(start, m_at - start));
    skip();
    return result;
  }

  void operation_head() {
    if (peek() != '{' && peek() != '(' && peek() != '@') {
      name();
    }
    if (peek() == '(') {
      // Variable definitions: names and types are of no interest here, since values come as JSON.
      m_at = std::min(m_text.find(')', m_at), m_text.size());
      expect(')');
    }
    directives();
  }

  void directives() {
    while (m_ok && take('@')) {
      name();
      arguments();
    }
  }

  Json arguments() {
    Json result = Json::object();
    if (!take('(')) {
      return result;
    }
    while (m_ok && !take(')')) {
      const std::string key = name();
      expect(':');
      result[key] = value(0);
    }
    return result;
  }

  Json value(int depth) {
    if (depth > deepest) {
      m_ok = false;
      return nullptr;
    }
    if (take('$')) {
      const std::string key = name();
      return m_variables.contains(key) ? m_variables[key] : Json(nullptr);
    }
    if (take('[')) {
      Json list = Json::array();
      while (m_ok && !take(']')) {
        list.push_back(value(depth + 1));
      }
      return list;
    }
    if (take('{')) {
      Json object = Json::object();
      while (m_ok && !take('}')) {
        const std::string key = name();
        expect(':');
        object[key] = value(depth + 1);
      }
      return object;
    }
    return peek() == '"' ? string() : literal();
  }

  Json string() {
    const std::size_t start = m_at++;
    while (m_at < m_text.size() && m_text[m_at] != '"') {
      m_at += m_text[m_at] == '\\' ? 2 : 1;
    }
    const Json result = m_at < m_text.size() ? Json::parse(m_text.substr(start, m_at + 1 - start), nullptr, false)
                                             : Json(Json::value_t::discarded);
    m_ok = m_ok && !result.is_discarded();
    m_at = std::min(m_at + 1, m_text.size());
    skip();
    return m_ok ? result : Json(nullptr);
  }

  /// Numbers, true, false, null, and enumeration values, which become strings.
  Json literal() {
    const std::size_t start = m_at;
    while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_' || peek() == '-' || peek() == '.') {
      ++m_at;
    }
    m_ok = m_ok && m_at > start;
    const std::string word(m_text.substr(start, m_at - start));
    skip();
    const Json number = Json::parse(word, nullptr, false);
    return number.is_discarded() ? Json(word) : number;
  }

  std::vector<Selection> selections() {
    std::vector<Selection> result;
    expect('{');
    m_ok = m_ok && ++m_depth <= deepest;
    while (m_ok && !take('}')) {
      result.push_back(selection());
      m_ok = m_ok && m_at <= m_text.size() && peek() != '\0';
    }
    --m_depth;
    return result;
  }

  Selection selection() {
    Selection result;
    if (m_text.substr(m_at).starts_with("...")) {
      m_at += 3;
      skip();
      std::string word = peek() == '{' || peek() == '@' ? "on" : name();
      result.kind = word == "on" ? Selection::Kind::inline_fragment : Selection::Kind::spread;
      result.name = word == "on" && peek() != '{' && peek() != '@' ? name() : word;
      directives();
      if (result.kind == Selection::Kind::inline_fragment) {
        result.selections = selections();
      }
      return result;
    }
    result.name = name();
    result.alias = result.name;
    if (take(':')) {
      result.name = name();
    }
    result.arguments = arguments();
    directives();
    if (peek() == '{') {
      result.selections = selections();
    }
    return result;
  }

  std::string_view m_text;
  const Json& m_variables;
  std::size_t m_at = 0;
  int m_depth = 0;
  bool m_ok = true;
};

}  // namespace

std::optional<GraphqlDocument> parse_graphql(std::string_view text, const Json& variables) {
  return GraphqlParser(text, variables).document();
}

}  // namespace ghoard::standin
