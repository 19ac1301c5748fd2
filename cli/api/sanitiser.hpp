#pragma once

#include <string>
#include <string_view>

namespace ghoard::api {

/// Makes JSON safe to show on a terminal as gh does: C0 and C1 controls, raw or as `\u00XX`, become caret notation
/// (`^[`); tab, line feed, vertical tab and carriage return stay. Every other byte stays as it is. Works on pieces cut
/// anywhere.
class Sanitiser {
 public:
  /// Appends what is certain of `piece` to `out`.
  void feed(std::string_view piece, std::string& out);
  /// Appends what was held back for the sake of what might have followed.
  void finish(std::string& out);

 private:
  std::size_t take(std::string_view text, bool at_end, std::string& out);

  std::string m_held;
  bool m_odd_backslash = false;  // the byte before was a backslash that escapes
};

}  // namespace ghoard::api
