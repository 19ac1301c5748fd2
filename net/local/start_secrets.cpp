#include "net/local/start_secrets.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace ghoard::local {

namespace {

constexpr std::string_view network_keys_name = "network_key ";
constexpr std::string_view token_name = "token ";

bool fits(std::string_view text) {
  return text.size() < longest_start_secret && text.find('\n') == std::string_view::npos;
}

std::size_t put(std::span<std::uint8_t> into, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), into.begin() + static_cast<std::ptrdiff_t>(at));
  return at + text.size();
}

base::Result<void> take(base::SecretBytes& into, std::string_view value) {
  base::Result<base::SecretBytes> copy = base::SecretBytes::copy(value);
  if (!copy) {
    return tl::unexpected(copy.error());
  }
  into = *std::move(copy);
  return {};
}

}  // namespace

base::Result<base::SecretBytes> format_start_secrets(const StartSecrets& secrets) {
  const std::array<std::pair<std::string_view, std::string_view>, 2> lines{
      {{network_keys_name, secrets.network_keys.view()}, {token_name, secrets.token.view()}}};
  std::size_t size = 0;
  for (const auto& [name, value] : lines) {
    if (!fits(value)) {
      return base::fail(base::ErrorCode::invalid_input, std::string(name) + "is no text of one line");
    }
    size += value.empty() ? 0 : name.size() + value.size() + 1;
  }
  base::Result<base::SecretBytes> text = base::SecretBytes::create(size);
  if (!text) {
    return text;
  }
  std::size_t at = 0;
  for (const auto& [name, value] : lines) {
    if (!value.empty()) {
      at = put(text->writable(), put(text->writable(), put(text->writable(), at, name), value), "\n");
    }
  }
  return text;
}

base::Result<StartSecrets> parse_start_secrets(std::string_view text) {
  StartSecrets secrets;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos || line.size() > longest_start_secret) {
      return base::fail(base::ErrorCode::corrupted, "what the agent was told at its start is not whole");
    }
    text.remove_prefix(end + 1);
    for (const auto& [name, into] :
         {std::pair{network_keys_name, &secrets.network_keys}, std::pair{token_name, &secrets.token}}) {
      if (!line.starts_with(name)) {
        continue;
      }
      if (const base::Result<void> taken = take(*into, line.substr(name.size())); !taken) {
        return tl::unexpected(taken.error());
      }
    }
  }
  return secrets;
}

}  // namespace ghoard::local
