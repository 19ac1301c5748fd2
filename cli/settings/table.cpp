#include <array>

#include "cli/settings/settings.hpp"

namespace ghoard::settings {

namespace {

using Kind = Setting::Kind;

constexpr std::array<Setting, 16> rows{{
    {"default_ttl", "GHOARD_DEFAULT_TTL", "CACHE_DEFAULT_TTL", Kind::seconds, "300", true, false,
     "seconds that answers of routes without a row of their own stay fresh"},
    {"api_url", "GHOARD_API_URL", "", Kind::url, "https://api.github.com", true, false,
     "base URL used in place of github.com's API; plain http only to loopback"},
    {"allowed_hosts", "GHOARD_ALLOWED_HOSTS", "", Kind::list, "", true, false,
     "further API hosts (GitHub Enterprise) that the agent may contact"},
    {"max_cache_size", "GHOARD_MAX_CACHE_SIZE", "", Kind::bytes, "536870912", true, false,
     "size limit of the cache, in bytes or with a unit (512MiB)"},
    {"idle_timeout", "GHOARD_IDLE_TIMEOUT", "", Kind::seconds, "3600", true, false,
     "seconds without requests after which the agent exits; 0 means never"},
    {"no_spawn", "GHOARD_NO_SPAWN", "", Kind::boolean, "false", false, false,
     "never start an agent; a running one is still used"},
    {"enable_p2p", "GHOARD_ENABLE_P2P", "CACHE_ENABLE_P2P", Kind::boolean, "true", true, false,
     "share answers with peer agents"},
    {"listen_port", "GHOARD_LISTEN_PORT", "CACHE_LISTEN_PORT", Kind::port, "9100", true, false,
     "port on which peers are listened for; 0 means any"},
    {"listen_addr", "GHOARD_LISTEN_ADDR", "", Kind::text, "", true, false,
     "address on which peers are listened for; empty means all interfaces"},
    {"announce_addr", "GHOARD_ANNOUNCE_ADDR", "", Kind::text, "", true, false,
     "address that peers are told to connect to; empty means found out"},
    {"bootstrap_peers", "GHOARD_BOOTSTRAP_PEERS", "CACHE_BOOTSTRAP_PEERS", Kind::list, "", true, false,
     "multiaddrs of the peers to begin with"},
    {"network_key", "GHOARD_NETWORK_KEY", "", Kind::text, "", true, true,
     "up to four keys that admit peers to the network; the first one sends"},
    {"network_name", "GHOARD_NETWORK_NAME", "", Kind::text, "default", true, false, "name of the network of peers"},
    {"identity_file", "GHOARD_IDENTITY_FILE", "", Kind::path, "", true, false,
     "file of this agent's identity key; empty means one in the state directory"},
    {"github_repo", "GHOARD_GITHUB_REPO", "", Kind::text, "", true, false,
     "repository OWNER/NAME through which peers find each other"},
    {"denied_peers", "GHOARD_DENIED_PEERS", "", Kind::list, "", true, false,
     "ids of peers that are let in no more, whatever key they have"},
}};

}  // namespace

std::span<const Setting> table() {
  return rows;
}

}  // namespace ghoard::settings
