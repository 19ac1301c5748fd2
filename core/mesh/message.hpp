#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/cache/peer_network.hpp"
#include "core/peer/multiaddr.hpp"
#include "core/peer/peer_id.hpp"

namespace ghoard::mesh {

using peer::PeerId;

/// Bounds of what one message may hold (man ghoard-protocol(7)). A peer that exceeds one is in error.
inline constexpr std::size_t longest_message = 16 * 1024;  ///< encoded, without the body
inline constexpr std::size_t most_addresses = 8;
inline constexpr std::size_t most_records = 32;
inline constexpr std::size_t most_tombstones = 64;
inline constexpr std::size_t most_origins = 512;
inline constexpr std::size_t most_members = 400;
inline constexpr std::size_t most_holes = 2;           ///< of one origin
inline constexpr base::Millis longest_fresh{300'000};  ///< of what a change can concern (design: the life of a grant)

/// Chosen by whoever asks; answers carry it. Never reused while a question is open.
using QuestionId = std::uint32_t;
/// Random, the fence of one fetch.
using LeaseId = std::uint64_t;
/// What is leased: the resource's key, or SHA-256(key ‖ fingerprint) where the answer depends on who asks.
using SlotKey = base::Digest;

/// What a peer says of itself. The higher sequence wins.
struct PeerRecord {
  PeerId id;
  std::uint64_t sequence = 0;
  std::vector<peer::Multiaddr> addresses;  ///< without /p2p/; at most most_addresses
  bool reachable = false;                  ///< somebody connected to it: it may own keys
  bool slow = false;                       ///< it owns none, since its line is much slower than the others'
  bool operator==(const PeerRecord&) const = default;
};

// ---- membership
struct Hello {  ///< the first message in both directions
  PeerRecord record;
  std::string observed;       ///< the other side's address as seen here, without port; empty if not known
  std::uint64_t incarnation;  ///< random per process: names this run's tombstones
  std::string software;       ///< "ghoard/1.2.3", for `peers`
};
struct Records {
  std::vector<PeerRecord> records;
};
struct View {                   ///< sent when digests differ
  std::vector<PeerId> members;  ///< live and reachable, as far as the sender knows
};
struct Ping {
  std::uint32_t number = 0;
  std::uint64_t view = 0;               ///< digest of the sender's view
  std::optional<base::Millis> latency;  ///< the median of the sender's round trips, where it knows some
};
struct Pong {
  std::uint32_t number = 0;
  std::uint64_t view = 0;
  std::optional<base::Millis> latency;  ///< as in Ping
};
struct Suspect {  ///< the sender observes `id` and hears nothing from it
  PeerId id;
  std::uint64_t sequence = 0;
};
struct DialBack {};  ///< please connect to an address of my record

// ---- leases: asking
struct Prior {  ///< what the asker was told before the owner went away
  PeerId holder;
  LeaseId lease = 0;
};
struct Get {
  QuestionId question = 0;
  cache::Resource resource;
  cache::Fingerprint fingerprint;
  std::optional<base::Seconds> max_age;
  bool renew = false;
  base::Millis patience{0};
  std::uint8_t hop = 0;
  std::optional<Prior> prior;
};
struct Pending {
  QuestionId question = 0;
};
struct Wait {
  QuestionId question = 0;
  PeerId holder;
  LeaseId lease = 0;
};
/// How a value looks in a message; its bytes are the message's body. `origin` and ages as in cache::SharedValue.
struct Value {
  QuestionId question = 0;
  cache::SharedValue value;
  base::Millis began_before{0};  ///< the fetch began at most so long before the question arrived at the owner
};
struct Grant {
  QuestionId question = 0;
  LeaseId lease = 0;
  SlotKey slot;
  base::Millis term{0};                     ///< ends then at the latest
  std::optional<PeerId> backup;             ///< also told of beats and of the end
  std::optional<cache::SharedValue> basis;  ///< another token's answer to prove oneself for
};
struct NotOwner {
  QuestionId question = 0;
  std::uint64_t view = 0;
};
struct Outcome {
  QuestionId question = 0;
  cache::SharedOutcome outcome;
};
struct Release {  ///< ask upstream without a lease
  QuestionId question = 0;
};
struct Forget {  ///< the asker has left, or declines what it was granted
  QuestionId question = 0;
};

// ---- leases: holding
struct Wanted {  ///< what would make a fetch needless
  cache::Resource resource;
  std::optional<base::Seconds> max_age;
};
/// Owner to backup, before a grant. The answer is NoteKept, or Value if the backup has what is wanted.
struct Note {
  QuestionId question = 0;
  SlotKey slot;
  cache::Fingerprint fingerprint;
  PeerId holder;
  LeaseId lease = 0;
  std::optional<Wanted> wanted;
};
struct NoteKept {
  QuestionId question = 0;
};
struct Beat {  ///< holder to owners, once a second; complete, so that a new owner can take the lease up
  LeaseId lease = 0;
  SlotKey slot;
  cache::Fingerprint fingerprint;
};
struct Put {
  LeaseId lease = 0;
  cache::Resource resource;
  cache::SharedValue value;
};
struct Failed {
  LeaseId lease = 0;
  SlotKey slot;
  cache::Fingerprint fingerprint;
  cache::SharedOutcome outcome;
};
struct Pass {
  LeaseId lease = 0;
  SlotKey slot;
  cache::Fingerprint fingerprint;
};
struct Probe {  ///< is this lease alive with you?
  QuestionId question = 0;
  LeaseId lease = 0;
};
struct Alive {
  QuestionId question = 0;
  bool alive = false;
};

// ---- invalidation
/// One change, named by who made it and its number there. Sequences of one origin begin at 1 and have no gaps. Who has
/// been silent for `longest_fresh` begins anew, with another incarnation: others may have forgotten the old one.
struct Tombstone {
  PeerId origin;
  std::uint64_t incarnation = 0;
  std::uint64_t sequence = 0;
  cache::Change change;
};
struct Tombstones {
  std::uint32_t number = 0;  ///< 0: no acknowledgement is wanted
  std::vector<Tombstone> tombstones;
};
struct Acknowledge {
  std::uint32_t number = 0;
};
struct SequenceRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool operator==(const SequenceRange&) const = default;
};
struct LogExtent {
  PeerId origin;
  std::uint64_t incarnation = 0;
  std::uint64_t first = 0;  ///< the oldest that is still there
  std::uint64_t last = 0;
  /// Up to `last`, in order: what the sender had to give up without having seen it. It may still be sent.
  std::vector<SequenceRange> holes{};
  /// For how long nothing was heard of that origin, so that whoever hears of it late does not take it for young.
  base::Millis idle{0};
};
struct LogDigest {  ///< what the sender has; the receiver sends what is missing there, and asks for what is missing
                    ///< here
  std::vector<LogExtent> extents;
  bool answer = false;  ///< it answers a digest: the exchange ends here
  /// No extents, only a summary: if the receiver's is equal it answers LogEnd, else with a digest of its own.
  bool brief = false;
  std::uint64_t summary = 0;
};
/// What was asked for and is gone, or the end of what was missing: the exchange of digests is complete.
struct LogEnd {
  bool gap = false;
};

using Message = std::variant<Hello, Records, View, Ping, Pong, Suspect, DialBack, Get, Pending, Wait, Value, Grant,
                             NotOwner, Outcome, Release, Forget, Note, NoteKept, Beat, Put, Failed, Pass, Probe, Alive,
                             Tombstones, Acknowledge, LogDigest, LogEnd>;

/// CBOR (RFC 8949): an array of the message's number and its fields in the order above (ghoard-protocol(7)). The body
/// of a value or outcome is not part of it.
[[nodiscard]] std::string encode(const Message& message);
/// Never allocates more than the input's size warrants; refuses unknown numbers, missing or wrong fields, depth over 6,
/// and anything over the bounds above. Further fields at an array's end are ignored (minor versions may add them).
[[nodiscard]] base::Result<Message> decode(std::string_view bytes, http::Body body);
/// The bytes that travel beside the message; null for most.
[[nodiscard]] http::Body body_of(const Message& message);
/// For logs and tests: "get", "put", ...
[[nodiscard]] std::string_view name_of(const Message& message);

}  // namespace ghoard::mesh
