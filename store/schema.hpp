#pragma once

#include <cstdint>

#include "store/database.hpp"

namespace ghoard::store {

/// "ghod", so that file(1) and we can tell whose database it is.
inline constexpr std::int64_t application_id = 0x67686f64;

/// The schema this build reads and writes; PRAGMA user_version of the database.
[[nodiscard]] std::int64_t schema_version();

enum class SchemaState {
  empty,    ///< a new database
  older,    ///< ours, to be migrated
  current,  ///< ours
  newer,    ///< written by a later version
  foreign,  ///< not ours, or ours with damaged definitions
};

struct SchemaReport {
  SchemaState state = SchemaState::empty;
  std::int64_t version = 0;
};

/// Reads the first pages only: cheap however large the database is. A page that cannot be read is a failure.
[[nodiscard]] base::Result<SchemaReport> inspect_schema(const Database& database);

/// Applies the migrations that are missing, in one transaction.
[[nodiscard]] base::Result<void> migrate(const Database& database);

/// Gives this connection the triggers that keep the tables consistent. Nobody may write without them.
[[nodiscard]] base::Result<void> install_triggers(const Database& database);

}  // namespace ghoard::store
