#include "core/mesh/lease_parts.hpp"

#include "core/github/routes.hpp"

namespace ghoard::mesh {

SlotKey slot_key(const cache::Resource& resource, const cache::ResourceKey& key,
                 const cache::Fingerprint& fingerprint) {
  if (!github::classify(resource).identity_relative) {
    return key;
  }
  const auto text = [](const base::Digest& digest) {
    return std::string_view(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  };
  return base::Sha256().update(text(key)).update(text(fingerprint)).finish();
}

bool may_be_leased(const cache::Resource& resource) {
  return !github::classify(resource).never && resource.host.size() + resource.path.size() + resource.query.size() +
                                                      resource.accept.size() + resource.api_version.size() <=
                                                  longest_resource;
}

}  // namespace ghoard::mesh
