#include "cli/agent/configuration.hpp"

#include <unistd.h>
#include <utility>

#include "core/base/version.hpp"

namespace ghoard::agent {

base::Result<Configuration> load_configuration() {
  const settings::Environment environment = settings::process_environment();
  base::Result<settings::Paths> paths = settings::find_paths(environment);
  if (!paths) {
    return tl::unexpected(paths.error());
  }
  base::Result<settings::Settings> settings = settings::Settings::load(*paths, environment);
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
  return Configuration{*std::move(paths), *std::move(settings), std::move(record)};
}

}  // namespace ghoard::agent
