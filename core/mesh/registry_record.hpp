#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/secret.hpp"
#include "core/base/time.hpp"
#include "core/mesh/message.hpp"
#include "core/peer/identity.hpp"
#include "core/peer/seal.hpp"

namespace ghoard::mesh {

/// Where records are published: they mean nothing in another repository or network.
struct RegistryPlace {
  std::string repository;    ///< OWNER/NAME; GitHub compares without regard to case, and so does this
  std::string network_name;  ///< as keys are derived with it
};

/// What a peer publishes of itself.
struct PublishedRecord {
  PeerRecord record;
  base::WallTime written{};  ///< by its own clock, whole seconds
};

/// Which of two is a peer's latest word.
[[nodiscard]] bool is_later(const PublishedRecord& left, const PublishedRecord& right);
/// Leaves out addresses for which there is no room, the last ones first, and `slow`, which is of the moment.
void fit(PublishedRecord& published);

/// A comment of the registry's issue (ghoard-protocol(7)): a line that says what it is, and below it the sealed record.
inline constexpr std::string_view registry_marker = "ghoard-peer/1: the sealed address of one ghoard agent";
inline constexpr std::size_t longest_comment = 4 * 1024;
inline constexpr std::size_t longest_published = 2 * 1024;  ///< before sealing

/// Sealed with `key`, so that only members read it, and signed by `identity`, whose id the record has, so that no
/// member can write another one's record. What does not fit is left out. Nothing: a key that is none.
[[nodiscard]] std::optional<std::string> format_comment(const RegistryPlace& place, const base::SecretBytes& key,
                                                        const peer::Identity& identity, PublishedRecord published,
                                                        std::span<const std::uint8_t, peer::seal_nonce_size> nonce);

struct OpenedRecord {
  PublishedRecord published;
  std::size_t key = 0;  ///< the index of the one that opened it
};
/// Nothing: it is not sealed by any of the keys for this place, not signed by the peer that it is about, or breaks a
/// bound. How old it is has to be judged by the reader.
[[nodiscard]] std::optional<OpenedRecord> read_comment(const RegistryPlace& place,
                                                       std::span<const base::SecretBytes> keys, std::string_view body);

}  // namespace ghoard::mesh
