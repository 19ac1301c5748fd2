#include "cli/agent/configuration.hpp"

#include <map>
#include <string>
#include <unistd.h>
#include <utility>

#include "core/base/secret.hpp"
#include "core/base/version.hpp"

namespace ghoard::agent {

base::Result<Configuration> load_configuration(local::StartSecrets secrets) {
  const settings::Environment environment = settings::process_environment();
  base::Result<settings::Paths> paths = settings::find_paths(environment);
  if (!paths) {
    return tl::unexpected(paths.error());
  }
  std::map<std::string, std::string> flags;
  if (!secrets.network_keys.empty()) {
    flags["network_key"] = secrets.network_keys.view();
  }
  base::Result<settings::Settings> settings = settings::Settings::load(*paths, environment, flags);
  base::wipe(flags["network_key"]);
  if (!settings) {
    return tl::unexpected(settings.error());
  }
  local::AgentRecord record;
  record.pid = static_cast<int>(::getpid());
  record.version = base::version;
  record.protocol = base::local_protocol;
  record.socket = paths->socket().string();
  record.api_url = settings->text("api_url");
  record.settings = settings->fixed_hash();
  return Configuration{*std::move(paths), *std::move(settings), std::move(record), std::move(secrets)};
}

}  // namespace ghoard::agent
