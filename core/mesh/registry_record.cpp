#include "core/mesh/registry_record.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/mesh/cbor.hpp"
#include "core/mesh/message_fields.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t deepest = 4;
constexpr std::uint64_t latest_second = 253'402'300'799;  // the end of year 9999
constexpr std::string_view label = "ghoard-registry/1";

/// Repository names are ASCII without NUL, so that no two places give the same text.
std::string context_of(const RegistryPlace& place) {
  return std::string(label) + '\0' + http::to_lower(place.repository);
}

/// The signature binds the statement to its place, so that no member can carry another one's record elsewhere.
std::string signed_text(const RegistryPlace& place, std::string_view statement) {
  return context_of(place) + '\0' + std::string(statement);
}

std::string cbor_of(Writer fields) {
  std::string bytes;
  nlohmann::json::to_cbor(fields.take(), bytes);
  return bytes;
}

std::string statement_of(const RegistryPlace& place, const PublishedRecord& published) {
  const auto written = std::chrono::floor<std::chrono::seconds>(published.written.time_since_epoch()).count();
  Writer record;
  write(record, published.record);
  Writer fields;
  fields.text(place.network_name).number(static_cast<std::uint64_t>(std::max<std::int64_t>(written, 0)));
  fields.list(std::move(record));
  return cbor_of(std::move(fields));
}

std::optional<nlohmann::json> array_of(std::string_view bytes) {
  if (!is_plain_cbor(bytes, deepest)) {
    return std::nullopt;
  }
  nlohmann::json fields = nlohmann::json::from_cbor(bytes, true, false);
  return fields.is_array() ? std::optional(std::move(fields)) : std::nullopt;
}

std::optional<PublishedRecord> read_statement(const RegistryPlace& place, std::string_view statement) {
  const std::optional<nlohmann::json> fields = array_of(statement);
  if (!fields) {
    return std::nullopt;
  }
  Reader from(*fields);
  PublishedRecord published;
  const bool same_network = from.text(peer::longest_network_name) == place.network_name;
  published.written = base::WallTime(std::chrono::seconds(from.number(latest_second)));
  const nlohmann::json& fields_of_record = from.list(16);
  Reader record(fields_of_record);
  read(record, published.record);
  return same_network && from.ok() && record.ok() ? std::optional(std::move(published)) : std::nullopt;
}

std::optional<PublishedRecord> read_signed(const RegistryPlace& place, std::string_view bytes) {
  const std::optional<nlohmann::json> fields = array_of(bytes);
  if (!fields) {
    return std::nullopt;
  }
  Reader from(*fields);
  const std::string statement = from.bytes(longest_published);
  const std::string signature = from.bytes(sizeof(peer::Signature));
  if (!from.ok() || signature.size() != sizeof(peer::Signature)) {
    return std::nullopt;
  }
  std::optional<PublishedRecord> published = read_statement(place, statement);
  const std::span<const std::uint8_t, sizeof(peer::Signature)> given(
      reinterpret_cast<const std::uint8_t*>(signature.data()), sizeof(peer::Signature));
  return published && peer::verify(published->record.id, signed_text(place, statement), given) ? published
                                                                                               : std::nullopt;
}

/// The line below the marker. People who edit a comment leave other ends of lines behind.
std::string_view sealed_part(std::string_view body) {
  if (body.size() > longest_comment || !body.starts_with(registry_marker)) {
    return {};
  }
  body.remove_prefix(registry_marker.size());
  const std::size_t begin = body.find_first_not_of(" \r\n");
  if (begin == 0 || begin == std::string_view::npos) {
    return {};
  }
  body.remove_prefix(begin);
  return body.substr(0, body.find_first_of(" \r\n"));
}

}  // namespace

bool is_later(const PublishedRecord& left, const PublishedRecord& right) {
  return std::tie(left.record.sequence, left.written) > std::tie(right.record.sequence, right.written);
}

void fit(PublishedRecord& published) {
  constexpr std::size_t others = 512;  // name of the network, id, numbers and signature
  constexpr std::size_t beside = 3;    // of each text: its head in CBOR
  std::vector<peer::Multiaddr>& addresses = published.record.addresses;
  std::size_t size = 0;
  const auto full = std::find_if(addresses.begin(), addresses.end(), [&](const peer::Multiaddr& address) {
    size += address.text().size() + beside;
    return size > longest_published - others;
  });
  addresses.erase(full, addresses.end());
  addresses.resize(std::min(addresses.size(), most_addresses));
  published.record.slow = false;
}

std::optional<std::string> format_comment(const RegistryPlace& place, const base::SecretBytes& key,
                                          const peer::Identity& identity, PublishedRecord published,
                                          std::span<const std::uint8_t, peer::seal_nonce_size> nonce) {
  published.record.id = identity.id();
  fit(published);
  const std::string statement = statement_of(place, published);
  const peer::Signature signature = identity.sign(signed_text(place, statement));
  Writer fields;
  fields.bytes(statement).bytes({reinterpret_cast<const char*>(signature.data()), signature.size()});
  const std::optional<std::string> sealed = peer::seal(key, context_of(place), cbor_of(std::move(fields)), nonce);
  return sealed ? std::optional(std::string(registry_marker) + '\n' + *sealed + '\n') : std::nullopt;
}

std::optional<OpenedRecord> read_comment(const RegistryPlace& place, std::span<const base::SecretBytes> keys,
                                         std::string_view body) {
  const std::string_view sealed = sealed_part(body);
  if (sealed.empty()) {
    return std::nullopt;
  }
  const std::string context = context_of(place);
  for (std::size_t key = 0; key < keys.size(); ++key) {
    const std::optional<std::string> plain = peer::open_sealed(keys[key], context, sealed, longest_published);
    if (plain) {
      std::optional<PublishedRecord> published = read_signed(place, *plain);
      return published ? std::optional(OpenedRecord{std::move(*published), key}) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace ghoard::mesh
