#include "core/mesh/message.hpp"

#include <array>
#include <exception>
#include <type_traits>
#include <utility>

#include "core/mesh/message_fields.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t deepest_message = 6;

/// By number, beginning with 1: ghoard-protocol(7).
constexpr std::array<std::string_view, std::variant_size_v<Message>> names{
    "hello",   "records", "view",  "ping",       "pong",        "suspect",    "dial-back",
    "get",     "pending", "wait",  "value",      "grant",       "not-owner",  "outcome",
    "release", "forget",  "note",  "note-kept",  "beat",        "put",        "failed",
    "pass",    "probe",   "alive", "tombstones", "acknowledge", "log-digest", "log-end"};

template <std::size_t I>
void read_kind(std::uint64_t number, Reader& reader, std::optional<Message>& into) {
  if (number == I + 1) {
    std::variant_alternative_t<I, Message> message{};
    read(reader, message);
    into.emplace(std::move(message));
  }
}

template <std::size_t... I>
std::optional<Message> read_message(std::uint64_t number, Reader& reader, std::index_sequence<I...>) {
  std::optional<Message> message;
  (read_kind<I>(number, reader, message), ...);
  return message;
}

/// Puts the bytes that travelled beside the message where they belong. False: some are due and did not come.
struct GiveBody {
  http::Body body;

  bool operator()(Value& message) const { return (message.value.body = body) != nullptr; }
  bool operator()(Put& message) const { return (message.value.body = body) != nullptr; }
  bool operator()(Grant& message) const { return !message.basis || (message.basis->body = body) != nullptr; }
  bool operator()(Outcome& message) const { return give(message.outcome); }
  bool operator()(Failed& message) const { return give(message.outcome); }
  template <typename Other>
  bool operator()(Other&) const {
    return true;
  }

 private:
  bool give(cache::SharedOutcome& outcome) const {
    outcome.body = outcome.head ? body : nullptr;
    return true;
  }
};

struct FindBody {
  http::Body operator()(const Value& message) const { return message.value.body; }
  http::Body operator()(const Put& message) const { return message.value.body; }
  http::Body operator()(const Grant& message) const { return message.basis ? message.basis->body : nullptr; }
  http::Body operator()(const Outcome& message) const { return of(message.outcome); }
  http::Body operator()(const Failed& message) const { return of(message.outcome); }
  template <typename Other>
  http::Body operator()(const Other&) const {
    return nullptr;
  }

 private:
  static http::Body of(const cache::SharedOutcome& outcome) { return outcome.head ? outcome.body : nullptr; }
};

base::Result<Message> decode_array(const nlohmann::json& array, http::Body body) {
  Reader reader(array);
  const std::uint64_t number = reader.number();
  std::optional<Message> message =
      read_message(number, reader, std::make_index_sequence<std::variant_size_v<Message>>{});
  if (!message) {
    return base::fail(base::ErrorCode::invalid_input, "peer message of an unknown kind");
  }
  if (!reader.ok()) {
    return base::fail(base::ErrorCode::invalid_input, "malformed peer message: " + std::string(name_of(*message)));
  }
  if (!std::visit(GiveBody{std::move(body)}, *message)) {
    return base::fail(base::ErrorCode::invalid_input, "peer message without its body");
  }
  return std::move(*message);
}

}  // namespace

std::string encode(const Message& message) {
  Writer fields;
  fields.number(message.index() + 1);
  std::visit([&](const auto& kind) { write(fields, kind); }, message);
  std::string bytes;
  nlohmann::json::to_cbor(fields.take(), bytes);
  return bytes;
}

base::Result<Message> decode(std::string_view bytes, http::Body body) {
  if (bytes.size() > longest_message) {
    return base::fail(base::ErrorCode::too_large, "peer message over 16 KiB");
  }
  if (!is_plain_cbor(bytes, deepest_message)) {
    return base::fail(base::ErrorCode::invalid_input, "peer message that is no plain CBOR");
  }
  const nlohmann::json array = nlohmann::json::from_cbor(bytes.begin(), bytes.end(), true, false);
  return decode_array(array, std::move(body));
}

http::Body body_of(const Message& message) {
  return std::visit(FindBody{}, message);
}

std::string_view name_of(const Message& message) {
  return names[message.index()];
}

}  // namespace ghoard::mesh
