#include "core/http/link.hpp"

#include "core/http/message.hpp"

namespace ghoard::http {

namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Reads a Link field value link by link (RFC 8288 section 3).
class LinkReader {
 public:
  explicit LinkReader(std::string_view text) : m_rest(text) {}

  struct Link {
    std::string_view target;
    std::string relations;  ///< of the first `rel` parameter: later ones do not count (section 3.3)
    bool has_rel = false;
    bool has_anchor = false;
  };

  /// The next link; nothing at the end and where the text is malformed.
  std::optional<Link> next() {
    skip_separators();
    if (!take('<')) {
      return std::nullopt;
    }
    const std::size_t end = m_rest.find('>');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    Link link;
    link.target = m_rest.substr(0, end);
    m_rest.remove_prefix(end + 1);
    for (skip_space(); take(';'); skip_space()) {
      if (!read_parameter(link)) {
        return std::nullopt;
      }
    }
    if (!m_rest.empty() && m_rest.front() != ',') {
      return std::nullopt;
    }
    return link;
  }

 private:
  bool take(char c) {
    if (m_rest.empty() || m_rest.front() != c) {
      return false;
    }
    m_rest.remove_prefix(1);
    return true;
  }

  void skip_space() {
    while (take(' ') || take('\t')) {
    }
  }

  void skip_separators() {
    while (take(' ') || take('\t') || take(',')) {
    }
  }

  std::string_view token() {
    std::size_t size = 0;
    while (size < m_rest.size() && is_token_char(m_rest[size])) {
      ++size;
    }
    const std::string_view text = m_rest.substr(0, size);
    m_rest.remove_prefix(size);
    return text;
  }

  /// The rest of a quoted-string, its opening quote already taken.
  bool quoted(std::string& value) {
    while (!m_rest.empty()) {
      const char c = m_rest.front();
      m_rest.remove_prefix(1);
      if (c == '"') {
        return true;
      }
      if (c == '\\') {
        if (m_rest.empty()) {
          return false;
        }
        value += m_rest.front();
        m_rest.remove_prefix(1);
      } else {
        value += c;
      }
    }
    return false;
  }

  bool read_parameter(Link& link) {
    skip_space();
    const std::string_view name = token();
    if (name.empty()) {
      // An empty parameter, as in "<a>; ; rel=next" or a trailing ';', is allowed by the grammar.
      return m_rest.empty() || m_rest.front() == ';' || m_rest.front() == ',';
    }
    skip_space();
    std::string value;
    if (take('=')) {
      skip_space();
      if (take('"')) {
        if (!quoted(value)) {
          return false;
        }
      } else {
        value = token();
      }
    }
    if (iequals(name, "rel") && !link.has_rel) {
      link.has_rel = true;
      link.relations = std::move(value);
    }
    link.has_anchor = link.has_anchor || iequals(name, "anchor");
    return true;
  }

  std::string_view m_rest;
};

/// `relations` is a list of relation types separated by spaces; they compare without case (section 2.1.1).
bool names_relation(std::string_view relations, std::string_view rel) {
  while (!relations.empty()) {
    const std::size_t end = relations.find_first_of(" \t");
    if (iequals(relations.substr(0, end), rel)) {
      return true;
    }
    relations.remove_prefix(end == std::string_view::npos ? relations.size() : end + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string> find_link(std::string_view field_value, std::string_view rel) {
  if (rel.empty()) {
    return std::nullopt;
  }
  LinkReader reader(field_value);
  while (const std::optional<LinkReader::Link> link = reader.next()) {
    // A link with `anchor` is about another resource than the one that was asked for.
    if (link->has_rel && !link->has_anchor && names_relation(link->relations, rel)) {
      return std::string(link->target);
    }
  }
  return std::nullopt;
}

}  // namespace ghoard::http
