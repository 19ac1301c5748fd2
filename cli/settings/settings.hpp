#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/github/canonical.hpp"

namespace ghoard::settings {

/// Where a value came from, weakest first.
enum class Source { built_in, file, environment, flag };

/// One row of the table of settings: the one place that names them. Drives environment, config.toml, `config list`,
/// and the manual page (a test compares).
struct Setting {
  std::string_view key;          ///< in config.toml and for `config get`: "default_ttl"
  std::string_view environment;  ///< "GHOARD_DEFAULT_TTL"
  std::string_view alias;        ///< "CACHE_DEFAULT_TTL" or empty
  enum class Kind { boolean, seconds, bytes, port, url, text, list, path } kind;
  std::string_view default_value;
  bool fixed_at_start = true;  ///< a running agent keeps the value it was started with
  bool secret = false;         ///< `config list` shows only whether it is set
  std::string_view summary;
};
[[nodiscard]] std::span<const Setting> table();

struct Value {
  std::string text;  ///< normalised: booleans true/false, seconds and bytes as plain numbers
  Source source = Source::built_in;
  std::string origin;  ///< "default", "GHOARD_DEFAULT_TTL", "/path/config.toml:3", "--flag"
};

/// Reads one environment variable; absent or empty means unset. Injected so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

/// Directories of one instance: GHOARD_HOME's four, or XDG's. `run` is XDG_RUNTIME_DIR/ghoard, else
/// /run/user/UID/ghoard, else the state directory; never TMPDIR.
struct Paths {
  std::filesystem::path config;
  std::filesystem::path cache;
  std::filesystem::path state;
  std::filesystem::path run;

  [[nodiscard]] std::filesystem::path config_file() const { return config / "config.toml"; }
  /// Beside the database: one agent per cache, wherever the state is.
  [[nodiscard]] std::filesystem::path agent_record() const { return cache / "agent.lock"; }
  [[nodiscard]] std::filesystem::path start_lock() const { return state / "start.lock"; }
  [[nodiscard]] std::filesystem::path agent_log() const { return state / "agent.log"; }
  /// Whom the agent has met; its own.
  [[nodiscard]] std::filesystem::path peers_file() const { return state / "peers"; }
  [[nodiscard]] std::filesystem::path socket() const { return run / "agent.sock"; }
};
[[nodiscard]] base::Result<Paths> find_paths(const Environment& environment);

/// A Unix socket's path must fit sockaddr_un (107 bytes on Linux); the error names the fix. The agent checks before it
/// binds, the client before it starts an agent.
[[nodiscard]] base::Result<void> check_socket_path(const std::filesystem::path& socket);

/// Every setting with its effective value and origin; flag > environment > file > default. Unknown keys and values that
/// do not parse are errors naming file and line or variable. The file is opened only if it exists.
class Settings {
 public:
  static base::Result<Settings> load(const Paths& paths, const Environment& environment,
                                     const std::map<std::string, std::string>& flags = {});

  [[nodiscard]] const Value& value(std::string_view key) const;  ///< `key` must be in the table
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::uint64_t number(std::string_view key) const;
  [[nodiscard]] const std::string& text(std::string_view key) const { return value(key).text; }
  [[nodiscard]] std::vector<std::string> list(std::string_view key) const;
  /// True when somebody set it: file, environment or flag.
  [[nodiscard]] bool is_explicit(std::string_view key) const { return value(key).source != Source::built_in; }
  /// Wipes a secret that has been used: from here on its text says only that it is set.
  void forget_secret(std::string_view key);
  /// Takes one value as `other` has it: what a hang-up signal re-reads.
  void take_over(const Settings& other, std::string_view key);
  /// A short hash of each setting fixed at start, "key:hash,...", for the agent's record. Of secrets it tells only
  /// whether they are set.
  [[nodiscard]] std::string fixed_hash() const;
  /// The explicit settings that are fixed at start and differ from those behind `record_hash`, another process's
  /// fixed_hash(). Keys that the other side does not know are left out.
  [[nodiscard]] std::vector<std::string_view> differing(std::string_view record_hash) const;

 private:
  std::map<std::string, Value, std::less<>> m_values;
};

/// Which server stands for github.com's API: from `api_url`.
[[nodiscard]] github::OriginMap origin_map(const Settings& settings);

/// Writes one key into config.toml (0600, replaced atomically), keeping the rest of the file as it is.
base::Result<void> store_setting(const Paths& paths, std::string_view key, std::string_view value);

/// "90s", "5m", "1h30m", "1d", or plain seconds; Go's duration syntax plus `d`. For freshness flags and seconds
/// settings.
/// A fraction of a second is cut off; more than 2^31-1 seconds are refused; a leading '-' is accepted, as Go does.
[[nodiscard]] base::Result<std::int64_t> parse_duration_seconds(std::string_view text, bool allow_plain_number);
/// "512MiB", "1GB", "4096"; K, M, G and T alone are binary.
[[nodiscard]] base::Result<std::uint64_t> parse_bytes(std::string_view text);

/// The text of one value in normal form, as `Value::text` holds it; empty stays empty (unset).
[[nodiscard]] base::Result<std::string> normalise(const Setting& setting, std::string_view text);

/// Makes a directory and its missing parents, 0700, and refuses one that others own or may write.
base::Result<void> ensure_private_directory(const std::filesystem::path& directory);

}  // namespace ghoard::settings
