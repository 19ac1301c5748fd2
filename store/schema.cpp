#include "store/schema.hpp"

#include <array>
#include <map>
#include <string>
#include <utility>

namespace ghoard::store {

namespace {

// A grant names its holder by number, so that revoking a token is one UPDATE however much it was granted: the holder
// loses its fingerprint, nothing finds its grants any more, and they are swept in small steps.
//
// response.id is never used twice (AUTOINCREMENT): a 304 for an evicted response must not renew its successor.
constexpr const char* version_1 = R"sql(
CREATE TABLE total(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  entries INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  grants INTEGER NOT NULL,
  invalidations INTEGER NOT NULL
);
INSERT INTO total VALUES (1, 0, 0, 0, 0);

CREATE TABLE holder(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint BLOB UNIQUE
);

CREATE TABLE resource(
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  host TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  accept TEXT NOT NULL,
  api_version TEXT NOT NULL
);
CREATE INDEX resource_place ON resource(host, path);

CREATE TABLE body(
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  bytes BLOB NOT NULL
);

CREATE TABLE response(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  resource INTEGER NOT NULL REFERENCES resource(id),
  body INTEGER NOT NULL REFERENCES body(id),
  status INTEGER NOT NULL,
  must_revalidate INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  fetched_at INTEGER NOT NULL,
  lifetime INTEGER NOT NULL,
  etag_class INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  vary TEXT NOT NULL,
  last_modified TEXT NOT NULL,
  headers BLOB NOT NULL
);
CREATE INDEX response_resource ON response(resource);
CREATE INDEX response_body ON response(body);
CREATE INDEX response_used ON response(last_used);

CREATE TABLE grants(
  resource INTEGER NOT NULL,
  holder INTEGER NOT NULL REFERENCES holder(id),
  response INTEGER NOT NULL REFERENCES response(id) ON DELETE CASCADE,
  proven_at INTEGER NOT NULL,
  etag TEXT NOT NULL,
  PRIMARY KEY (resource, holder)
) WITHOUT ROWID;
CREATE INDEX grants_response ON grants(response, proven_at);
CREATE INDEX grants_holder ON grants(holder);
)sql";

// Whether a grant is only a peer's word.
constexpr const char* version_2 = R"sql(
ALTER TABLE grants ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0;
)sql";

// What refers to a thing is counted by asking the index on it, not by a counter that could drift. The triggers are the
// one place that knows when a response, body, resource or holder has no use any more, and that keeps `total` true.
//
// They are the writer's own, not the file's: a reader, whose whole life is one look-up, would spend a fourth of it on
// parsing them, and what a damaged file could say in triggers need not be feared.
constexpr const char* triggers = R"sql(
CREATE TEMP TRIGGER body_new AFTER INSERT ON main.body BEGIN
  UPDATE total SET bytes = bytes + new.size;
END;
CREATE TEMP TRIGGER body_gone AFTER DELETE ON main.body BEGIN
  UPDATE total SET bytes = bytes - old.size;
END;
CREATE TEMP TRIGGER response_new AFTER INSERT ON main.response BEGIN
  UPDATE total SET entries = entries + 1, bytes = bytes + length(new.headers);
END;
CREATE TEMP TRIGGER response_changed AFTER UPDATE OF headers ON main.response BEGIN
  UPDATE total SET bytes = bytes + length(new.headers) - length(old.headers);
END;
CREATE TEMP TRIGGER response_gone AFTER DELETE ON main.response BEGIN
  UPDATE total SET entries = entries - 1, bytes = bytes - length(old.headers);
  DELETE FROM body WHERE id = old.body AND NOT EXISTS (SELECT 1 FROM response WHERE body = old.body);
  DELETE FROM resource WHERE id = old.resource AND NOT EXISTS (SELECT 1 FROM response WHERE resource = old.resource);
END;
CREATE TEMP TRIGGER grant_new AFTER INSERT ON main.grants BEGIN
  UPDATE total SET grants = grants + 1;
END;
CREATE TEMP TRIGGER grant_moved AFTER UPDATE OF response ON main.grants WHEN new.response <> old.response BEGIN
  DELETE FROM response WHERE id = old.response AND NOT EXISTS (SELECT 1 FROM grants WHERE response = old.response);
