#include "cli/agent/discovery.hpp"

#include <boost/asio/post.hpp>
#include <sodium.h>
#include <utility>

namespace ghoard::agent {

namespace {

std::uint64_t random_number() {
  std::uint64_t value = 0;
  randombytes_buf(&value, sizeof value);
  return value;
}

base::Result<std::vector<base::SecretBytes>> registry_keys(const std::vector<peer::NetworkKey>& keys) {
  std::vector<base::SecretBytes> result;
  for (const peer::NetworkKey& key : keys) {
    base::Result<base::SecretBytes> copy = base::SecretBytes::copy(key.registry_key.bytes());
    if (!copy) {
      return tl::unexpected(copy.error());
    }
    result.push_back(*std::move(copy));
  }
  return result;
}

}  // namespace

base::Result<std::unique_ptr<Discovery>> Discovery::create(boost::asio::io_context& loop, const Options& options,
                                                           cache::RequestHandler& engine, mesh::Members& members,
                                                           const base::Clock& clock) {
  if (options.token.empty()) {
    return base::fail(base::ErrorCode::refused,
                      "the agent has no GitHub token: set GH_TOKEN or log in with gh, then run `ghoard agent restart`");
  }
  base::Result<std::vector<base::SecretBytes>> keys = registry_keys(options.keys);
  base::Result<base::SecretBytes> token = base::SecretBytes::copy(options.token.bytes());
  if (!keys || !token) {
    return tl::unexpected(keys ? token.error() : keys.error());
  }
  return std::unique_ptr<Discovery>(new Discovery(loop, {options.place, *std::move(keys), options.identity},
                                                  *std::move(token), engine, members, clock));
}

Discovery::Discovery(boost::asio::io_context& loop, mesh::RegistryOptions options, base::SecretBytes token,
                     cache::RequestHandler& engine, mesh::Members& members, const base::Clock& clock)
    : m_requests(engine, std::move(token),
                 [&loop](std::function<void()> next) { boost::asio::post(loop, std::move(next)); }),
      m_registry(std::move(options), members, m_requests, clock, random_number) {}

base::Result<void> Discovery::set_keys(const std::vector<peer::NetworkKey>& keys) {
  base::Result<std::vector<base::SecretBytes>> copies = registry_keys(keys);
  if (!copies) {
    return tl::unexpected(copies.error());
  }
  m_registry.set_keys(*std::move(copies));
  return {};
}

}  // namespace ghoard::agent
