#pragma once

#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <sqlite3.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "core/base/digest.hpp"
#include "core/cache/store.hpp"
#include "store/sqlite_store.hpp"

namespace ghoard::testing {

/// A private directory below /tmp, gone with the object.
class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = "/tmp/ghs.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("mkdtemp failed");
    }
    m_path = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::permissions(m_path, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(m_path, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  /// A directory that does not exist yet: the store makes it.
  [[nodiscard]] std::filesystem::path cache() const { return m_path / "cache"; }
  [[nodiscard]] std::filesystem::path database() const { return cache() / "cache.db"; }

 private:
  std::filesystem::path m_path;
};

inline base::WallTime at(std::int64_t seconds) {
  return base::WallTime(base::Seconds(1'767'225'600 + seconds));
}

inline cache::Resource resource_of(std::string path, std::string query = "", std::string host = "api.github.com") {
  return {std::move(host), std::move(path), std::move(query), std::string(github::default_accept),
          std::string(github::default_api_version)};
}

/// Any injective function of a resource does for a store.
inline cache::ResourceKey key_for(const cache::Resource& resource) {
  base::Sha256 hash;
  for (const std::string* part :
       {&resource.host, &resource.path, &resource.query, &resource.accept, &resource.api_version}) {
    hash.update(std::to_string(part->size())).update(":").update(*part);
  }
  return hash.finish();
}

inline cache::Fingerprint token(std::string_view name) {
  return base::sha256(name);
}

inline cache::Entry entry_of(std::string body, const cache::Fingerprint& fingerprint, std::int64_t seconds = 0) {
  cache::Entry entry;
  entry.response.status = 200;
  entry.response.headers = {{"Content-Type", "application/json; charset=utf-8"}, {"X-GitHub-Media-Type", "v3"}};
  entry.response.body = std::make_shared<const std::string>(std::move(body));
  entry.response.etag_class = github::EtagClass::derivable;
  entry.response.vary = "Accept, Authorization, Cookie";
  entry.response.last_modified = "Thu, 01 Jan 2026 00:00:00 GMT";
  entry.response.fetched_at = at(seconds);
  entry.response.lifetime = base::Seconds(60);
  entry.response.shareable = true;
  entry.grant = {fingerprint, at(seconds), "W/\"" + fingerprint.hex() + "\""};
  return entry;
}

inline cache::ResponseId put(cache::Store& store, const cache::Resource& resource, const cache::Entry& entry) {
  const base::Result<cache::ResponseId> id = store.put(resource, key_for(resource), entry);
  REQUIRE_MESSAGE(id.has_value(), (id ? "" : id.error().message));
  return *id;
}

inline std::optional<cache::Entry> find(cache::Store& store, const cache::Resource& resource,
                                        const cache::Fingerprint& fingerprint) {
  base::Result<std::optional<cache::Entry>> entry = store.find(key_for(resource), fingerprint);
  REQUIRE_MESSAGE(entry.has_value(), (entry ? "" : entry.error().message));
  return std::move(*entry);
}

/// The body found, or a text that is no body.
inline std::string body_of(const std::optional<cache::Entry>& entry) {
  return entry ? *entry->response.body : "(absent)";
}

/// A connection of its own to the file, to look at it or to damage it.
class RawDatabase {
 public:
  explicit RawDatabase(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &m_handle) != SQLITE_OK) {
      throw std::runtime_error("cannot open the database");
    }
    sqlite3_busy_timeout(m_handle, 5000);
  }
  ~RawDatabase() { sqlite3_close(m_handle); }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  void run(const std::string& sql) const {
    char* message = nullptr;
    const int result = sqlite3_exec(m_handle, sql.c_str(), nullptr, nullptr, &message);
    const std::string text = message != nullptr ? message : "";
    sqlite3_free(message);
    REQUIRE_MESSAGE(result == SQLITE_OK, text);
  }
  /// The first column of all rows, one per line.
  [[nodiscard]] std::string text(const std::string& sql) const {
    std::string lines;
    const auto collect = [](void* into, int, char** values, char**) {
      auto& all = *static_cast<std::string*>(into);
      all += (all.empty() ? "" : "\n") + std::string(values[0] != nullptr ? values[0] : "");
      return 0;
    };
    const int result = sqlite3_exec(m_handle, sql.c_str(), collect, &lines, nullptr);
    return result == SQLITE_OK ? lines : std::string("(") + sqlite3_errmsg(m_handle) + ")";
  }
  [[nodiscard]] std::int64_t number(const std::string& sql) const { return std::stoll("0" + text(sql)); }
  [[nodiscard]] sqlite3* handle() const { return m_handle; }

 private:
  sqlite3* m_handle = nullptr;
};

/// Sound by SQLite's own judgement, references whole, nothing kept that nothing refers to, and the totals true.
inline void check_sound(const std::filesystem::path& file) {
  const RawDatabase raw(file);
  CHECK(raw.text("PRAGMA integrity_check") == "ok");
  CHECK(raw.text("PRAGMA foreign_key_check").empty());
  CHECK(raw.text("SELECT id FROM body WHERE id NOT IN (SELECT body FROM response)").empty());
  CHECK(raw.text("SELECT id FROM resource WHERE id NOT IN (SELECT resource FROM response)").empty());
  CHECK(raw.text("SELECT id FROM response WHERE id NOT IN (SELECT response FROM grants)").empty());
  CHECK(raw.text("SELECT entries FROM total") == raw.text("SELECT count(*) FROM response"));
  CHECK(raw.text("SELECT grants FROM total") == raw.text("SELECT count(*) FROM grants"));
  CHECK(
      raw.text("SELECT bytes FROM total") ==
      raw.text("SELECT (SELECT ifnull(sum(length(bytes)), 0) FROM body) + (SELECT ifnull(sum(length(headers)), 0) FROM "
               "response)"));
}

}  // namespace ghoard::testing
