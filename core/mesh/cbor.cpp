#include "core/mesh/cbor.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ghoard::mesh {

namespace {

/// RFC 8949 section 3.1.
enum class Major : std::uint8_t {
  number = 0,
  negative = 1,
  bytes = 2,
  text = 3,
  array = 4,
  map = 5,
  tag = 6,
  simple = 7
};

struct Head {
  Major major = Major::number;
  std::uint64_t argument = 0;
};

/// Takes an item's head off the front; nothing if it is cut off or of indefinite length.
std::optional<Head> take_head(std::string_view& bytes) {
  if (bytes.empty()) {
    return std::nullopt;
  }
  const auto first = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  Head head{static_cast<Major>(first >> 5), static_cast<std::uint64_t>(first & 31)};
  if (head.argument < 24) {
    return head;
  }
  if (head.argument > 27) {
    return std::nullopt;
  }
  const std::size_t width = std::size_t{1} << (head.argument - 24);
  if (bytes.size() < width) {
    return std::nullopt;
  }
  head.argument = 0;
  for (std::size_t i = 0; i < width; ++i) {
    head.argument = head.argument << 8 | static_cast<unsigned char>(bytes[i]);
  }
  bytes.remove_prefix(width);
  // Simple values of one byte are below 24; floats are not used.
  return head.major == Major::simple ? std::nullopt : std::optional<Head>(head);
}

constexpr std::size_t deepest = 16;

/// How many items are still due in each array that is open.
class Nesting {
 public:
  explicit Nesting(std::size_t depth) : m_depth(std::min(depth, deepest)) {}

  bool open(std::uint64_t items) {
    if (m_level == m_depth) {
      return false;
    }
    m_due[m_level++] = items;
    return true;
  }
  /// After an item; true while further ones are due.
  bool close_finished() {
    while (m_level > 0 && m_due[m_level - 1] == 0) {
      --m_level;
    }
    if (m_level > 0) {
      --m_due[m_level - 1];
      return true;
    }
    return false;
  }

 private:
  std::size_t m_depth;
  std::size_t m_level = 0;
  std::array<std::uint64_t, deepest> m_due{};
};

/// False if the item's content is not there, or of a kind that is not used.
bool take_content(const Head& head, std::string_view& rest, Nesting& nesting) {
  constexpr std::uint64_t no = 20;
  constexpr std::uint64_t null = 22;
  switch (head.major) {
    case Major::number: return true;
    case Major::bytes:
    case Major::text:
      if (head.argument > rest.size()) {
        return false;
      }
      rest.remove_prefix(static_cast<std::size_t>(head.argument));
      return true;
    case Major::array: return head.argument <= rest.size() && nesting.open(head.argument);
    case Major::simple: return head.argument >= no && head.argument <= null;
    case Major::negative:
    case Major::map:
    case Major::tag: return false;
  }
  return false;
}

bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

const nlohmann::json& empty_list() {
  static const nlohmann::json list = nlohmann::json::array();
  return list;
}

}  // namespace

bool is_plain_cbor(std::string_view bytes, std::size_t depth) {
  Nesting nesting(depth);
  do {
    const std::optional<Head> head = take_head(bytes);
    if (!head || !take_content(*head, bytes, nesting)) {
      return false;
    }
  } while (nesting.close_finished());
  return bytes.empty();
}

// ---- Writer --------------------------------------------------------------------------------------

Writer& Writer::number(std::uint64_t value) {
  m_items.emplace_back(value);
  return *this;
}

Writer& Writer::flag(bool value) {
  m_items.emplace_back(value);
  return *this;
}

Writer& Writer::bytes(std::string_view value) {
  m_items.push_back(nlohmann::json::binary(nlohmann::json::binary_t::container_type(value.begin(), value.end())));
  return *this;
}

Writer& Writer::text(std::string_view value) {
  m_items.emplace_back(std::string(value));
  return *this;
}

Writer& Writer::digest(const base::Digest& value) {
  return bytes({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
}

Writer& Writer::peer(const peer::PeerId& value) {
  return bytes({reinterpret_cast<const char*>(value.key.data()), value.key.size()});
}

Writer& Writer::none() {
  m_items.emplace_back(nullptr);
  return *this;
}

Writer& Writer::list(Writer value) {
  m_items.push_back(value.take());
  return *this;
}

nlohmann::json Writer::take() {
  nlohmann::json array = nlohmann::json::array();
  array.get_ref<nlohmann::json::array_t&>() = std::move(m_items);
  return array;
}

// ---- Reader --------------------------------------------------------------------------------------

Reader::Reader(const nlohmann::json& array) : m_array(array), m_ok(array.is_array()) {}

const nlohmann::json* Reader::next() {
  if (!m_ok || m_at >= m_array.size()) {
    m_ok = false;
    return nullptr;
  }
  return &m_array[m_at++];
}

std::uint64_t Reader::number(std::uint64_t most) {
  const nlohmann::json* item = next();
  if (item == nullptr || !item->is_number_unsigned() || item->get<std::uint64_t>() > most) {
    m_ok = false;
    return 0;
  }
  return item->get<std::uint64_t>();
}

bool Reader::flag() {
  const nlohmann::json* item = next();
  if (item == nullptr || !item->is_boolean()) {
    m_ok = false;
    return false;
  }
  return item->get<bool>();
}

std::string Reader::bytes(std::size_t longest) {
  const nlohmann::json* item = next();
  if (item == nullptr || !item->is_binary() || item->get_binary().size() > longest) {
    m_ok = false;
    return {};
  }
  const nlohmann::json::binary_t& found = item->get_binary();
  return {found.begin(), found.end()};
}

std::string Reader::text(std::size_t longest) {
  const nlohmann::json* item = next();
  const std::string* found = item == nullptr ? nullptr : item->get_ptr<const std::string*>();
  if (found == nullptr || found->size() > longest || !std::all_of(found->begin(), found->end(), is_printable)) {
    m_ok = false;
    return {};
  }
  return *found;
}

base::Digest Reader::digest() {
  base::Digest result;
  const std::string found = bytes(result.bytes.size());
  if (found.size() != result.bytes.size()) {
    m_ok = false;
    return {};
  }
  std::memcpy(result.bytes.data(), found.data(), found.size());
  return result;
}

peer::PeerId Reader::peer() {
  return peer::PeerId{digest().bytes};
}

bool Reader::none() {
  if (!m_ok || m_at >= m_array.size() || !m_array[m_at].is_null()) {
    return false;
  }
  ++m_at;
  return true;
}

bool Reader::at_end() const {
  return !m_ok || m_at >= m_array.size();
}

const nlohmann::json& Reader::list(std::size_t most) {
  const nlohmann::json* item = next();
  if (item == nullptr || !item->is_array() || item->size() > most) {
    m_ok = false;
    return empty_list();
  }
  return *item;
}

}  // namespace ghoard::mesh
