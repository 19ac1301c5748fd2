#include "store/statements.hpp"

#include "store/row.hpp"

namespace ghoard::store {

const std::string& find_sql() {
  // CROSS JOIN: the order is given, not guessed.
  static const std::string sql =
      "SELECT " + std::string(entry_columns) +
      "FROM resource s CROSS JOIN holder h CROSS JOIN grants g CROSS JOIN response r CROSS JOIN body b "
      "WHERE s.key = ?1 AND h.fingerprint = ?2 AND g.resource = s.id AND g.holder = h.id "
      "AND r.id = g.response AND r.resource = s.id AND b.id = r.body";
  return sql;
}

namespace {

std::string candidates_sql() {
  return "SELECT " + std::string(entry_columns) +
         "FROM resource s CROSS JOIN response r CROSS JOIN body b CROSS JOIN grants g CROSS JOIN holder h "
         "WHERE s.key = ?1 AND r.resource = s.id AND (r.flags & ?2) <> 0 AND b.id = r.body "
         "AND g.resource = s.id AND g.holder = (SELECT g2.holder FROM grants g2 JOIN holder h2 ON h2.id = g2.holder "
         "WHERE g2.response = r.id AND h2.fingerprint IS NOT NULL ORDER BY g2.proven_at DESC LIMIT 1) "
         "AND h.id = g.holder ORDER BY r.fetched_at DESC, r.id DESC LIMIT ?3";
}

}  // namespace

std::vector<std::pair<Statement*, std::string>> writer_statements(Statements& s) {
  return {
      {&s.find, find_sql()},
      {&s.candidates, candidates_sql()},
      {&s.totals, totals_sql},

      {&s.resource_id, "SELECT id FROM resource WHERE key = ?1"},
      {&s.add_resource,
       "INSERT INTO resource(key, host, path, query, accept, api_version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&s.body_id, "SELECT id FROM body WHERE hash = ?1"},
      {&s.add_body, "INSERT INTO body(hash, size, checksum, bytes) VALUES (?1, ?2, ?3, ?4)"},
      {&s.holder_id, "SELECT id FROM holder WHERE fingerprint = ?1"},
      {&s.add_holder, "INSERT INTO holder(fingerprint) VALUES (?1)"},
      {&s.same_response, "SELECT id FROM response WHERE resource = ?1 AND body = ?2 AND status = ?3"},
      {&s.response_by_id, "SELECT id FROM response WHERE id = ?1 AND resource = ?2 AND body = ?3 AND status = ?4"},
      {&s.add_response,
       "INSERT INTO response(must_revalidate, last_used, fetched_at, lifetime, etag_class, flags, checksum, vary, "
       "last_modified, headers, resource, body, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
       "?13)"},
      {&s.update_response,
       "UPDATE response SET must_revalidate = ?1, last_used = ?2, fetched_at = ?3, lifetime = ?4, etag_class = ?5, "
       "flags = ?6, checksum = ?7, vary = ?8, last_modified = ?9, headers = ?10 WHERE id = ?11"},
      {&s.set_grant,
       "INSERT INTO grants(resource, holder, response, proven_at, etag, unverified) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
       "ON CONFLICT(resource, holder) DO UPDATE SET response = excluded.response, proven_at = excluded.proven_at, "
       "etag = excluded.etag, unverified = excluded.unverified"},
      // Of the grants too old to answer anybody (?3), all but the latest ?2 go: every job of a fleet brings a token.
      {&s.prune_grants,
       "DELETE FROM grants WHERE (resource, holder) IN (SELECT resource, holder FROM grants "
       "WHERE response = ?1 AND proven_at < ?3 ORDER BY proven_at DESC LIMIT 256 OFFSET ?2)"},

      {&s.has_grant,
       "SELECT 1 FROM grants WHERE resource = (SELECT id FROM resource WHERE key = ?1) "
       "AND holder = (SELECT id FROM holder WHERE fingerprint = ?2)"},
      {&s.drop_grant,
       "DELETE FROM grants WHERE resource = (SELECT id FROM resource WHERE key = ?1) "
       "AND holder = (SELECT id FROM holder WHERE fingerprint = ?2)"},
      {&s.disown, "UPDATE holder SET fingerprint = NULL WHERE fingerprint = ?1"},
      {&s.disowned, "SELECT id FROM holder WHERE fingerprint IS NULL LIMIT 1"},
      {&s.sweep,
       "DELETE FROM grants WHERE (resource, holder) IN (SELECT resource, holder FROM grants WHERE holder = ?1 LIMIT "
       "?2)"},
      {&s.forget_holder, "DELETE FROM holder WHERE id = ?1"},
      {&s.mark_host,
       "UPDATE response SET must_revalidate = 1 WHERE must_revalidate = 0 "
       "AND resource IN (SELECT id FROM resource WHERE host = ?1)"},
      // ?2 is the path itself; what lies below it is between "path/" (?3) and "path0" (?4): '0' follows '/' in ASCII.
      {&s.mark_below,
       "UPDATE response SET must_revalidate = 1 WHERE must_revalidate = 0 AND resource IN ("
       "SELECT id FROM resource WHERE host = ?1 AND path = ?2 UNION ALL "
       "SELECT id FROM resource WHERE host = ?1 AND path >= ?3 AND path < ?4)"},
      {&s.count_invalidation, "UPDATE total SET invalidations = invalidations + 1"},
      {&s.touch, "UPDATE response SET last_used = ?2 WHERE id = ?1"},
      {&s.evict, "DELETE FROM response WHERE id = (SELECT id FROM response WHERE id <> ?1 ORDER BY last_used LIMIT 1)"},
      // With everything that shares its body: it may be the body that is damaged.
      {&s.drop_damaged, "DELETE FROM response WHERE body = (SELECT body FROM response WHERE id = ?1)"},
  };
}

}  // namespace ghoard::store
