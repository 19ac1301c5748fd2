#include "cli/agent/network_secrets.hpp"

#include <utility>

#include "core/peer/github_token.hpp"

namespace ghoard::agent {

namespace {

NetworkSecrets none(std::string why) {
  NetworkSecrets secrets;
  secrets.problem = std::move(why);
  return secrets;
}

NetworkSecrets from_network_keys(std::string_view texts, const std::string& network_name) {
  const base::Result<std::vector<base::SecretBytes>> parsed = peer::parse_network_keys(texts);
  if (!parsed) {
    return none(parsed.error().message);
  }
  if (parsed->empty()) {
    return none("the network key is empty; `ghoard network new-key` makes one");
  }
  NetworkSecrets secrets;
  secrets.source = peer::KeySource::network_key;
  for (const base::SecretBytes& secret : *parsed) {
    base::Result<peer::NetworkKey> key =
        peer::derive_network_key(peer::KeySource::network_key, secret.view(), network_name);
    if (!key) {
      return none(key.error().message);
    }
    secrets.keys.push_back(*std::move(key));
  }
  return secrets;
}

NetworkSecrets from_token(std::string_view token, const std::string& network_name) {
  if (const char* why = peer::why_not_stable(peer::token_kind(token)); why != nullptr) {
    return none(why);
  }
  base::Result<peer::NetworkKey> key = peer::derive_network_key(peer::KeySource::github_token, token, network_name);
  if (!key) {
    return none(key.error().message);
  }
  NetworkSecrets secrets;
  secrets.source = peer::KeySource::github_token;
  secrets.keys.push_back(*std::move(key));
  secrets.only_token = base::sha256(token);  // as github::canonical_credential has it
  return secrets;
}

}  // namespace

NetworkSecrets derive_secrets(std::string_view texts, std::string_view token, const std::string& network_name) {
  if (!texts.empty()) {
    return from_network_keys(texts, network_name);
  }
  if (!token.empty()) {
    return from_token(token, network_name);
  }
  return none("there is neither a network key nor a GitHub token to make one from: run `ghoard network new-key`");
}

base::Result<NetworkSecrets> copy_of(const NetworkSecrets& secrets) {
  NetworkSecrets copy;
  copy.source = secrets.source;
  copy.only_token = secrets.only_token;
  copy.problem = secrets.problem;
  for (const peer::NetworkKey& key : secrets.keys) {
    base::Result<base::SecretBytes> psk = base::SecretBytes::copy(key.noise_psk.bytes());
    base::Result<base::SecretBytes> registry = base::SecretBytes::copy(key.registry_key.bytes());
    if (!psk || !registry) {
      return tl::unexpected(psk ? registry.error() : psk.error());
    }
    copy.keys.push_back({key.source, *std::move(psk), *std::move(registry)});
  }
  return copy;
}

}  // namespace ghoard::agent
