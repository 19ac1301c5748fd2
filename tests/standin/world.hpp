#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/standin/identity.hpp"
#include "tests/standin/message.hpp"

namespace ghoard::standin {

using Files = std::map<std::string, std::string>;  ///< path -> blob SHA

struct Commit {
  std::string sha;
  std::string tree;
  std::string parent;  ///< empty: the first
  std::string message;
  std::string author;
  std::string date;
  Files files;
};

/// Git data and access of one repository; everything else lives in the world's documents.
struct Repository {
  long id = 0;
  std::string owner;
  std::string name;
  std::string default_branch = "main";
  bool is_private = false;
  std::set<std::string> readers;  ///< logins that see it although it is private
  std::set<std::string> writers;
  std::map<std::string, std::string> branches;
  std::map<std::string, std::string> tags;
  std::map<std::string, Commit> commits;
  std::map<std::string, http::Body> blobs;
  std::map<std::string, Json> trees;
  long next_number = 1;

  [[nodiscard]] std::string full_name() const { return owner + "/" + name; }
  /// Key prefix of its documents; it does not change when the repository is renamed.
  [[nodiscard]] std::string key(std::string_view rest = {}) const {
    return "R" + std::to_string(id) + (rest.empty() ? "" : "/") + std::string(rest);
  }
  [[nodiscard]] bool visible_to(const Identity& who) const;
  [[nodiscard]] bool writable_by(const Identity& who) const;
  /// The commit of a branch, tag or SHA; nullptr if there is none. Empty means the default branch.
  [[nodiscard]] const Commit* find_commit(std::string_view ref) const;
};

/// A list route: keys of its members, oldest first.
struct Collection {
  std::string wrapper;  ///< empty: a bare array; otherwise {"total_count": n, wrapper: [...]}
  bool newest_first = false;
  std::vector<std::string> members;
};

/// Everything the stand-in knows about the invented organisation acme. Documents are kept under keys that equal their
/// paths, except that "/repos/OWNER/NAME" is "R<id>". Built by `generate`, changed by writes and control commands;
/// `version` grows with every change. One thread.
class World {
 public:
  World();

  std::unordered_map<std::string, Json> documents;
  std::unordered_map<std::string, Collection> collections;
  std::map<long, Repository> repositories;

  std::set<long> computed_statistics;  ///< repositories whose statistics answer 200 instead of 202

  [[nodiscard]] std::uint64_t version() const { return m_version; }
  void touch() { ++m_version; }

  [[nodiscard]] Repository* find_repository(std::string_view owner, std::string_view name);
  [[nodiscard]] Repository* find_repository(std::string_view full_name);
  /// The repository that once had this name, unless another took the name since.
  [[nodiscard]] Repository* find_renamed(std::string_view owner, std::string_view name);

  Repository& add_repository(const std::string& owner, const std::string& name, bool is_private);
  void rename(Repository& repository, const std::string& name);
  void remove_repository(long id);

  [[nodiscard]] Json* document(const std::string& key);
  void put(const std::string& key, Json value);
  void append(const std::string& collection, const std::string& key, Json value);
  /// Removes a document and its place in every collection of the same repository.
  void remove(const std::string& key);
  [[nodiscard]] std::vector<Json*> members(const std::string& collection);

  /// Commits changes (nothing removes a file) on a branch, creating it if needed. `ready` names blobs already stored.
  const Commit& commit(Repository& repository, const std::string& branch,
                       const std::map<std::string, std::optional<std::string>>& changes, const std::string& message,
                       const std::string& author, const Files& ready = {});

  /// A logical clock: it starts at a fixed instant and steps a minute at each change, so that the same commands give
  /// the same bytes.
  std::string now();
  void set_clock(std::int64_t seconds) { m_now = seconds; }
  long next_id() { return ++m_next_id; }

 private:
  std::uint64_t m_version = 1;
  std::int64_t m_now = 1'704'067'200;  // 2024-01-01T00:00:00Z
  long m_next_id = 70'000;
  long m_last_repository = 1000;
  std::map<std::string, long> m_names;
  std::map<std::string, long> m_former_names;
};

/// "user-1" with its ids and URLs, as it stands inside other objects.
[[nodiscard]] Json simple_user(const std::string& login);
/// URLs inside bodies name the real host, so that bodies do not depend on the port.
[[nodiscard]] std::string api_url(std::string_view path);

// Objects with the shape that GitHub gives them; used by the generator and by writes.
[[nodiscard]] Json make_issue(World& world, const Repository& repository, long number, const std::string& title,
                              const Json& body, const std::string& author);
[[nodiscard]] Json make_comment(World& world, const Repository& repository, long issue, const std::string& body,
                                const std::string& author);
[[nodiscard]] Json make_label(World& world, const Repository& repository, const std::string& name,
                              const std::string& color, const Json& description);
[[nodiscard]] Json make_pull(World& world, const Repository& repository, long number, const std::string& title,
                             const std::string& author, const std::string& head);
[[nodiscard]] Json make_release(World& world, const Repository& repository, const std::string& tag,
                                const std::string& author);
/// Adds a run in state "queued" with its jobs, attempt and check-runs; returns its id.
long add_run(World& world, Repository& repository, const std::string& event);
/// queued -> in_progress -> completed, for every run of a repository, with its attempts, jobs and check-runs.
void advance_runs(World& world, const Repository& repository);
/// One issue with its empty comment and label lists; returns its number.
long add_issue(World& world, Repository& repository, const std::string& title, const Json& body,
               const std::string& author);
/// A repository without content, with every list present and empty.
Repository& create_repository(World& world, const std::string& owner, const std::string& name, bool is_private,
                              const std::string& creator);

/// Fills the world with acme.
void generate(World& world);

}  // namespace ghoard::standin
