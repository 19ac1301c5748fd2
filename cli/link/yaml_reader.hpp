#pragma once

#include <string_view>
#include <yaml.h>

namespace ghoard::link {

/// Owner of libyaml's parser, which reads `text` in place.
class YamlParser {
 public:
  explicit YamlParser(std::string_view text) : m_ready(yaml_parser_initialize(&m_parser) == 1) {
    if (m_ready) {
      yaml_parser_set_input_string(&m_parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
  }
  ~YamlParser() {
    if (m_ready) {
      yaml_parser_delete(&m_parser);
    }
  }
  YamlParser(const YamlParser&) = delete;
  YamlParser& operator=(const YamlParser&) = delete;

  bool next(yaml_event_t& event) { return m_ready && yaml_parser_parse(&m_parser, &event) == 1; }
  [[nodiscard]] std::size_t line() const { return m_parser.problem_mark.line + 1; }

 private:
  yaml_parser_t m_parser{};
  bool m_ready;
};

/// Owner of one of its events.
class YamlEvent {
 public:
  YamlEvent() = default;
  ~YamlEvent() { yaml_event_delete(&m_event); }
  YamlEvent(const YamlEvent&) = delete;
  YamlEvent& operator=(const YamlEvent&) = delete;
  yaml_event_t* operator->() { return &m_event; }
  yaml_event_t& operator*() { return m_event; }

 private:
  yaml_event_t m_event{};
};

}  // namespace ghoard::link
