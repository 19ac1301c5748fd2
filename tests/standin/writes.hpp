#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tests/standin/routes.hpp"

namespace ghoard::standin {

/// A write below a repository, with its parsed body.
struct Write {
  RepoCall& at;
  Json body;

  [[nodiscard]] World& world() const { return at.call.world; }
  [[nodiscard]] std::string key(const std::string& rest) const { return at.repository.key(rest); }
  [[nodiscard]] const std::string& segment(std::size_t i) const { return at.rest[i]; }
  [[nodiscard]] const std::string& login() const { return at.call.who.login; }
  [[nodiscard]] bool has_text(const char* name) const {
    return body.contains(name) && body[name].is_string() && !body[name].get_ref<const std::string&>().empty();
  }
  /// Sets `updated_at`.
  void touch(Json& value) const { value["updated_at"] = world().now(); }
};

enum class Right { read, write };

struct WriteRow {
  std::string_view method;
  std::string_view pattern;
  Right right;
  Answer (*handler)(Write&);
};

/// Issues, comments and labels.
[[nodiscard]] std::span<const WriteRow> issue_writes();
/// The repository itself, its contents, references, releases, pull requests and actions.
[[nodiscard]] std::span<const WriteRow> repository_writes();

/// 201 with Location.
[[nodiscard]] Answer created(const Json& value);
[[nodiscard]] Answer changed(const Json& value);
/// DELETE of a stored document: 204 or 404.
[[nodiscard]] Answer remove_stored(Write& write);
/// Takes `state` from the body; `closed_at` follows.
void change_state(const Write& write, Json& value);

}  // namespace ghoard::standin
