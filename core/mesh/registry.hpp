#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/secret.hpp"
#include "core/base/time.hpp"
#include "core/mesh/members.hpp"
#include "core/mesh/registry_page.hpp"
#include "core/mesh/registry_record.hpp"

namespace ghoard::mesh {

/// What came of one request to GitHub's API. Status 0: no answer, or not a whole one.
struct RegistryAnswer {
  int status = 0;
  http::Headers headers;
  http::Body body;  ///< may be null
};

/// How the registry reaches GitHub: one request at a time, with the agent's own token. Reads are conditional: what is
/// unchanged costs no quota.
class RegistryApi {
 public:
  using Done = std::function<void(RegistryAnswer)>;
  virtual ~RegistryApi() = default;
  /// `target`: path and query. `body`: JSON, empty for GET. `done` is called exactly once, perhaps from within, unless
  /// the API goes first.
  virtual void ask(std::string method, std::string target, std::string body, Done done) = 0;
};

struct RegistryOptions {
  RegistryPlace place;
  std::vector<base::SecretBytes> keys;  ///< registry keys of the network; the first one seals
  std::shared_ptr<const peer::Identity> identity;
};

/// For status and doctor.
struct RegistryStatus {
  std::string problem;         ///< why discovery stands still, one line with the way out; empty: it does not
  std::uint64_t issue = 0;     ///< 0: not found yet
  std::size_t peers = 0;       ///< published records that are not too old, this peer's left out
  bool published = false;      ///< this peer's own record is among them
  base::MonoTime last_read{};  ///< of the issue's comments
};

/// Discovery through a GitHub repository (overlay.md section 3): one issue, one comment per peer, sealed. Reads the
/// comments while nobody is linked, after 1 to 15 minutes; of linked peers the one that ranks highest reads, every 15
/// minutes, so that two networks that do not know of each other still meet. Writes its own comment alone, when its
/// addresses changed or after two days, six times an hour at most. What is read is verified and handed to Members, who
/// only dial it. sans-I/O; one thread.
class Registry {
 public:
  /// `members` and `api` outlive it. No call before tick().
  Registry(RegistryOptions options, Members& members, RegistryApi& api, const base::Clock& clock, Random random);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// To be called about once a second.
  void tick();
  /// Other network keys: the own comment is sealed anew if the first one changed.
  void set_keys(std::vector<base::SecretBytes> keys);
  [[nodiscard]] RegistryStatus status() const;

 private:
  struct OwnComment {
    std::uint64_t id = 0;
    PublishedRecord published;
    bool sealed_with_first = true;
  };
  using Next = void (Registry::*)(const RegistryAnswer&);

  // ---- registry.cpp: when
  void plan_for_links(base::MonoTime now);
  [[nodiscard]] bool is_read_due(base::MonoTime now);
  [[nodiscard]] bool is_write_due(base::MonoTime now);
  [[nodiscard]] bool is_reader() const;
  [[nodiscard]] bool is_refresh_due() const;
  [[nodiscard]] bool has_budget(base::MonoTime now);
  [[nodiscard]] base::Millis jitter(base::Millis range);
  [[nodiscard]] bool is_current(const PublishedRecord& published) const;

  // ---- registry_talk.cpp: what is asked, and what the answers mean
  void ask(std::string method, std::string target, std::string body, Next next);
  void write(std::string method, std::string target, const std::string& body, Next next);
  void read();
  void list_issues();
  void on_issues(const RegistryAnswer& answer);
  void absent();
  void create_issue();
  void on_issue_created(const RegistryAnswer& answer);
  void list_comments();
  void on_comments(const RegistryAnswer& answer);
  void take(const CommentText& comment);
  void comments_read();
  void publish();
  void on_published(const RegistryAnswer& answer);
  void forget_issue();
  void read_later(base::Millis pause);
  /// True if the answer is one of success. Else the next attempt is planned, unless `missing_is_news`, which leaves 404
  /// and 410, and 403 without a limit, to the caller.
  [[nodiscard]] bool accept(const RegistryAnswer& answer, bool missing_is_news);
  void back_off(const RegistryAnswer& answer, bool limited);
  void stop(std::string reason);

  const RegistryPlace m_place;
  std::vector<base::SecretBytes> m_keys;
  const std::shared_ptr<const peer::Identity> m_identity;
  Members& m_members;
  RegistryApi& m_api;
  const base::Clock& m_clock;
  Random m_random;
  const SlotKey m_slot;  ///< by which the reader is chosen

  bool m_started = false;
  bool m_busy = false;  ///< an answer is awaited
  bool m_was_linked = false;
  base::MonoTime m_blocked_until{};
  base::MonoTime m_next_read{};
  base::MonoTime m_next_write{};
  base::MonoTime m_next_listing{};
  base::Millis m_pause;                 ///< between reads while nobody is linked
  base::Millis m_penalty;               ///< after the next failure
  std::deque<base::MonoTime> m_writes;  ///< of the last hour
  std::string m_problem;

  // ---- the issue
  std::uint64_t m_issue = 0;
  bool m_absent = false;    ///< once looked for in vain
  int m_confirmations = 0;  ///< listings still to come, since others may have made an issue at the same time
  std::set<std::uint64_t> m_read_once;  ///< issues of the same title that lost

  // ---- a read under way
  std::uint64_t m_reading = 0;           ///< the issue
  std::vector<std::uint64_t> m_to_read;  ///< further ones
  unsigned m_page = 1;
  std::map<PeerId, PublishedRecord> m_found;
  std::optional<OwnComment> m_found_own;
  bool m_found_full = false;

  // ---- what is known
  std::map<PeerId, PublishedRecord> m_seen;  ///< the latest word of each
  std::optional<OwnComment> m_own;
  bool m_has_read = false;            ///< the comments of m_issue, so that the own one is known if there is one
  bool m_full = false;                ///< more comments than are read: another one would not be seen
  std::set<std::uint64_t> m_foreign;  ///< comments that look like the own one and may not be edited
  PublishedRecord m_writing;
  std::uint64_t m_own_sequence = 0;
  std::optional<base::MonoTime> m_last_read;
  std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

/// The title by which peers find the issue.
inline constexpr std::string_view registry_title = "ghoard peer discovery";

}  // namespace ghoard::mesh
