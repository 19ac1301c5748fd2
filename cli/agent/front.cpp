#include "cli/agent/front.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace ghoard::agent {

namespace {

/// Forgets a kept token that the server did not accept.
class TokenWatch final : public cache::ReplySink {
 public:
  TokenWatch(std::shared_ptr<cache::ReplySink> sink, TokenKeeper& tokens, std::string host, std::string config,
             base::SecretBytes authorization)
      : m_sink(std::move(sink)),
        m_tokens(tokens),
        m_host(std::move(host)),
        m_config(std::move(config)),
        m_authorization(std::move(authorization)) {}

  void send(cache::Reply reply) override {
    note(reply.status);
    m_sink->send(std::move(reply));
  }
  void begin(int status, http::Headers headers, std::function<void()> on_drained,
             std::function<void()> on_gone) override {
    note(status);
    m_sink->begin(status, std::move(headers), std::move(on_drained), std::move(on_gone));
  }
  bool write(std::string_view bytes) override { return m_sink->write(bytes); }
  void end(std::optional<base::Error> failure) override { m_sink->end(std::move(failure)); }
  [[nodiscard]] bool gone() const override { return m_sink->gone(); }

 private:
  void note(int status) {
    if (status == 401 && !m_authorization.empty()) {
      m_tokens.drop(m_host, m_config, m_authorization.view());
    }
  }

  std::shared_ptr<cache::ReplySink> m_sink;
  TokenKeeper& m_tokens;
  std::string m_host;
  std::string m_config;
  base::SecretBytes m_authorization;
};

}  // namespace

cache::Reply failure_reply(int status, std::string_view code, std::string_view message) {
  nlohmann::json document = nlohmann::json::object();
  document["message"] = message;
  document["ghoard_error"] = code;
  return {status,
          {{"Content-Type", "application/json"}},
          std::make_shared<const std::string>(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                                              "\n")};
}

std::optional<TokenWish> parse_token_wish(std::string_view field) {
  constexpr std::string_view parameter = "config=";
  const std::size_t end = std::min(field.find(';'), field.size());
  const std::string_view word = http::trim(field.substr(0, end));
  if (word != "kept" && word != "keep") {
    return std::nullopt;
  }
  TokenWish wish{word == "keep" ? TokenWish::Kind::keep : TokenWish::Kind::kept, {}};
  if (end == field.size()) {
    return wish;
  }
  std::string_view config = http::trim(field.substr(end + 1));
  if (!config.starts_with(parameter)) {
    return std::nullopt;
  }
  config.remove_prefix(parameter.size());
  if (config.size() > TokenKeeper::longest_config ||
      config.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return std::nullopt;
  }
  wish.config = config;
  return wish;
}

void Front::handle(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink) {
  if (http::iequals(request.headers.get("Host"), "ghoard")) {
    m_control.handle(std::move(request), std::move(sink));
    return;
  }
  if (const std::string* field = request.headers.find("Ghoard-Token"); field != nullptr) {
    const std::optional<TokenWish> wish = parse_token_wish(*field);
    request.headers.remove("Ghoard-Token");
    const std::string* authorization = request.headers.find("Authorization");
    const bool keep = wish && wish->kind == TokenWish::Kind::keep && authorization != nullptr;
    if (keep) {
      m_tokens.keep(request.headers.get("Host"), wish->config, *authorization);
    }
    // A token of the caller's own, new to keep or not, is watched like one from the keeper.
    if (keep || (wish && wish->kind == TokenWish::Kind::kept)) {
      with_kept_token(std::move(request), std::move(sink), wish->config);
      return;
    }
  }
  m_engine.handle(std::move(request), std::move(sink));
}

void Front::with_kept_token(cache::IncomingRequest request, std::shared_ptr<cache::ReplySink> sink,
                            const std::string& config) {
  const std::string host(request.headers.get("Host"));
  const std::string* own = request.headers.find("Authorization");
  const std::optional<std::string> authorization = own != nullptr ? *own : m_tokens.find(host, config);
  if (!authorization) {
    cache::Reply reply = failure_reply(401, "token_unknown", "no token is kept for " + host);
    reply.headers.add("Ghoard-Token", "unknown");
    sink->send(std::move(reply));
    return;
  }
  request.headers.set("Authorization", *authorization);
  base::SecretBytes watched = base::SecretBytes::copy(*authorization).value_or(base::SecretBytes());
  m_engine.handle(std::move(request),
                  std::make_shared<TokenWatch>(std::move(sink), m_tokens, host, config, std::move(watched)));
}

}  // namespace ghoard::agent
