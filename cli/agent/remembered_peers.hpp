#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/mesh/message.hpp"
#include "core/peer/bootstrap.hpp"

namespace ghoard::agent {

/// Whom the next run should look for, besides those of the settings.
struct RememberedPeers {
  std::vector<mesh::PeerRecord> met;       ///< were linked at some time, the last seen first
  std::vector<peer::BootstrapPeer> added;  ///< by `peers add`
};

inline constexpr std::size_t most_met = 256;
inline constexpr std::size_t most_added = 64;
inline constexpr std::size_t longest_peers_file = 512 * 1024;

/// JSON. What cannot be understood in the text is left out, entry by entry: it may have been written by anything.
[[nodiscard]] RememberedPeers parse_remembered(std::string_view text);
[[nodiscard]] std::string format_remembered(const RememberedPeers& peers);

/// STATE/peers. A file that is absent, too long, no regular file or not ours remembers nobody.
[[nodiscard]] RememberedPeers load_remembered(const std::filesystem::path& file);
/// 0600, replaced at once or not at all.
[[nodiscard]] base::Result<void> save_remembered(const std::filesystem::path& file, std::string_view text);

}  // namespace ghoard::agent
