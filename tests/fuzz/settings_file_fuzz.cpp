#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/settings/settings.hpp"
#include "cli/settings/settings_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ghoard::settings;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto values = parse_settings_file(text, "config.toml");
  if (!values) {
    return 0;
  }
  for (const FileValue& value : *values) {
    if (value.begin > value.end || value.end > size || value.line == 0) {
      std::abort();
    }
    for (const Setting& setting : table()) {
      const auto normal = setting.key == value.key ? normalise(setting, value.text) : std::string();
      // A normal form is its own normal form.
      if (normal && normalise(setting, *normal) != *normal && setting.key == value.key) {
        std::abort();
      }
    }
  }
  // An edit either fails or says what was meant and keeps every other key.
  const auto edited = edit_settings_file(text, "config.toml", "default_ttl", "77");
  const auto again = edited ? parse_settings_file(*edited, "config.toml") : values;
  if (!again || (edited && again->size() < values->size())) {
    std::abort();
  }
  return 0;
}
