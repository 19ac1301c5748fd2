#include "store/listing.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "store/row.hpp"

namespace ghoard::store {

namespace {

constexpr std::size_t max_listing = 1'000'000;

/// The conditions of a selection as " AND column = ?" on resource s, and what is bound to them, in order.
struct Condition {
  std::string sql;
  std::vector<std::string_view> values;

  explicit Condition(const cache::Selection& selection) {
    add("s.host", selection.host);
    add("s.path", selection.path);
    add("s.query", selection.query);
  }
  void bind(Query& query) const {
    for (const std::string_view value : values) {
      query.bind(value);
    }
  }

 private:
  void add(std::string_view column, const std::optional<std::string>& value) {
    if (value) {
      sql += " AND " + std::string(column) + " = ?";
      values.emplace_back(*value);
    }
  }
};

std::optional<cache::Listing> read_listing(const Query& query) {
  const std::optional<base::WallTime> fetched_at = time_of(query.integer(8));
  const std::optional<base::WallTime> last_used = time_of(query.integer(10));
  const std::int64_t etag_class = query.integer(13);
  if (!fetched_at || !last_used || etag_class < 0 || etag_class > 2) {
    return std::nullopt;
  }
  cache::Listing listing;
  listing.id = query.integer(0);
  listing.resource = {std::string(query.bytes(1)), std::string(query.bytes(2)), std::string(query.bytes(3)),
                      std::string(query.bytes(4)), std::string(query.bytes(5))};
  listing.status = static_cast<int>(query.integer(6));
  listing.body_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(query.integer(7), 0));
  listing.fetched_at = *fetched_at;
  listing.lifetime = base::Seconds(query.integer(9));
  listing.last_used = *last_used;
  listing.must_revalidate = query.integer(11) != 0;
  listing.grants = static_cast<std::uint32_t>(query.integer(12));
  listing.etag_class = static_cast<github::EtagClass>(etag_class);
  return listing;
}

}  // namespace

base::Result<std::vector<cache::Listing>> list_selected(const Database& database, const cache::Selection& selection,
                                                        std::size_t limit) {
  const Condition condition(selection);
  base::Result<Statement> statement = database.prepare(
      "SELECT r.id, s.host, s.path, s.query, s.accept, s.api_version, r.status, b.size, r.fetched_at, r.lifetime, "
      "r.last_used, r.must_revalidate, (SELECT count(*) FROM grants g JOIN holder h ON h.id = g.holder "
      "WHERE g.response = r.id AND h.fingerprint IS NOT NULL) AS live, r.etag_class "
      "FROM response r JOIN resource s ON s.id = r.resource JOIN body b ON b.id = r.body WHERE live > 0" +
      condition.sql + " ORDER BY r.last_used DESC, r.id DESC LIMIT ?");
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Query query(*statement);
  condition.bind(query);
  query.bind(static_cast<std::int64_t>(std::min(limit, max_listing)));
  std::vector<cache::Listing> listings;
  base::Result<bool> row = query.step();
  for (; row && *row; row = query.step()) {
    if (std::optional<cache::Listing> listing = read_listing(query)) {
      listings.push_back(std::move(*listing));
    }
  }
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  return listings;
}

base::Result<std::uint64_t> remove_selected(const Database& database, const cache::Selection& selection) {
  const Condition condition(selection);
  base::Result<Statement> statement = database.prepare(
      "DELETE FROM response WHERE resource IN (SELECT s.id FROM resource s WHERE 1" + condition.sql + ")");
  if (!statement) {
    return tl::unexpected(std::move(statement.error()));
  }
  Query query(*statement);
  condition.bind(query);
  return query.run().map([&] { return static_cast<std::uint64_t>(database.changes()); });
}

}  // namespace ghoard::store
