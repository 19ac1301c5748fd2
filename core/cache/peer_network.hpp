#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/cache/entry.hpp"
#include "core/cache/invalidation_log.hpp"
#include "core/cache/upstream.hpp"

namespace ghoard::cache {

/// An answer as one machine hands it to another. It carries ages instead of times, so that clocks need not agree, and
/// no lifetime: the receiver takes that from its own route table.
struct SharedValue {
  int status = 200;
  http::Headers headers;  ///< kept headers (see kept_headers), without ETag
  http::Body body;        ///< identity bytes, never null
  github::EtagClass etag_class = github::EtagClass::opaque;
  std::string vary;
  std::string last_modified;
  bool shareable = false;  ///< another token may prove itself for it
  /// A change came while it was fetched: it serves those who asked before they heard of that, and nobody else.
  bool overtaken = false;

  Fingerprint fingerprint;  ///< the token that was answered with it
  std::string etag;         ///< as GitHub sent it to that token
  base::Millis age{0};      ///< since its fetch, or its last revalidation, began
  base::Millis proof_age{0};
  /// Local: its fetch is known to have begun after that, by the order of messages and not by clocks.
  base::MonoTime fetched_after{};
  base::Digest origin;  ///< the peer that fetched it (its Ed25519 public key); zero: this machine
};

/// How a fetch ended that brought nothing to keep: what GitHub said, or that it could not be asked. Only those who sent
/// the same token learn it.
struct SharedOutcome {
  std::optional<ResponseHead> head;  ///< absent: no answer came
  http::Body body;
  base::Error error;  ///< when there is no head
};

/// The right to ask upstream for one (resource, token) on behalf of all machines. Exactly one of the calls ends it;
/// destroying it unfinished tells the peers that nothing came of it.
class FetchLease {
 public:
  virtual ~FetchLease() = default;
  virtual void done(SharedValue value) = 0;
  virtual void failed(SharedOutcome outcome) = 0;
  /// It cannot be shared at all (too large, opaque): whoever waits asks for itself, and nobody queues for a while.
  virtual void pass() = 0;
};

/// Ask upstream. Without a lease (nobody to share with, or the peers are too slow) the result stays on this machine.
struct GoAhead {
  std::unique_ptr<FetchLease> lease;
  std::optional<SharedValue> basis;  ///< another token's answer, to be confirmed for this one
};
using PeerAnswer = std::variant<GoAhead, SharedValue, SharedOutcome>;

struct PeerQuestion {
  Resource resource;
  ResourceKey key;
  Fingerprint fingerprint;
  std::optional<base::Seconds> max_age;  ///< nothing older, beyond the receiver's own lifetime
  bool renew = false;                    ///< only what is fetched after this question will do
  base::Millis patience{30'000};         ///< how long the caller can wait
};

/// The overlay as the engine sees it. One thread; no callback runs from within a call. The network outlives every
/// question and lease.
class PeerNetwork {
 public:
  class Question {
   public:
    virtual ~Question() = default;  ///< gives up on it: the callback is not called any more
  };
  virtual ~PeerNetwork() = default;

  /// `answer` is called exactly once, within max(question.patience, 250 ms) at the latest.
  [[nodiscard]] virtual std::unique_ptr<Question> ask(PeerQuestion question,
                                                      std::function<void(PeerAnswer)> answer) = 0;
  /// Tells all linked peers. They have been told when `acknowledged` is called: each has made it durable, or 250 ms are
  /// over. May be empty.
  virtual void announce(std::vector<Change> changes, std::function<void()> acknowledged) = 0;
};

/// The engine as the overlay sees it.
class PeerHost {
 public:
  virtual ~PeerHost() = default;
  /// Something fresh that this machine may hand out: granted to `fingerprint` if there is such, else any shareable one.
  virtual std::optional<SharedValue> find_shared(const Resource& resource, const ResourceKey& key,
                                                 const Fingerprint& fingerprint,
                                                 std::optional<base::Seconds> max_age) = 0;
  /// Keeps what a peer fetched, under the grant of the token it was fetched with. Judged anew here; may be dropped.
  virtual void keep_shared(const Resource& resource, const ResourceKey& key, const SharedValue& value) = 0;
  /// Durable when it returns.
  virtual base::Result<void> apply(const std::vector<Change>& changes) = 0;
  /// True: everything from before now must be revalidated, since changes may have been missed. False: no longer.
  virtual void distrust_older(bool distrust) = 0;
};

}  // namespace ghoard::cache
