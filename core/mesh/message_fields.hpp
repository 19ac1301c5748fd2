#pragma once

#include "core/mesh/cbor.hpp"
#include "core/mesh/message.hpp"

namespace ghoard::mesh {

/// The fields of a message in the order of its declaration. Reading leaves the bodies of values and outcomes out: they
/// travel beside the message. A field that breaks a bound makes the reader fail.
/// ghoard-protocol(7): strings that come from HTTP are byte strings, since they may hold bytes that are not UTF-8.

/// A record is part of messages, and of what is published.
void write(Writer& to, const PeerRecord& from);
void read(Reader& from, PeerRecord& to);

void write(Writer& to, const Hello& from);
void write(Writer& to, const Records& from);
void write(Writer& to, const View& from);
void write(Writer& to, const Ping& from);
void write(Writer& to, const Pong& from);
void write(Writer& to, const Suspect& from);
void write(Writer& to, const DialBack& from);
void write(Writer& to, const Get& from);
void write(Writer& to, const Pending& from);
void write(Writer& to, const Wait& from);
void write(Writer& to, const Value& from);
void write(Writer& to, const Grant& from);
void write(Writer& to, const NotOwner& from);
void write(Writer& to, const Outcome& from);
void write(Writer& to, const Release& from);
void write(Writer& to, const Forget& from);
void write(Writer& to, const Note& from);
void write(Writer& to, const NoteKept& from);
void write(Writer& to, const Beat& from);
void write(Writer& to, const Put& from);
void write(Writer& to, const Failed& from);
void write(Writer& to, const Pass& from);
void write(Writer& to, const Probe& from);
void write(Writer& to, const Alive& from);
void write(Writer& to, const Tombstones& from);
void write(Writer& to, const Acknowledge& from);
void write(Writer& to, const LogDigest& from);
void write(Writer& to, const LogEnd& from);

void read(Reader& from, Hello& to);
void read(Reader& from, Records& to);
void read(Reader& from, View& to);
void read(Reader& from, Ping& to);
void read(Reader& from, Pong& to);
void read(Reader& from, Suspect& to);
void read(Reader& from, DialBack& to);
void read(Reader& from, Get& to);
void read(Reader& from, Pending& to);
void read(Reader& from, Wait& to);
void read(Reader& from, Value& to);
void read(Reader& from, Grant& to);
void read(Reader& from, NotOwner& to);
void read(Reader& from, Outcome& to);
void read(Reader& from, Release& to);
void read(Reader& from, Forget& to);
void read(Reader& from, Note& to);
void read(Reader& from, NoteKept& to);
void read(Reader& from, Beat& to);
void read(Reader& from, Put& to);
void read(Reader& from, Failed& to);
void read(Reader& from, Pass& to);
void read(Reader& from, Probe& to);
void read(Reader& from, Alive& to);
void read(Reader& from, Tombstones& to);
void read(Reader& from, Acknowledge& to);
void read(Reader& from, LogDigest& to);
void read(Reader& from, LogEnd& to);

inline constexpr std::size_t longest_software = 64;
inline constexpr std::size_t longest_observed = 64;
inline constexpr std::size_t longest_host = 300;
inline constexpr std::size_t longest_prefix = 4 * 1024;  ///< of a tag's path; longer ones are widened to a parent
inline constexpr std::size_t longest_error = 512;
inline constexpr std::size_t longest_api_version = 64;
/// Leaves room to count up from: nobody can push a counter to its end.
inline constexpr std::uint64_t highest_sequence = std::uint64_t{1} << 62;
inline constexpr std::uint64_t longest_age_ms = std::uint64_t{1} << 50;
inline constexpr std::uint64_t longest_seconds = 10'000'000'000;
inline constexpr std::uint64_t longest_wait_ms = 3'600'000;
inline constexpr std::uint8_t most_hops = 3;

}  // namespace ghoard::mesh
