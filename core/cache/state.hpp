#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/cache/budgets.hpp"
#include "core/cache/holder_headers.hpp"
#include "core/cache/hosts.hpp"
#include "core/cache/invalidation_log.hpp"
#include "core/cache/judge.hpp"
#include "core/cache/memory_tier.hpp"
#include "core/cache/metrics.hpp"
#include "core/cache/peer_marks.hpp"
#include "core/cache/peer_network.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/store.hpp"
#include "core/cache/upstream.hpp"
#include "core/github/rate.hpp"

namespace ghoard::cache {

struct EngineOptions {
  github::OriginMap origins;
  base::Seconds default_ttl{300};
  std::uint64_t memory_bytes = 32ULL << 20;   ///< hottest entries kept in memory
  std::uint64_t object_limit = 16ULL << 20;   ///< larger bodies are streamed through uncached
  std::uint64_t buffer_budget = 64ULL << 20;  ///< all bodies being gathered together
  std::uint64_t max_exchanges = 512;          ///< fetches and relays under way; more are refused
  std::string user_agent;
  std::vector<std::string> allowed_hosts;            ///< authorities besides GitHub's own
  std::function<void(const std::string& line)> log;  ///< one line without secrets; may be empty
  /// Whether answers to that token enter the overlay (design: trust); empty: all do.
  std::function<bool(const Fingerprint&)> may_share;
};

/// What the parts of the engine share. Owned by Engine; one thread.
struct State {
  State(Store& durable, Upstream& servers, const base::Clock& time, EngineOptions settings)
      : store(durable),
        upstream(servers),
        clock(time),
        options(std::move(settings)),
        memory(options.memory_bytes),
        budgets{base::Budget(options.buffer_budget), base::Budget(options.max_exchanges)},
        hosts(options.origins, options.allowed_hosts) {
    metrics.since = clock.wall();
  }

  Store& store;
  Upstream& upstream;
  const base::Clock& clock;
  EngineOptions options;
  MemoryTier memory;
  Budgets budgets;
  AllowedHosts hosts;
  InvalidationLog log;
  Metrics metrics;
  github::RateBook rates;
  github::DriftBreaker drift;
  HolderHeaders holders;
  std::unordered_set<ResponseId> touched;  // served since the last flush of the LRU order

  /// How far this machine's clock is ahead of the API's, as the last answer's Date had it (RFC 9110 section 6.6.1).
  std::optional<base::Seconds> clock_ahead;

  PeerNetwork* peers = nullptr;  ///< null: this machine is alone
  PeerMarks from_peers;
  /// What was fetched until then may have missed a change (PeerHost::distrust_older).
  struct Watermark {
    base::WallTime wall{};
    base::MonoTime mono{};
  };
  std::optional<Watermark> distrusted_until;

  void note(const std::string& line) const {
    if (options.log) {
      options.log(line);
    }
  }
  /// How a client was answered.
  void count(const ReplySink& sink, Outcome outcome, bool stale = false) {
    if (!sink.is_own()) {
      metrics.count(outcome);
      metrics.stale_served += stale ? 1 : 0;
    }
  }
  void served(const Entry& entry) {
    if (entry.response.id != 0) {
      touched.insert(entry.response.id);
    }
  }
  [[nodiscard]] bool shares(const Fingerprint& fingerprint) const {
    return !options.may_share || options.may_share(fingerprint);
  }
  /// Whom to ask for what this token wants; null: nobody.
  [[nodiscard]] PeerNetwork* peers_for(const Fingerprint& fingerprint) const {
    return peers != nullptr && shares(fingerprint) ? peers : nullptr;
  }
  [[nodiscard]] bool distrusts(base::WallTime fetched) const {
    return distrusted_until.has_value() && fetched <= distrusted_until->wall;
  }
  [[nodiscard]] bool distrusts(base::MonoTime fetched) const {
    return distrusted_until.has_value() && fetched <= distrusted_until->mono;
  }
  /// judge(), where what may have missed a change must be revalidated.
  [[nodiscard]] Judgement judged(const Entry& entry, const http::RequestDirectives& directives) const;
  /// Whether something fetched at that time, or later, may show the resource as it was before a change known here.
  [[nodiscard]] bool may_predate_change(const Resource& resource, const Fingerprint& fingerprint,
                                        base::MonoTime fetched) const;
  /// Records changes, and marks or drops what they name, durably.
  [[nodiscard]] base::Result<void> mark_changed(std::span<const github::Tag> tags);
  [[nodiscard]] base::Result<void> drop_granted(const Fingerprint& fingerprint);

  /// 401 says that the token is worth nothing any more, 403 and 404 that it may not see what it asked to read (design:
  /// grants). A 403 that only reports an exhausted limit says nothing about entitlement.
  void withdraw_grants(const github::CanonicalRequest& request, const ResponseHead& head, std::string_view body);
  /// Counts one upstream request that ended, and learns from its head. Only servers of the API charge for an answer.
  void account(const http::Origin& origin, const github::Credential& credential, std::string_view path,
               const ResponseHead* head, std::string_view body);
};

}  // namespace ghoard::cache
