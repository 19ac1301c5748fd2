#include <array>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <unistd.h>

#include "cli/commands/parse.hpp"
#include "cli/commands/report.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::commands {

namespace {

base::Result<std::string> new_key_text() {
  if (sodium_init() < 0) {
    return base::fail(base::ErrorCode::system, "libsodium cannot be initialised");
  }
  std::array<std::uint8_t, peer::network_secret_size> random{};
  randombytes_buf(random.data(), random.size());
  std::string text = peer::make_network_key(random);
  sodium_memzero(random.data(), random.size());
  return text;
}

/// To a person, not to a script: what the line is good for.
void tell_use(const link::Program& program) {
  if (::isatty(STDERR_FILENO) == 1) {
    print_error(program, "keep this key secret: whoever has it may join the network and read what is shared there",
                "run `" + program.name + " config set network_key -` on each machine and paste it there");
  }
}

int new_key(const link::Program& program, Arguments arguments) {
  CommandLine line(program, "network new-key", "Prints a new network key. Nothing is stored.");
  bool json = false;
  line.add_json_flag(json);
  if (const std::optional<int> code = line.parse(arguments)) {
    return *code;
  }
  base::Result<std::string> key = new_key_text();
  if (!key) {
    return print_failure(program, key.error());
  }
  const int code = json ? print_json(program, Json{{"network_key", *key}}) : print_text(program, *key + "\n");
  sodium_memzero(key->data(), key->size());
  if (code == link::exit_ok) {
    tell_use(program);
  }
  return code;
}

constexpr std::array<link::Command, 1> group{{{"new-key", "make a network key", new_key, true}}};

}  // namespace

int run_network(const link::Program& program, Arguments arguments) {
  return run_group(program, "network", group, arguments);
}

}  // namespace ghoard::commands
