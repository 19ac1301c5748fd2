#include "store/writer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "store/eviction.hpp"
#include "store/listing.hpp"
#include "store/row.hpp"

namespace ghoard::store {

namespace {

/// Of the grants that are too old to answer anybody, so many are kept per response, for their validators.
constexpr std::int64_t kept_old_grants = 64;
constexpr base::Millis old_grant{24LL * 3600 * 1000};
/// A revocation sweeps so many grants at once; what is left goes with later writes.
constexpr std::int64_t revocation_sweep = 2048;
constexpr int vacuum_pages = 4096;

std::string_view view_of(const base::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

/// The first column of the only row; nothing if there is none.
base::Result<std::optional<std::int64_t>> one(Query& query) {
  return query.step().map(
      [&](bool row) { return row ? std::optional<std::int64_t>(query.integer(0)) : std::optional<std::int64_t>(); });
}

/// Runs `change` in a transaction and commits it; rolls back when it fails. `change` answers a Result.
template <class Change>
auto in_transaction(Connection& connection, Change change) -> decltype(change()) {
  base::Result<Transaction> transaction = Transaction::begin(connection.database());
  if (!transaction) {
    return tl::unexpected(std::move(transaction.error()));
  }
  auto result = change();
  if (!result) {
    return result;
  }
  if (base::Result<void> done = transaction->commit(); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  return result;
}

/// The same, and a success survives a power failure. The transaction writes in any case (count_invalidation), so that
/// there is a commit to sync: what an earlier commit did without syncing may be just what makes this one a no-op.
template <class Change>
base::Result<void> durably(Connection& connection, Change change) {
  if (base::Result<void> done = connection.set_durable(true); !done) {
    return done;
  }
  base::Result<void> result = in_transaction(connection, [&] {
    return change().and_then([&] { return Query(connection.statements().count_invalidation).run(); });
  });
  if (result) {
    connection.note_synced();
  }
  // Should this fail, later commits are durable, too: slower, not wrong.
  static_cast<void>(connection.set_durable(false));
  return result;
}

base::Result<std::int64_t> id_or_add(Connection& connection, Query& look_up, Query& add) {
  base::Result<std::optional<std::int64_t>> known = one(look_up);
  if (!known) {
    return tl::unexpected(std::move(known.error()));
  }
  if (*known) {
    return **known;
  }
  return add.run().map([&] { return connection.database().last_id(); });
}

base::Result<std::int64_t> resource_id(Connection& connection, const cache::Resource& resource,
                                       const cache::ResourceKey& key) {
  Query look_up(connection.statements().resource_id);
  Query add(connection.statements().add_resource);
  look_up.bind(key);
  add.bind(key)
      .bind(resource.host)
      .bind(resource.path)
      .bind(resource.query)
      .bind(resource.accept)
      .bind(resource.api_version);
  return id_or_add(connection, look_up, add);
}

base::Result<std::int64_t> body_id(Connection& connection, const base::Digest& hash, const std::string& bytes) {
  Query look_up(connection.statements().body_id);
  Query add(connection.statements().add_body);
  look_up.bind(hash);
  add.bind(hash).bind(static_cast<std::int64_t>(bytes.size())).bind(Checksum().add(bytes).value()).bind_blob(bytes);
  return id_or_add(connection, look_up, add);
}

base::Result<std::int64_t> holder_id(Connection& connection, const cache::Fingerprint& fingerprint) {
  Query look_up(connection.statements().holder_id);
  Query add(connection.statements().add_holder);
  look_up.bind(fingerprint);
  add.bind(fingerprint);
  return id_or_add(connection, look_up, add);
}

/// What is written of one entry; views into it and into `headers`.
struct Prepared {
  std::string headers;
  base::Digest hash;
  ResponseRow row;
  std::int64_t checksum = 0;
  std::int64_t last_used = 0;
};

base::Result<void> check_texts(const cache::Grant& grant) {
  if (grant.etag.size() > max_text) {
    return base::fail(base::ErrorCode::too_large, "cache: the ETag is too large");
  }
  if (grant.etag.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos ||
      !time_of(to_stored(grant.proven_at))) {
    return base::fail(base::ErrorCode::invalid_input, "cache: the grant cannot be stored");
  }
  return {};
}

base::Result<void> prepare(const cache::ResourceKey& key, const cache::Entry& entry, Prepared& prepared) {
  if (entry.response.body == nullptr) {
    return base::fail(base::ErrorCode::invalid_input, "cache: an answer without a body cannot be stored");
  }
  base::Result<std::string> headers = encode_headers(entry.response.headers);
  if (!headers) {
    return tl::unexpected(std::move(headers.error()));
  }
  prepared.headers = std::move(*headers);
  base::Result<ResponseRow> row = to_row(entry.response, prepared.headers);
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  prepared.row = *row;
  prepared.hash = base::sha256(*entry.response.body);
  prepared.checksum = prepared.row.checksum(view_of(key), view_of(prepared.hash));
  prepared.last_used = to_stored(std::max(entry.response.fetched_at, entry.grant.proven_at));
  return check_texts(entry.grant);
}

void bind_row(Query& query, const Prepared& prepared, bool must_revalidate) {
  const ResponseRow& row = prepared.row;
  query.bind(std::int64_t{must_revalidate ? 1 : 0})
      .bind(prepared.last_used)
      .bind(row.fetched_at)
      .bind(row.lifetime)
      .bind(row.etag_class)
      .bind(row.flags)
      .bind(prepared.checksum)
      .bind(row.vary)
      .bind(row.last_modified)
      .bind_blob(row.headers);
}

base::Result<void> update_response(Connection& connection, const Prepared& prepared, const cache::Entry& entry,
                                   std::int64_t id) {
  Query query(connection.statements().update_response);
  bind_row(query, prepared, entry.response.must_revalidate);
  return query.bind(id).run();
}

base::Result<std::int64_t> add_response(Connection& connection, const Prepared& prepared, const cache::Entry& entry,
                                        std::int64_t resource, std::int64_t body) {
  Query query(connection.statements().add_response);
  bind_row(query, prepared, entry.response.must_revalidate);
  query.bind(resource).bind(body).bind(prepared.row.status);
  return query.run().map([&] { return connection.database().last_id(); });
}

base::Result<std::int64_t> write_response(Connection& connection, const Prepared& prepared, const cache::Entry& entry,
                                          std::int64_t resource) {
  base::Result<std::int64_t> body = body_id(connection, prepared.hash, *entry.response.body);
  if (!body) {
    return body;
  }
  Query look_up(connection.statements().same_response);
  base::Result<std::optional<std::int64_t>> same = one(look_up.bind(resource).bind(*body).bind(prepared.row.status));
  if (!same) {
    return tl::unexpected(std::move(same.error()));
  }
  if (!*same) {
    return add_response(connection, prepared, entry, resource, *body);
  }
  return update_response(connection, prepared, entry, **same).map([&] { return **same; });
}

base::Result<void> write_grant(Connection& connection, const cache::Grant& grant, std::int64_t resource,
                               std::int64_t response) {
  base::Result<std::int64_t> holder = holder_id(connection, grant.fingerprint);
  if (!holder) {
    return tl::unexpected(std::move(holder.error()));
  }
  const std::int64_t proven = to_stored(grant.proven_at);
  Query set(connection.statements().set_grant);
  set.bind(resource).bind(*holder).bind(response).bind(proven).bind(std::string_view(grant.etag));
  set.bind(std::int64_t{grant.unverified ? 1 : 0});
  if (base::Result<void> done = set.run(); !done) {
    return done;
  }
  Query prune(connection.statements().prune_grants);
  base::Result<void> pruned = prune.bind(response).bind(kept_old_grants).bind(proven - old_grant.count()).run();
  if (pruned && connection.database().changes() > 0) {
    connection.note_unsynced_loss();
  }
  return pruned;
}

/// The response that a 304 was about: the very bytes that were validated, of this resource.
base::Result<std::int64_t> renewed_response(Connection& connection, const Prepared& prepared, std::int64_t resource,
                                            cache::ResponseId id) {
  const Statements& statements = connection.statements();
  Query body_query(statements.body_id);
  base::Result<std::optional<std::int64_t>> body = one(body_query.bind(prepared.hash));
  if (!body) {
    return tl::unexpected(std::move(body.error()));
  }
  const std::int64_t body_id = body->value_or(0);
  Query by_id(statements.response_by_id);
  Query same(statements.same_response);
  base::Result<std::optional<std::int64_t>> found =
      id != 0 ? one(by_id.bind(id).bind(resource).bind(body_id).bind(prepared.row.status))
              : one(same.bind(resource).bind(body_id).bind(prepared.row.status));
  if (!found) {
    return tl::unexpected(std::move(found.error()));
  }
  if (!*found) {
    return base::fail(base::ErrorCode::unavailable, "cache: the response is not stored any more");
  }
  return **found;
}

base::Result<void> mark(Connection& connection, const github::Tag& tag) {
  const Statements& statements = connection.statements();
  if (tag.prefix.empty()) {
    return Query(statements.mark_host).bind(std::string_view(tag.host)).run();
  }
  const std::string from = tag.prefix + '/';
  const std::string to = tag.prefix + static_cast<char>('/' + 1);
  return Query(statements.mark_below)
      .bind(std::string_view(tag.host))
      .bind(std::string_view(tag.prefix))
      .bind(std::string_view(from))
      .bind(std::string_view(to))
      .run();
}

/// Reads entries row by row; a row that contradicts itself is left out, and its response's id is noted.
base::Result<std::vector<cache::Entry>> read_entries(Query& query, std::vector<std::int64_t>& damaged) {
  std::vector<cache::Entry> entries;
  base::Result<bool> row = query.step();
  for (; row && *row; row = query.step()) {
    if (std::optional<cache::Entry> entry = read_entry(query)) {
      entries.push_back(std::move(*entry));
    } else {
      damaged.push_back(query.integer(0));
    }
  }
  if (!row) {
    return tl::unexpected(std::move(row.error()));
  }
  return entries;
}

base::Result<void> drop_damaged(Connection& connection, const std::vector<std::int64_t>& ids) {
  return in_transaction(connection, [&]() -> base::Result<void> {
    for (const std::int64_t id : ids) {
      if (base::Result<void> done = Query(connection.statements().drop_damaged).bind(id).run(); !done) {
        return done;
      }
      if (connection.database().changes() == 0) {
        return base::fail(base::ErrorCode::corrupted, "cache database: a damaged row cannot be removed");
      }
    }
    connection.note_unsynced_loss();
    return {};
  });
}

/// Runs an entry query and removes what of its rows is damaged; only a damaged database fails it.
base::Result<std::vector<cache::Entry>> sound_entries(Connection& connection, Query& query) {
  std::vector<std::int64_t> damaged;
  base::Result<std::vector<cache::Entry>> entries = read_entries(query, damaged);
  if (entries && !damaged.empty()) {
    base::Result<void> dropped = drop_damaged(connection, damaged);
    if (!dropped && dropped.error().code == base::ErrorCode::corrupted) {
      return tl::unexpected(std::move(dropped.error()));
    }
  }
  return entries;
}

}  // namespace

base::Result<std::optional<cache::Entry>> find(Connection& connection, const cache::ResourceKey& key,
                                               const cache::Fingerprint& fingerprint) {
  return sound_entries(connection, Query(connection.statements().find).bind(key).bind(fingerprint))
      .map([](std::vector<cache::Entry> entries) {
        return entries.empty() ? std::optional<cache::Entry>() : std::optional(std::move(entries.front()));
      });
}

base::Result<std::vector<cache::Entry>> candidates(Connection& connection, const cache::ResourceKey& key,
                                                   std::size_t limit) {
  const auto rows = static_cast<std::int64_t>(std::min<std::size_t>(limit, 1000));
  return sound_entries(connection, Query(connection.statements().candidates).bind(key).bind(flag_shareable).bind(rows));
}

base::Result<Stored> put(Connection& connection, const cache::Resource& resource, const cache::ResourceKey& key,
                         const cache::Entry& entry, std::uint64_t max_bytes) {
  for (const std::string* text :
       {&resource.host, &resource.path, &resource.query, &resource.accept, &resource.api_version}) {
    if (text->size() > max_text) {
      return base::fail(base::ErrorCode::too_large, "cache: the resource's name is too large");
    }
  }
  Prepared prepared;
  if (base::Result<void> done = prepare(key, entry, prepared); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  return in_transaction(connection, [&]() -> base::Result<Stored> {
    Stored stored;
    base::Result<std::int64_t> place = resource_id(connection, resource, key);
    base::Result<void> done = place.map([](std::int64_t) {}).and_then([&] {
      return write_response(connection, prepared, entry, *place)
          .map([&](std::int64_t id) { stored.id = id; })
          .and_then([&] { return write_grant(connection, entry.grant, *place, stored.id); })
          .and_then([&] { return sweep_revoked(connection, sweep_step); })
          .and_then([&] { return evict(connection, stored.id, max_bytes); })
          .map([&](std::uint64_t evicted) { stored.evicted = evicted; });
    });
    return done.map([&] { return stored; });
  });
}

base::Result<void> renew(Connection& connection, const cache::ResourceKey& key, const cache::Entry& entry) {
  Prepared prepared;
  if (base::Result<void> done = prepare(key, entry, prepared); !done) {
    return done;
  }
  return in_transaction(connection, [&]() -> base::Result<void> {
    Query look_up(connection.statements().resource_id);
    base::Result<std::optional<std::int64_t>> place = one(look_up.bind(key));
    if (!place) {
      return tl::unexpected(std::move(place.error()));
    }
    base::Result<std::int64_t> id = renewed_response(connection, prepared, place->value_or(0), entry.response.id);
    return id.map([](std::int64_t) {})
        .and_then([&] { return update_response(connection, prepared, entry, *id); })
        .and_then([&] { return write_grant(connection, entry.grant, **place, *id); });
  });
}

base::Result<void> drop_grant(Connection& connection, const cache::ResourceKey& key,
                              const cache::Fingerprint& fingerprint) {
  connection.note_unsynced_loss();
  return Query(connection.statements().drop_grant).bind(key).bind(fingerprint).run();
}

base::Result<void> revoke(Connection& connection, const cache::ResourceKey& key,
                          const cache::Fingerprint& fingerprint) {
  if (!connection.has_unsynced_loss()) {
    // Most answers 404 are about something that never was cached: then there is nothing to write and to wait for.
    Query look_up(connection.statements().has_grant);
    base::Result<bool> granted = look_up.bind(key).bind(fingerprint).step();
    if (granted && !*granted) {
      return {};
    }
  }
  return durably(connection,
                 [&] { return Query(connection.statements().drop_grant).bind(key).bind(fingerprint).run(); });
}

base::Result<void> revoke_all(Connection& connection, const cache::Fingerprint& fingerprint) {
  if (!connection.has_unsynced_loss()) {
    Query look_up(connection.statements().holder_id);
    base::Result<bool> known = look_up.bind(fingerprint).step();
    if (known && !*known) {
      return {};
    }
  }
  return durably(connection, [&] {
    return Query(connection.statements().disown).bind(fingerprint).run().and_then([&] {
      return sweep_revoked(connection, revocation_sweep);
    });
  });
}

base::Result<void> invalidate(Connection& connection, std::span<const github::Tag> tags) {
  return durably(connection, [&]() -> base::Result<void> {
    for (const github::Tag& tag : tags) {
      if (base::Result<void> done = mark(connection, tag); !done) {
        return done;
      }
    }
    return {};
  });
}

base::Result<void> touch(Connection& connection, std::span<const cache::ResponseId> ids, base::WallTime now) {
  return in_transaction(connection, [&]() -> base::Result<void> {
    for (const cache::ResponseId id : ids) {
      if (base::Result<void> done = Query(connection.statements().touch).bind(id).bind(to_stored(now)).run(); !done) {
        return done;
      }
    }
    return sweep_revoked(connection, sweep_step);
  });
}

base::Result<std::uint64_t> remove(Connection& connection, const cache::Selection& selection) {
  std::uint64_t removed = 0;
  base::Result<void> done = durably(connection, [&] {
    return remove_selected(connection.database(), selection).map([&](std::uint64_t count) { removed = count; });
  });
  if (!done) {
    return tl::unexpected(std::move(done.error()));
  }
  connection.shrink(vacuum_pages);
  return removed;
}

}  // namespace ghoard::store
