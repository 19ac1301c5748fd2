#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/base/secret.hpp"
#include "core/cache/reply.hpp"
#include "core/mesh/registry.hpp"

namespace ghoard::agent {

/// Discovery's way to GitHub: through the engine, as any client's, so that reads are conditional even after a restart,
/// writes mark what is stored here and at the peers, and every request is in the accounts. One thread, the loop's.
class RegistryRequests final : public mesh::RegistryApi {
 public:
  /// Calls a function when the engine is not at work: what follows an answer may ask it again.
  using Later = std::function<void(std::function<void()>)>;

  /// `engine` outlives it. `token`: github.com's, which is sent to the configured API alone.
  RegistryRequests(cache::RequestHandler& engine, base::SecretBytes token, Later later);
  RegistryRequests(const RegistryRequests&) = delete;
  RegistryRequests& operator=(const RegistryRequests&) = delete;
  ~RegistryRequests() override;

  void ask(std::string method, std::string target, std::string body, Done done) override;
  [[nodiscard]] std::size_t under_way() const { return *m_under_way; }

 private:
  cache::RequestHandler& m_engine;
  const base::SecretBytes m_token;
  const Later m_later;
  /// Goes with this: answers that come later are nobody's.
  std::shared_ptr<std::size_t> m_under_way = std::make_shared<std::size_t>(0);
};

}  // namespace ghoard::agent
