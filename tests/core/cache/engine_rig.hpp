#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/cache/engine.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace ghoard::testing {

/// One client's answer.
class FakeSink final : public cache::ReplySink {
 public:
  void send(cache::Reply reply) override {
    ++answers;
    status = reply.status;
    headers = std::move(reply.headers);
    body = reply.body != nullptr ? *reply.body : std::string();
    ended = true;
  }
  void begin(int code, http::Headers fields, std::function<void()> drained, std::function<void()> left) override {
    ++answers;
    streamed = true;
    status = code;
    headers = std::move(fields);
    on_drained = std::move(drained);
    on_gone = std::move(left);
  }
  bool write(std::string_view bytes) override {
    body.append(bytes);
    return !full;
  }
  void end(std::optional<base::Error> error) override {
    ended = true;
    failure = std::move(error);
  }
  [[nodiscard]] bool gone() const override { return client_gone; }
  [[nodiscard]] std::string cache_status() const { return headers.joined("Cache-Status"); }

  int answers = 0;
  int status = 0;
  http::Headers headers;
  std::string body;
  bool streamed = false;
  bool ended = false;
  bool full = false;
  bool client_gone = false;
  std::optional<base::Error> failure;
  std::function<void()> on_drained;
  std::function<void()> on_gone;
};

/// An engine with everything around it faked.
struct EngineRig {
  static inline const std::string token_a = "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  static inline const std::string token_b = "ghp_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

  explicit EngineRig(cache::EngineOptions options = {})
      : engine(store, upstream, clock, with_defaults(std::move(options))) {}

  static cache::EngineOptions with_defaults(cache::EngineOptions options) {
    options.user_agent = "ghoard/test";
    return options;
  }

  std::shared_ptr<FakeSink> send(std::string method, std::string target, const std::string& token,
                                 http::Headers more = {}, std::string body = {}) {
    auto sink = std::make_shared<FakeSink>();
    engine.handle(request(std::move(method), std::move(target), token, std::move(more), std::move(body)), sink);
    return sink;
  }
  static cache::IncomingRequest request(std::string method, std::string target, const std::string& token,
                                        http::Headers more = {}, std::string body = {}) {
    cache::IncomingRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(more);
    if (!request.headers.contains("Host")) {
      request.headers.add("Host", "api.github.com");
    }
    if (!token.empty()) {
      request.headers.add("Authorization", "token " + token);
    }
    request.body = std::move(body);
    return request;
  }
  std::shared_ptr<FakeSink> get(std::string target, const std::string& token, http::Headers more = {}) {
    return send("GET", std::move(target), token, std::move(more));
  }

  /// Headers of a GitHub answer, its ETag derived as GitHub does for `token`.
  static http::Headers github_headers(const std::string& token, std::string_view body) {
    const std::string vary = "Accept, Authorization, Cookie, X-GitHub-OTP";
    const std::string authorization = token.empty() ? "" : "token " + token;
    return {{"Content-Type", "application/json; charset=utf-8"},
            {"Vary", vary},
            {"X-RateLimit-Remaining", "4999"},
            {"X-OAuth-Scopes", "repo"},
            {"ETag", "W/\"" + github::derive_etag(vary, {github::default_accept, authorization, {}}, body) + "\""}};
  }
  void answer(std::size_t n, const std::string& token, std::string_view body) {
    upstream.respond(n, 200, github_headers(token, body), std::string(body));
  }

  /// Headers of the n-th request that went upstream.
  [[nodiscard]] const http::Headers& sent(std::size_t n) const { return upstream.request(n).headers; }
  /// The invariant of the contract: every request is in exactly one class.
  [[nodiscard]] bool sums_to(std::uint64_t requests) const { return engine.metrics().requests() == requests; }

  ManualClock clock;
  MemoryStore memory;
  FaultyStore store{memory};
  FakeUpstream upstream;
  cache::Engine engine;
};

/// What most scenes are about.
namespace scene {

inline constexpr const char* repo = "/repos/acme/widget";
inline const std::string body_1 = R"({"id":1,"name":"widget"})";
inline const std::string body_2 = R"({"id":1,"name":"gadget"})";
inline const std::string& token_a = EngineRig::token_a;
inline const std::string& token_b = EngineRig::token_b;

}  // namespace scene

}  // namespace ghoard::testing
