#include <algorithm>
#include <utility>

#include "core/mesh/message_fields.hpp"
#include "core/mesh/shared_headers.hpp"

namespace ghoard::mesh {

namespace {

std::uint64_t count(std::chrono::duration<std::int64_t, std::milli> time) {
  return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

/// What the other side would refuse is left out.
std::string_view field(const std::string& value) {
  return is_field_value(value) && value.size() <= longest_header_value ? std::string_view(value) : std::string_view();
}

std::string printable(std::string_view text, std::size_t longest) {
  std::string result(text.substr(0, longest));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return result;
}

Writer fields_of(const PeerRecord& record) {
  Writer fields;
  write(fields, record);
  return fields;
}

Writer fields_of(const cache::Resource& resource) {
  Writer fields;
  fields.bytes(resource.host).bytes(resource.path).bytes(resource.query).bytes(resource.accept);
  fields.text(printable(resource.api_version, longest_api_version));
  return fields;
}

Writer fields_of(const http::Headers& headers) {
  Writer list;
  for (const http::Header& header : headers) {
    Writer pair;
    pair.text(header.name).bytes(header.value);
    list.list(std::move(pair));
  }
  return list;
}

Writer fields_of(const cache::SharedValue& value) {
  Writer fields;
  fields.number(static_cast<std::uint64_t>(value.status)).list(fields_of(shareable_headers(value.headers)));
  fields.number(static_cast<std::uint64_t>(value.etag_class)).bytes(field(value.vary));
  fields.bytes(field(value.last_modified)).flag(value.shareable).digest(value.fingerprint).bytes(field(value.etag));
  fields.number(count(value.age)).number(count(value.proof_age)).digest(value.origin).flag(value.overtaken);
  return fields;
}

Writer fields_of(const cache::SharedOutcome& outcome) {
  Writer fields;
  if (outcome.head) {
    Writer head;
    head.number(static_cast<std::uint64_t>(outcome.head->status));
    head.list(fields_of(outcome_headers(outcome.head->headers)));
    fields.list(std::move(head)).none();
  } else {
    Writer error;
    error.number(static_cast<std::uint64_t>(outcome.error.code)).text(printable(outcome.error.message, longest_error));
    fields.none().list(std::move(error));
  }
  return fields;
}

void write_max_age(Writer& to, const std::optional<base::Seconds>& max_age) {
  max_age ? to.number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, max_age->count()))) : to.none();
}

void write_latency(Writer& to, const std::optional<base::Millis>& latency) {
  latency ? to.number(std::min(count(*latency), longest_wait_ms)) : to.none();
}

/// A prefix that is too long becomes its nearest parent that is not: that names more, never less.
std::string_view within_bounds(std::string_view prefix) {
  return prefix.size() <= longest_prefix ? prefix : prefix.substr(0, prefix.rfind('/', longest_prefix));
}

Writer fields_of(const Tombstone& stone) {
  Writer fields;
  fields.peer(stone.origin).number(stone.incarnation).number(stone.sequence);
  if (const auto* tag = std::get_if<github::Tag>(&stone.change)) {
    Writer pair;
    pair.bytes(tag->host).bytes(within_bounds(tag->prefix));
    fields.list(std::move(pair));
  } else {
    fields.digest(std::get<cache::Fingerprint>(stone.change));
  }
  return fields;
}

Writer fields_of(const LogExtent& extent) {
  Writer fields;
  fields.peer(extent.origin).number(extent.incarnation).number(extent.first).number(extent.last);
  if (!extent.holes.empty() || extent.idle.count() > 0) {
    Writer holes;
    for (const SequenceRange& hole : extent.holes) {
      holes.number(hole.first).number(hole.last);
    }
    fields.list(std::move(holes));
  }
  if (extent.idle.count() > 0) {
    fields.number(static_cast<std::uint64_t>(extent.idle.count()));
  }
  return fields;
}

template <typename Item>
Writer list_of(const std::vector<Item>& items) {
  Writer list;
  for (const Item& item : items) {
    list.list(fields_of(item));
  }
  return list;
}

}  // namespace

// ---- membership ----------------------------------------------------------------------------------

