#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/peer/peer_id.hpp"

namespace ghoard::mesh {

/// True for one CBOR item (RFC 8949) that fills `bytes` and is made of what messages use: unsigned integers, byte and
/// text strings, arrays, false, true, null; definite lengths only, nested at most `depth` deep. Iterative and without
/// allocation: whoever decodes such bytes recursively cannot run out of stack or be asked for more than they hold.
[[nodiscard]] bool is_plain_cbor(std::string_view bytes, std::size_t depth);

/// Builds an array field by field.
class Writer {
 public:
  Writer& number(std::uint64_t value);
  Writer& flag(bool value);
  Writer& bytes(std::string_view value);
  Writer& text(std::string_view value);
  Writer& digest(const base::Digest& value);
  Writer& peer(const peer::PeerId& value);
  Writer& none();
  Writer& list(Writer value);
  [[nodiscard]] nlohmann::json take();

 private:
  nlohmann::json::array_t m_items;
};

/// Reads an array field by field. After the first field that is missing, of another type or over its bound, all further
/// ones are empty and `ok` is false.
class Reader {
 public:
  explicit Reader(const nlohmann::json& array);

  [[nodiscard]] bool ok() const { return m_ok; }
  void fail() { m_ok = false; }

  [[nodiscard]] std::uint64_t number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  [[nodiscard]] bool flag();
  [[nodiscard]] std::string bytes(std::size_t longest);
  /// Printable ASCII.
  [[nodiscard]] std::string text(std::size_t longest);
  [[nodiscard]] base::Digest digest();
  [[nodiscard]] peer::PeerId peer();
  /// True, and the field is taken, if it is null.
  [[nodiscard]] bool none();
  /// Nothing comes after what was read: whoever wrote it may have known no further fields.
  [[nodiscard]] bool at_end() const;
  /// An array of at most `most` items; empty after a failure.
  [[nodiscard]] const nlohmann::json& list(std::size_t most);

 private:
  const nlohmann::json* next();

  const nlohmann::json& m_array;
  std::size_t m_at = 0;
  bool m_ok = true;
};

}  // namespace ghoard::mesh
