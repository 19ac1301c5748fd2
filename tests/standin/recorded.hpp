#pragma once

#include <map>
#include <string>

#include "tests/standin/routes.hpp"

namespace ghoard::standin {

/// Real answers to GET requests, by path and query; the provenance is in the file itself.
class Recorded {
 public:
  /// An empty string, or why the file cannot be used.
  [[nodiscard]] std::string load(const std::string& file);
  [[nodiscard]] bool has(const std::string& target) const { return m_answers.contains(target); }
  /// Link and Location name this server, so that they can be followed. ETags are computed anew, since the recorders
  /// redacted the tokens that enter them.
  [[nodiscard]] Answer answer(const Call& call) const;
  [[nodiscard]] std::size_t size() const { return m_answers.size(); }

 private:
  std::map<std::string, Answer> m_answers;
};

}  // namespace ghoard::standin
