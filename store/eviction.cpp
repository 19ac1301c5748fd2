#include "store/eviction.hpp"

#include <utility>

namespace ghoard::store {

base::Result<std::uint64_t> evict(Connection& connection, std::int64_t keep, std::uint64_t max_bytes) {
  const auto limit = static_cast<std::int64_t>(max_bytes);
  std::uint64_t evicted = 0;
  while (true) {
    base::Result<Totals> totals = connection.totals();
    if (!totals) {
      return tl::unexpected(std::move(totals.error()));
    }
    // One entry alone is below the limit: larger ones are not stored.
    if (totals->charged() <= limit || totals->entries <= 1) {
      return evicted;
    }
    if (base::Result<void> done = Query(connection.statements().evict).bind(keep).run(); !done) {
      return tl::unexpected(std::move(done.error()));
    }
    if (connection.database().changes() == 0) {
      return base::fail(base::ErrorCode::corrupted, "cache database: its totals are damaged");
    }
    connection.note_unsynced_loss();
    ++evicted;
  }
}

base::Result<void> sweep_revoked(Connection& connection, std::int64_t steps) {
  const Statements& statements = connection.statements();
  while (steps > 0) {
    std::int64_t holder = 0;
    {
      Query query(statements.disowned);
      base::Result<bool> row = query.step();
      if (!row) {
        return tl::unexpected(std::move(row.error()));
      }
      if (!*row) {
        return {};
      }
      holder = query.integer(0);
    }
    if (base::Result<void> done = Query(statements.sweep).bind(holder).bind(steps).run(); !done) {
      return done;
    }
    const std::int64_t swept = connection.database().changes();
    if (swept < steps) {
      // That was all. The trigger has removed a holder whose last grant went; one without any is left to us.
      if (base::Result<void> done = Query(statements.forget_holder).bind(holder).run(); !done) {
        return done;
      }
    }
    steps -= swept + 1;
  }
  return {};
}

}  // namespace ghoard::store
