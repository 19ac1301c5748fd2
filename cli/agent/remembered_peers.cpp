#include "cli/agent/remembered_peers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "net/server/descriptor.hpp"

namespace ghoard::agent {

namespace {

using Json = nlohmann::ordered_json;

std::vector<peer::Multiaddr> addresses_in(const Json& entry, std::size_t most) {
  std::vector<peer::Multiaddr> addresses;
  const auto found = entry.find("addresses");
  if (found == entry.end() || !found->is_array()) {
    return addresses;
  }
  for (const Json& text : *found) {
    if (!text.is_string() || addresses.size() == most) {
      continue;
    }
    if (base::Result<peer::Multiaddr> address =
            peer::parse_multiaddr(text.get_ref<const std::string&>(), peer::PeerPart::optional)) {
      address->peer.reset();
      addresses.push_back(*std::move(address));
    }
  }
  return addresses;
}

std::optional<peer::PeerId> id_in(const Json& entry) {
  const auto found = entry.is_object() ? entry.find("id") : entry.end();
  if (!entry.is_object() || found == entry.end() || !found->is_string()) {
    return std::nullopt;
  }
  const base::Result<peer::PeerId> id = peer::parse_peer_id(found->get_ref<const std::string&>());
  return id ? std::optional(*id) : std::nullopt;
}

bool flag_in(const Json& entry, const char* name) {
  const auto found = entry.find(name);
  return found != entry.end() && found->is_boolean() && found->get<bool>();
}

std::uint64_t number_in(const Json& entry, const char* name) {
  const auto found = entry.find(name);
  return found != entry.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// Calls `take` for the entries of one list that name a peer, each peer once.
template <class Take>
void each_in(const Json& document, const char* name, Take take) {
  const auto list = document.is_object() ? document.find(name) : document.end();
  if (!document.is_object() || list == document.end() || !list->is_array()) {
    return;
  }
  std::vector<peer::PeerId> seen;
  for (const Json& entry : *list) {
    const std::optional<peer::PeerId> id = id_in(entry);
    if (id && std::find(seen.begin(), seen.end(), *id) == seen.end() && take(*id, entry)) {
      seen.push_back(*id);
    }
    if (seen.size() == most_met) {
      return;
    }
  }
}

Json texts_of(const std::vector<peer::Multiaddr>& addresses) {
  Json texts = Json::array();
  for (peer::Multiaddr address : addresses) {
    address.peer.reset();
    texts.push_back(address.text());
  }
  return texts;
}

base::Result<void> write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size < 0 && errno != EINTR) {
      return base::fail(base::ErrorCode::system, std::strerror(errno));
    }
    text.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return {};
}

}  // namespace

RememberedPeers parse_remembered(std::string_view text) {
  RememberedPeers peers;
  if (text.size() > longest_peers_file) {
    return peers;
  }
  const Json document = Json::parse(text, nullptr, false);
  each_in(document, "met", [&](const peer::PeerId& id, const Json& entry) {
    mesh::PeerRecord record{id, number_in(entry, "sequence"), addresses_in(entry, mesh::most_addresses),
                            flag_in(entry, "reachable"), flag_in(entry, "slow")};
    const bool is_useful = !record.addresses.empty();
    if (is_useful) {
      peers.met.push_back(std::move(record));
    }
    return is_useful;
  });
  each_in(document, "added", [&](const peer::PeerId& id, const Json& entry) {
    peer::BootstrapPeer added{id, addresses_in(entry, peer::most_addresses_per_peer)};
    for (peer::Multiaddr& address : added.addresses) {
      address.peer = id;
    }
    const bool is_useful = !added.addresses.empty() && peers.added.size() < most_added;
    if (is_useful) {
      peers.added.push_back(std::move(added));
    }
    return is_useful;
  });
  return peers;
}

std::string format_remembered(const RememberedPeers& peers) {
  Json document = Json::object();
  document["met"] = Json::array();
  for (const mesh::PeerRecord& record : peers.met) {
    document["met"].push_back(Json{{"id", record.id.text()},
                                   {"sequence", record.sequence},
                                   {"reachable", record.reachable},
                                   {"slow", record.slow},
                                   {"addresses", texts_of(record.addresses)}});
  }
  document["added"] = Json::array();
  for (const peer::BootstrapPeer& added : peers.added) {
    document["added"].push_back(Json{{"id", added.id.text()}, {"addresses", texts_of(added.addresses)}});
  }
  return document.dump(1) + "\n";
}

RememberedPeers load_remembered(const std::filesystem::path& file) {
  const server::Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!descriptor.open() || ::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || status.st_size > static_cast<off_t>(longest_peers_file)) {
    return {};
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t more = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (more == 0 || (more < 0 && errno != EINTR)) {
      break;
    }
    size += more > 0 ? static_cast<std::size_t>(more) : 0;
  }
  return parse_remembered(std::string_view(text).substr(0, size));
}

base::Result<void> save_remembered(const std::filesystem::path& file, std::string_view text) {
  const std::string temporary = file.string() + ".new";
  // Only the holder of the agent's lock writes it: one left by a crash is nobody's.
  ::unlink(temporary.c_str());
  const server::Descriptor descriptor(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!descriptor.open()) {
    return base::fail(base::ErrorCode::system, temporary + ": " + std::strerror(errno));
  }
  base::Result<void> written = write_whole(descriptor.get(), text);
  if (written && ::rename(temporary.c_str(), file.c_str()) != 0) {
    written = base::fail(base::ErrorCode::system, std::strerror(errno));
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return tl::unexpected(written.error().with_context(file.string()));
  }
  return {};
}

}  // namespace ghoard::agent
