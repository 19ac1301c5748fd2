#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/agent/registry_requests.hpp"
#include "core/base/result.hpp"
#include "core/mesh/registry.hpp"
#include "core/peer/network_key.hpp"

namespace ghoard::agent {

/// Peers found through the repository of the setting `github_repo`. One thread, the loop's.
class Discovery {
 public:
  struct Options {
    mesh::RegistryPlace place;
    std::shared_ptr<const peer::Identity> identity;
    const std::vector<peer::NetworkKey>& keys;
    const base::SecretBytes& token;  ///< github.com's
  };

  /// All but the options must outlive it. refused: there is no token; system: no locked memory.
  static base::Result<std::unique_ptr<Discovery>> create(boost::asio::io_context& loop, const Options& options,
                                                         cache::RequestHandler& engine, mesh::Members& members,
                                                         const base::Clock& clock);

  /// To be called about once a second.
  void tick() { m_registry.tick(); }
  /// system: no locked memory; the old keys stay.
  base::Result<void> set_keys(const std::vector<peer::NetworkKey>& keys);
  [[nodiscard]] mesh::RegistryStatus status() const { return m_registry.status(); }

 private:
  Discovery(boost::asio::io_context& loop, mesh::RegistryOptions options, base::SecretBytes token,
            cache::RequestHandler& engine, mesh::Members& members, const base::Clock& clock);

  RegistryRequests m_requests;
  mesh::Registry m_registry;
};

}  // namespace ghoard::agent
