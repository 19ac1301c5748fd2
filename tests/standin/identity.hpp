#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ghoard::standin {

/// Who asks, as the stand-in knows them.
struct Identity {
  std::string login = "anonymous";  ///< the budget's owner; "anonymous" without Authorization
  long id = 0;
  std::string scopes;           ///< X-OAuth-Scopes
  bool classic_scopes = false;  ///< X-OAuth-Scopes is sent (not for fine-grained and installation tokens)
  bool sees_private = false;    ///< the token carries the login's access to private repositories
  bool installation = false;

  [[nodiscard]] bool anonymous() const { return login == "anonymous"; }
};

/// The fixed table of tokens, less those revoked by a control command. One thread.
class Identities {
 public:
  /// Nothing: bad credentials. `authorization` is the field value: token, Bearer or Basic; empty is anonymous.
  [[nodiscard]] std::optional<Identity> find(std::string_view authorization) const;
  void revoke(std::string token) { m_revoked.insert(std::move(token)); }
  void reset() { m_revoked.clear(); }

 private:
  std::set<std::string, std::less<>> m_revoked;
};

}  // namespace ghoard::standin
