#include "core/peer/ip_address.hpp"

#include <algorithm>

namespace ghoard::peer {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t groups = 8;
using Groups = std::array<std::uint16_t, groups>;

constexpr const char* unspecified = "unspecified address cannot be dialled";
constexpr const char* multicast = "multicast or reserved address";

/// Cuts what comes before the separator off; nothing is left of `rest` after the last part.
std::string_view take_part(std::string_view& rest, char separator) {
  const std::string_view part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

std::optional<std::uint8_t> parse_octet(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 255 ? std::optional(static_cast<std::uint8_t>(value)) : std::nullopt;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text) {
    const std::size_t digit = hex_digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    value = value << 4 | static_cast<unsigned>(digit);
  }
  return static_cast<std::uint16_t>(value);
}

/// One side of "::", or all of an address without it.
struct Side {
  Groups values{};
  std::size_t count = 0;

  bool add(std::uint16_t value) {
    if (count == groups) {
      return false;
    }
    values[count++] = value;
    return true;
  }
};

std::optional<Side> parse_side(std::string_view text, bool may_end_in_ip4) {
  Side side;
  if (text.empty()) {
    return side;
  }
  if (text.back() == ':') {
    return std::nullopt;
  }
  while (!text.empty()) {
    const std::string_view part = take_part(text, ':');
    if (text.empty() && may_end_in_ip4 && part.find('.') != std::string_view::npos) {
      const std::optional<Ip4> tail = parse_ip4(part);
      if (!tail || !side.add(static_cast<std::uint16_t>((*tail)[0] << 8 | (*tail)[1])) ||
          !side.add(static_cast<std::uint16_t>((*tail)[2] << 8 | (*tail)[3]))) {
        return std::nullopt;
      }
      return side;
    }
    const std::optional<std::uint16_t> group = parse_group(part);
    if (!group || !side.add(*group)) {
      return std::nullopt;
    }
  }
  return side;
}

std::optional<Groups> parse_groups(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const std::optional<Side> all = parse_side(text, true);
    return all && all->count == groups ? std::optional(all->values) : std::nullopt;
  }
  const std::optional<Side> left = parse_side(text.substr(0, gap), false);
  const std::optional<Side> right = parse_side(text.substr(gap + 2), true);
  // "::" stands for at least one group; a second one leaves an empty part, which is no group.
  if (!left || !right || left->count + right->count >= groups) {
    return std::nullopt;
  }
  Groups result = left->values;
  std::copy_n(right->values.begin(), right->count, result.end() - static_cast<std::ptrdiff_t>(right->count));
  return result;
}

std::string format_group(std::uint16_t group) {
  std::string text;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const unsigned digit = static_cast<unsigned>(group >> shift) & 15;
    if (digit != 0 || !text.empty() || shift == 0) {
      text += hex_digits[digit];
    }
  }
  return text;
}

/// Begin and size of the run that "::" stands for; size 0 for none.
std::pair<std::size_t, std::size_t> longest_zero_run(const Groups& values) {
  std::pair<std::size_t, std::size_t> best{0, 0};
  for (std::size_t begin = 0; begin < groups; ++begin) {
    std::size_t end = begin;
    while (end < groups && values[end] == 0) {
      ++end;
    }
    if (end - begin > best.second) {
      best = {begin, end - begin};
    }
  }
  return best.second > 1 ? best : std::pair<std::size_t, std::size_t>{0, 0};
}

}  // namespace

std::optional<Ip4> parse_ip4(std::string_view text) {
  if (text.size() > 15 || std::count(text.begin(), text.end(), '.') != 3) {
    return std::nullopt;
  }
  Ip4 address{};
  for (std::uint8_t& octet : address) {
    const std::optional<std::uint8_t> value = parse_octet(take_part(text, '.'));
    if (!value) {
      return std::nullopt;
    }
    octet = *value;
  }
  return address;
}

std::optional<Ip6> parse_ip6(std::string_view text) {
  if (text.size() < 2 || text.size() > 45) {
    return std::nullopt;
  }
  const std::optional<Groups> values = parse_groups(text);
  if (!values) {
    return std::nullopt;
  }
  Ip6 address{};
  for (std::size_t i = 0; i < groups; ++i) {
    address[2 * i] = static_cast<std::uint8_t>((*values)[i] >> 8);
    address[2 * i + 1] = static_cast<std::uint8_t>((*values)[i] & 255);
  }
  return address;
}

std::string format_ip4(const Ip4& address) {
  return std::to_string(address[0]) + "." + std::to_string(address[1]) + "." + std::to_string(address[2]) + "." +
         std::to_string(address[3]);
}

std::string format_ip6(const Ip6& address) {
  Groups values{};
  for (std::size_t i = 0; i < groups; ++i) {
    values[i] = static_cast<std::uint16_t>(address[2 * i] << 8 | address[2 * i + 1]);
  }
  const auto [gap, gap_size] = longest_zero_run(values);
  std::string text;
  for (std::size_t i = 0; i < groups; ++i) {
    if (gap_size > 0 && i == gap) {
      text += "::";
      i += gap_size - 1;
      continue;
    }
    text += text.empty() || text.back() == ':' ? "" : ":";
    text += format_group(values[i]);
  }
  return text;
}

std::optional<Ip4> mapped_ip4(const Ip6& address) {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(prefix.begin(), prefix.end(), address.begin())) {
    return std::nullopt;
  }
  return Ip4{address[12], address[13], address[14], address[15]};
}

bool is_link_local(const Ip6& address) {
  return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

const char* why_no_destination(const Ip4& address) {
  if (address[0] == 0) {
    return unspecified;
  }
  return address[0] >= 224 ? multicast : nullptr;
}

const char* why_no_destination(const Ip6& address) {
  if (address == Ip6{}) {
    return unspecified;
  }
  return address[0] == 0xff ? multicast : nullptr;
}

}  // namespace ghoard::peer
