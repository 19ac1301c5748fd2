#pragma once

#include <memory>

#include "core/cache/fetcher.hpp"
#include "core/cache/peer_network.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/state.hpp"

namespace ghoard::cache {

/// Answers API requests: from the memory tier, the store, or upstream (design: "A request's way"). A single-threaded
/// state machine: `handle` and `tick` are called on the loop thread, and so must be the observers it gives to Upstream,
/// and whatever a PeerNetwork calls.
class Engine final : public RequestHandler, public PeerHost {
 public:
  /// `store`, `upstream` and `clock` must outlive the engine.
  Engine(Store& store, Upstream& upstream, const base::Clock& clock, EngineOptions options);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void handle(IncomingRequest request, std::shared_ptr<ReplySink> sink) override;

  /// From now on peers are asked before upstream and told of changes. They must outlive the engine, or be taken back
  /// with null, which gives every question and lease up. Never from within a call of theirs.
  void use_peers(PeerNetwork* peers);
  std::optional<SharedValue> find_shared(const Resource& resource, const ResourceKey& key,
                                         const Fingerprint& fingerprint, std::optional<base::Seconds> max_age) override;
  void keep_shared(const Resource& resource, const ResourceKey& key, const SharedValue& value) override;
  base::Result<void> apply(const std::vector<Change>& changes) override;
  void distrust_older(bool distrust) override;

  /// To be called about once a second.
  void tick();
  /// Writes what is only in memory (the LRU order) to the store; before exit.
  void flush();
  /// After entries were removed from the store.
  void forget_memory() { m_state.memory.clear(); }

  [[nodiscard]] const Metrics& metrics() const { return m_state.metrics; }
  [[nodiscard]] const github::RateBook& rates() const { return m_state.rates; }
  /// See State::clock_ahead; nothing before the first answer.
  [[nodiscard]] std::optional<base::Seconds> clock_ahead() const { return m_state.clock_ahead; }
  [[nodiscard]] std::size_t flights() const { return m_fetcher.flights(); }

 private:
  void handle_read(const github::CanonicalRequest& request, http::Headers headers, std::shared_ptr<ReplySink> sink);
  void pass(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink,
            bool with_credential);
  void write(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink);
  [[nodiscard]] std::shared_ptr<const Entry> look_up(const github::CanonicalRequest& request);
  [[nodiscard]] std::shared_ptr<const Entry> verified(const github::CanonicalRequest& request, const Entry& pushed);
  [[nodiscard]] std::shared_ptr<const Entry> look_up_any(const github::CanonicalRequest& request);
  void refuse(const std::shared_ptr<ReplySink>& sink, int status, std::string_view code, std::string_view message);
  void relay(const github::CanonicalRequest& request, IncomingRequest incoming, std::shared_ptr<ReplySink> sink,
             bool with_credential, Relay::Done done, Relay::BeforeHead before_head, Relay::Gate gate);
  void answer_stored(const github::CanonicalRequest& request, const http::Headers& headers,
                     const std::shared_ptr<ReplySink>& sink, const Entry& entry, const Judgement& judgement);
  /// Tells the peers; `told` is called at once if there are none.
  void announce(std::vector<Change> changes, std::function<void()> told);
  [[nodiscard]] std::optional<SharedValue> offer(const Resource& resource, const Entry& entry,
                                                 std::optional<base::Seconds> max_age);
  [[nodiscard]] bool reconcile(const Resource& resource, const ResourceKey& key, Entry& entry);
  /// False: too much is under way, and the client was told.
  [[nodiscard]] bool has_room(const std::shared_ptr<ReplySink>& sink, std::uint64_t body_bytes);

  State m_state;
  Fetcher m_fetcher;
  std::vector<std::weak_ptr<Relay>> m_relays;
};

}  // namespace ghoard::cache