void write(Writer& to, const PeerRecord& from) {
  Writer addresses;
  for (std::size_t i = 0; i < std::min(from.addresses.size(), most_addresses); ++i) {
    addresses.text(from.addresses[i].text());
  }
  to.peer(from.id).number(from.sequence).list(std::move(addresses)).flag(from.reachable);
  if (from.slow) {
    to.flag(true);
  }
}

void write(Writer& to, const Hello& from) {
  to.list(fields_of(from.record)).text(printable(from.observed, longest_observed)).number(from.incarnation);
  to.text(printable(from.software, longest_software));
}

void write(Writer& to, const Records& from) {
  to.list(list_of(from.records));
}

void write(Writer& to, const View& from) {
  Writer members;
  for (const PeerId& id : from.members) {
    members.peer(id);
  }
  to.list(std::move(members));
}

void write(Writer& to, const Ping& from) {
  to.number(from.number).number(from.view);
  write_latency(to, from.latency);
}

void write(Writer& to, const Pong& from) {
  to.number(from.number).number(from.view);
  write_latency(to, from.latency);
}

void write(Writer& to, const Suspect& from) {
  to.peer(from.id).number(from.sequence);
}

void write(Writer&, const DialBack&) {}

// ---- leases --------------------------------------------------------------------------------------

void write(Writer& to, const Get& from) {
  to.number(from.question).list(fields_of(from.resource)).digest(from.fingerprint);
  write_max_age(to, from.max_age);
  to.flag(from.renew).number(count(from.patience)).number(from.hop);
  if (from.prior) {
    Writer prior;
    prior.peer(from.prior->holder).number(from.prior->lease);
    to.list(std::move(prior));
  } else {
    to.none();
  }
}

void write(Writer& to, const Pending& from) {
  to.number(from.question);
}

void write(Writer& to, const Wait& from) {
  to.number(from.question).peer(from.holder).number(from.lease);
}

void write(Writer& to, const Value& from) {
  to.number(from.question).list(fields_of(from.value)).number(count(from.began_before));
}

void write(Writer& to, const Grant& from) {
  to.number(from.question).number(from.lease).digest(from.slot).number(count(from.term));
  from.backup ? to.peer(*from.backup) : to.none();
  from.basis ? to.list(fields_of(*from.basis)) : to.none();
}

void write(Writer& to, const NotOwner& from) {
  to.number(from.question).number(from.view);
}

void write(Writer& to, const Outcome& from) {
  to.number(from.question).list(fields_of(from.outcome));
}

void write(Writer& to, const Release& from) {
  to.number(from.question);
}

void write(Writer& to, const Forget& from) {
  to.number(from.question);
}

void write(Writer& to, const Note& from) {
  to.number(from.question).digest(from.slot).digest(from.fingerprint).peer(from.holder).number(from.lease);
  if (from.wanted) {
    Writer wanted;
    wanted.list(fields_of(from.wanted->resource));
    write_max_age(wanted, from.wanted->max_age);
    to.list(std::move(wanted));
  } else {
    to.none();
  }
}

void write(Writer& to, const NoteKept& from) {
  to.number(from.question);
}

void write(Writer& to, const Beat& from) {
  to.number(from.lease).digest(from.slot).digest(from.fingerprint);
}

void write(Writer& to, const Put& from) {
  to.number(from.lease).list(fields_of(from.resource)).list(fields_of(from.value));
}

void write(Writer& to, const Failed& from) {
  to.number(from.lease).digest(from.slot).digest(from.fingerprint).list(fields_of(from.outcome));
}

void write(Writer& to, const Pass& from) {
  to.number(from.lease).digest(from.slot).digest(from.fingerprint);
}

void write(Writer& to, const Probe& from) {
  to.number(from.question).number(from.lease);
}

void write(Writer& to, const Alive& from) {
  to.number(from.question).flag(from.alive);
}

// ---- invalidation --------------------------------------------------------------------------------

void write(Writer& to, const Tombstones& from) {
  to.number(from.number).list(list_of(from.tombstones));
}

void write(Writer& to, const Acknowledge& from) {
  to.number(from.number);
}

void write(Writer& to, const LogDigest& from) {
  to.list(list_of(from.extents)).flag(from.answer).flag(from.brief).number(from.summary);
}

void write(Writer& to, const LogEnd& from) {
  to.flag(from.gap);
}

}  // namespace ghoard::mesh
