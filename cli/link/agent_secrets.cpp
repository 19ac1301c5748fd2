#include "cli/link/agent_secrets.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "cli/link/direct_read.hpp"
#include "cli/link/gh.hpp"
#include "cli/link/link.hpp"
#include "net/local/start_secrets.hpp"

namespace ghoard::link {

namespace {

/// As the next request to github.com would find it. None, and none that can be read, is no reason not to start.
std::string github_token(const Program& program) {
  base::Result<Credentials> found = find_credentials(program, "github.com", false);
  if (!found) {
    return {};
  }
  switch (found->kind) {
    case Credentials::Kind::none: return {};
    case Credentials::Kind::token: return std::move(found->token);
    case Credentials::Kind::from_gh: break;
  }
  return ask_gh_for_token(program.environment, "github.com").value_or(std::string());
}

base::Result<void> keep(base::SecretBytes& into, std::string_view text) {
  base::Result<base::SecretBytes> copy = base::SecretBytes::copy(text);
  if (!copy) {
    return tl::unexpected(copy.error());
  }
  into = *std::move(copy);
  return {};
}

base::Result<void> gather(const Program& program, local::StartSecrets& secrets) {
  const settings::Value& key = program.settings.value("network_key");
  if (key.source == settings::Source::environment || key.source == settings::Source::flag) {
    if (base::Result<void> kept = keep(secrets.network_keys, key.text); !kept) {
      return kept;
    }
  }
  // config.toml the agent reads by itself. With a network key, a token is only needed to look for peers.
  const bool wants_token =
      !program.settings.is_explicit("network_key") || !program.settings.text("github_repo").empty();
  if (!wants_token || is_overlay_off(program.settings)) {
    return {};
  }
  std::string token = github_token(program);
  base::Result<void> kept = keep(secrets.token, token);
  base::wipe(token);
  return kept;
}

}  // namespace

base::Result<Descriptor> tell_secrets(const Program& program) {
  local::StartSecrets secrets;
  if (const base::Result<void> gathered = gather(program, secrets); !gathered) {
    return tl::unexpected(gathered.error());
  }
  const base::Result<base::SecretBytes> text = local::format_start_secrets(secrets);
  if (!text || text->empty()) {
    return text ? base::Result<Descriptor>(Descriptor()) : tl::unexpected(text.error());
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return base::fail(base::ErrorCode::system, std::string("pipe: ") + std::strerror(errno));
  }
  Descriptor read_end(ends[0]);
  const Descriptor write_end(ends[1]);
  // Less than any pipe holds, so that nobody has to read meanwhile.
  if (::write(write_end.get(), text->bytes().data(), text->size()) != static_cast<ssize_t>(text->size())) {
    return base::fail(base::ErrorCode::system, std::string("pipe: ") + std::strerror(errno));
  }
  return read_end;
}

}  // namespace ghoard::link
