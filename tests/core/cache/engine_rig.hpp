#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/cache/engine.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_store.hpp"

namespace ghoard::testing {

/// Records requests and answers them when the test says so.
class FakeUpstream final : public cache::Upstream {
 public:
  struct Call {
    cache::UpstreamRequest request;
    std::shared_ptr<cache::ResponseObserver> observer;  // null once ended or cancelled
  };

  std::unique_ptr<cache::Exchange> start(cache::UpstreamRequest request,
                                         std::shared_ptr<cache::ResponseObserver> observer) override {
    calls.push_back(std::make_shared<Call>(Call{std::move(request), std::move(observer)}));
    return std::make_unique<FakeExchange>(calls.back(), *this);
  }

  /// Answers call `n` whole.
  void respond(std::size_t n, int status, http::Headers headers, std::string_view body) {
    head(n, status, std::move(headers));
    data(n, body);
    end(n);
  }
  void head(std::size_t n, int status, http::Headers headers) {
    if (const auto observer = calls.at(n)->observer) {
      observer->on_head({status, std::move(headers)});
    }
  }
  bool data(std::size_t n, std::string_view bytes) {
    const auto observer = calls.at(n)->observer;
    return observer == nullptr || bytes.empty() || observer->on_data(bytes);
  }
  void end(std::size_t n, std::optional<base::Error> failure = std::nullopt) {
    if (const auto observer = std::exchange(calls.at(n)->observer, nullptr)) {
      observer->on_end(std::move(failure));
    }
  }
  [[nodiscard]] const http::Headers& sent(std::size_t n) const { return calls.at(n)->request.headers; }

  std::vector<std::shared_ptr<Call>> calls;
  int resumed = 0;

 private:
  class FakeExchange final : public cache::Exchange {
   public:
    FakeExchange(std::shared_ptr<Call> call, FakeUpstream& owner) : m_call(std::move(call)), m_owner(owner) {}
    ~FakeExchange() override { m_call->observer = nullptr; }
    FakeExchange(const FakeExchange&) = delete;
    FakeExchange& operator=(const FakeExchange&) = delete;
    void resume() override { ++m_owner.resumed; }

   private:
    std::shared_ptr<Call> m_call;
    FakeUpstream& m_owner;
  };
};

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
    auto sink = std::make_shared<FakeSink>();
    engine.handle(std::move(request), sink);
    return sink;
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
    upstream.respond(n, 200, github_headers(token, body), body);
  }

  ManualClock clock;
  MemoryStore memory;
  FaultyStore store{memory};
  FakeUpstream upstream;
  cache::Engine engine;
};

}  // namespace ghoard::testing
