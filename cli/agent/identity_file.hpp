#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/settings/settings.hpp"
#include "core/base/result.hpp"
#include "core/peer/identity.hpp"

namespace ghoard::agent {

/// Where the agent's identity key is kept.
struct IdentityPlace {
  std::filesystem::path file;
  /// True for the file in the state directory. It is bound to the machine: one that came along in an image or a copied
  /// directory makes way for a new identity, since two agents under one id are taken for one by all others. False for a
  /// path that somebody set: that user moves identities on purpose (containers do), so such a file is only ever read,
  /// or made where there is none.
  bool bound = true;
};

/// `identity_file`, else STATE/identity.
[[nodiscard]] IdentityPlace identity_place(const settings::Settings& settings, const settings::Paths& paths);

/// What the identity is bound to: /etc/machine-id (machine-id(5)), else D-Bus's, else the host name; all outlive a
/// boot. Confidential by machine-id(5): the file holds only a MAC of it.
[[nodiscard]] std::string machine_name();

struct HeldIdentity {
  enum class Origin {
    loaded,   ///< from the file
    made,     ///< there was no file
    cloned,   ///< the file came from another machine; it is now FILE.cloned
    damaged,  ///< the file was not whole; it is now FILE.damaged
  };

  peer::Identity identity;
  Origin origin = Origin::loaded;
};

/// Loads the identity, or makes one. The file has 88 bytes and mode 0600, appears whole or not at all, and of agents
/// that start at once all get the same. `machine` is machine_name(). refused: a symbolic link, no regular file, another
/// owner, access for group or others, or a later version's file; corrupted: a set path names something that is no
/// identity, which is left alone; busy: another process has been making one for a second; system: a call failed.
/// Errors name the file and the fix.
[[nodiscard]] base::Result<HeldIdentity> hold_identity(const IdentityPlace& place, std::string_view machine);

}  // namespace ghoard::agent
