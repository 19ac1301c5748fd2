#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/agent/token_keeper.hpp"
#include "core/cache/reply.hpp"

namespace ghoard::agent {

/// First to see every request: control requests (`Host: ghoard`) go to the control endpoints, all others to the engine,
/// with the kept token where the caller asks for it.
class Front final : public cache::RequestHandler {
 public:
  /// All must outlive the server that calls this.
  Front(cache::RequestHandler& control, cache::RequestHandler& engine, TokenKeeper& tokens)
      : m_control(control), m_engine(engine), m_tokens(tokens) {}

  void handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) override;

 private:
  void with_kept_token(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink,
                       const std::string& config);

  cache::RequestHandler& m_control;
  cache::RequestHandler& m_engine;
  TokenKeeper& m_tokens;
};

/// What a field `Ghoard-Token: kept; config=HEX` asks for.
struct TokenWish {
  enum class Kind { kept, keep } kind = Kind::kept;
  std::string config;  ///< of lower-case hexadecimal digits; empty: the caller names none
};
/// Nothing: a value that means nothing.
[[nodiscard]] std::optional<TokenWish> parse_token_wish(std::string_view field);

/// One line of JSON as ghoard's own failures have it.
[[nodiscard]] cache::Reply failure_reply(int status, std::string_view code, std::string_view message);

}  // namespace ghoard::agent