END;
CREATE TEMP TRIGGER grant_gone AFTER DELETE ON main.grants BEGIN
  UPDATE total SET grants = grants - 1;
  DELETE FROM response WHERE id = old.response AND NOT EXISTS (SELECT 1 FROM grants WHERE response = old.response);
  DELETE FROM holder WHERE id = old.holder AND NOT EXISTS (SELECT 1 FROM grants WHERE holder = old.holder);
END;
)sql";

/// Migration i leads from version i to i + 1. Never edit one that was released; add the next.
constexpr std::array migrations{version_1, version_2};

using Definitions = std::map<std::string, std::string>;

base::Result<Definitions> definitions_of(const Database& database) {
  base::Result<Statement> statement =
      database.prepare("SELECT type || ' ' || name, ifnull(sql, '') FROM sqlite_schema ORDER BY rowid");
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Definitions definitions;
  Query query(*statement);
  base::Result<bool> row = query.step();
  for (; row && *row; row = query.step()) {
    definitions.emplace(std::string(query.bytes(0)), std::string(query.bytes(1)));
  }
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  return definitions;
}

base::Result<void> apply(const Database& database, std::int64_t from) {
  for (std::size_t i = static_cast<std::size_t>(from); i < migrations.size(); ++i) {
    if (base::Result<void> done = database.execute(migrations[i]); !done) {
      return done;
    }
  }
  const std::string stamp = "PRAGMA application_id = " + std::to_string(application_id) +
                            "; PRAGMA user_version = " + std::to_string(migrations.size());
  return database.execute(stamp.c_str());
}

/// The definitions of the current version, made by running the migrations; a damaged or foreign schema differs.
base::Result<Definitions> expected_definitions() {
  base::Result<Database> scratch = Database::open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  if (!scratch) {
    return tl::unexpected(std::move(scratch.error()));
  }
  if (base::Result<void> done = apply(*scratch, 0); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  return definitions_of(*scratch);
}

base::Result<SchemaState> current_or_foreign(const Database& database) {
  base::Result<Definitions> expected = expected_definitions();
  if (!expected) {
    return tl::unexpected(std::move(expected.error()));
  }
  base::Result<Definitions> found = definitions_of(database);
  if (!found) {
    return tl::unexpected(std::move(found.error()));
  }
  return *expected == *found ? SchemaState::current : SchemaState::foreign;
}

}  // namespace

std::int64_t schema_version() {
  return static_cast<std::int64_t>(migrations.size());
}

base::Result<SchemaReport> inspect_schema(const Database& database) {
  base::Result<std::int64_t> id = database.integer("PRAGMA application_id");
  if (!id) {
    return tl::unexpected(std::move(id.error()));
  }
  base::Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) {
    return tl::unexpected(std::move(version.error()));
  }
  if (*id == application_id && *version > schema_version()) {
    // Nothing more is read: this build's SQLite may not even be able to parse a later version's definitions.
    return SchemaReport{SchemaState::newer, *version};
  }
  base::Result<std::int64_t> objects = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!objects) {
    return tl::unexpected(std::move(objects.error()));
  }
  if (*id == 0 && *version == 0 && *objects == 0) {
    return SchemaReport{SchemaState::empty, 0};
  }
  if (*id != application_id || *version <= 0) {
    return SchemaReport{SchemaState::foreign, *version};
  }
  if (*version < schema_version()) {
    return SchemaReport{SchemaState::older, *version};
  }
  base::Result<SchemaState> state = current_or_foreign(database);
  if (!state) {
    return tl::unexpected(std::move(state.error()));
  }
  return SchemaReport{*state, *version};
}

base::Result<void> migrate(const Database& database) {
  base::Result<Transaction> transaction = Transaction::begin(database);
  if (!transaction) {
    return tl::unexpected(std::move(transaction.error()));
  }
  // Read again under the write lock: another process may have done it in between.
  base::Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) {
    return tl::unexpected(std::move(version.error()));
  }
  if (*version < schema_version()) {
    if (base::Result<void> done = apply(database, *version); !done) {
      return done;
    }
  }
  return transaction->commit();
}

base::Result<void> install_triggers(const Database& database) {
  return database.execute(triggers);
}

}  // namespace ghoard::store
