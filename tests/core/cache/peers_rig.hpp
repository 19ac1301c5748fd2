#pragma once

#include <string>

#include "tests/core/cache/engine_rig.hpp"
#include "tests/support/scripted_peers.hpp"

namespace ghoard::testing {

/// An EngineRig that has peers.
struct PeersRig : EngineRig {
  using Lease = FakePeers::Lease;

  explicit PeersRig(cache::EngineOptions options = {}) : EngineRig(std::move(options)) { engine.use_peers(&peers); }
  ~PeersRig() { engine.use_peers(nullptr); }
  PeersRig(const PeersRig&) = delete;
  PeersRig& operator=(const PeersRig&) = delete;

  static cache::Fingerprint fingerprint_of(const std::string& token) {
    return github::canonical_credential("token " + token).fingerprint;
  }
  static cache::Resource resource(std::string path = scene::repo) {
    return {"api.github.com", std::move(path), "", std::string(github::default_accept),
            std::string(github::default_api_version)};
  }
  static cache::ResourceKey key(const std::string& path = scene::repo) { return github::key_of(resource(path)); }

  /// What a peer got for `token` so long ago, sent just now.
  [[nodiscard]] cache::SharedValue value(const std::string& token, const std::string& body,
                                         base::Millis age = base::Millis{1000}) const {
    const http::Headers received = github_headers(token, body);
    cache::SharedValue made;
    made.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    made.body = std::make_shared<const std::string>(body);
    made.etag_class = github::EtagClass::derivable;
    made.vary = received.get("Vary");
    made.shareable = true;
    made.fingerprint = fingerprint_of(token);
    made.etag = received.get("ETag");
    made.age = age;
    made.proof_age = age;
    made.fetched_after = clock.mono() - age;
    return made;
  }
  /// Other bytes than those that its ETag is of.
  [[nodiscard]] cache::SharedValue forged() const {
    cache::SharedValue made = value(token_a, scene::body_1);
    made.body = std::make_shared<const std::string>(scene::body_2);
    return made;
  }
  static cache::SharedOutcome outcome(int status, std::string body = "{}", http::Headers headers = {}) {
    cache::SharedOutcome made;
    made.head = cache::ResponseHead{status, std::move(headers)};
    made.body = std::make_shared<const std::string>(std::move(body));
    return made;
  }
  static cache::SharedOutcome no_answer() {
    cache::SharedOutcome made;
    made.error = base::Error{base::ErrorCode::timeout, "no answer within 60 s"};
    return made;
  }
  /// Fetches without peers' help and keeps it.
  void fetch(const std::string& token, const std::string& body, const std::string& path = scene::repo) {
    (void)get(path, token);
    peers.release(peers.asked() - 1);
    answer(upstream.count() - 1, token, body);
  }
  [[nodiscard]] std::optional<cache::SharedValue> found(const std::string& token,
                                                        std::optional<base::Seconds> max_age = std::nullopt) {
    return engine.find_shared(resource(), key(), fingerprint_of(token), max_age);
  }
  void keep(const cache::SharedValue& shared, const std::string& path = scene::repo) {
    engine.keep_shared(resource(path), key(path), shared);
  }
  base::Result<void> told(std::string prefix) {
    return engine.apply({github::Tag{"api.github.com", std::move(prefix)}});
  }

  FakePeers peers;
};

/// Whether an answer's Cache-Status holds these words.
inline bool says(const std::shared_ptr<FakeSink>& sink, std::string_view words) {
  return sink->cache_status().find(words) != std::string::npos;
}

}  // namespace ghoard::testing
