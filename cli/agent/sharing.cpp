#include "cli/agent/sharing.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <utility>

namespace ghoard::agent {

namespace {

constexpr base::Seconds write_interval{60};

/// 256 peers, connections that are half open, and those of clients: what a usual soft limit of 1,024 does not hold.
void raise_descriptor_limit() {
  constexpr rlim_t enough = 16'384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < enough) {
    limit.rlim_cur = std::min(limit.rlim_max, enough);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

NetworkSecrets in_use(const settings::Settings& settings, const NetworkSecrets& of_token) {
  const std::string& texts = settings.text("network_key");
  if (!texts.empty()) {
    return derive_secrets(texts, {}, settings.text("network_name"));
  }
  base::Result<NetworkSecrets> copy = copy_of(of_token);
  if (!copy) {
    NetworkSecrets none;
    none.problem = copy.error().message;
    return none;
  }
  return *std::move(copy);
}

base::Result<peer::PeerId> id_of(std::string_view name) {
  if (base::Result<peer::PeerId> id = peer::parse_peer_id(name); id || !name.starts_with('/')) {
    return id;
  }
  const base::Result<peer::Multiaddr> address = peer::parse_multiaddr(name);
  return address ? base::Result<peer::PeerId>(*address->peer) : tl::unexpected(address.error());
}

base::SecretBytes token_to_keep(const settings::Settings& settings, base::SecretBytes token) {
  return settings.text("github_repo").empty() ? base::SecretBytes() : std::move(token);
}

/// Those of `fresh` that make another network than those of `old`: links under one would mean nothing under the other.
bool is_other_kind(const NetworkSecrets& old, const NetworkSecrets& fresh) {
  return old.source != fresh.source || old.only_token != fresh.only_token;
}

}  // namespace

Sharing::Sharing(Surroundings around, settings::Settings settings, local::StartSecrets secrets)
    : m_around(around),
      m_settings(std::move(settings)),
      m_of_token(derive_secrets({}, secrets.token.view(), m_settings.text("network_name"))),
      m_token(token_to_keep(m_settings, std::move(secrets.token))),
      m_secrets(in_use(m_settings, m_of_token)) {
  m_settings.forget_secret("network_key");
}

Sharing::~Sharing() {
  stop();
}

void Sharing::start(cache::Engine& engine) {
  m_engine = &engine;
  m_remembered = load_remembered(m_around.paths.peers_file());
  m_written = format_remembered(m_remembered);
  join();
}

/// The overlay as settings and keys allow it, or the reason for none.
void Sharing::join() {
  base::Result<NetworkSecrets> secrets = copy_of(m_secrets);
  if (!secrets) {
    m_off = {secrets.error().message, true};
    return;
  }
  OverlayPlan plan = plan_overlay(m_settings, *std::move(secrets), [this] {
    return hold_identity(identity_place(m_settings, m_around.paths), machine_name());
  });
  m_off = std::move(plan.off);
  m_rejected = std::move(plan.rejected);
  m_bootstrap = plan.options.bootstrap;
  for (const peer::Rejected& entry : m_rejected) {
    m_around.log.warning("peer \"" + entry.entry + "\" is left out: " + entry.reason);
  }
  if (m_off.reason.empty()) {
    open(std::move(plan.options));
  }
  if (m_off.is_fault) {
    m_around.log.warning("not sharing with peers: " + m_off.reason);
  }
}

void Sharing::open(overlay::OverlayOptions options) {
  raise_descriptor_limit();
  const std::shared_ptr<const peer::Identity> identity = options.identity;
  m_self = identity->id();
  options.remembered = m_remembered.met;
  options.log = [this](std::string_view line) { m_around.log.info(line); };
  base::Result<std::unique_ptr<overlay::Overlay>> overlay =
      overlay::Overlay::create(m_around.loop, std::move(options), *m_engine, m_around.clock);
  if (!overlay) {
    m_off = {overlay.error().message, true};
    return;
  }
  m_overlay = *std::move(overlay);
  m_engine->use_peers(&m_overlay->network());
  for (const peer::BootstrapPeer& added : m_remembered.added) {
    m_overlay->add_peer(added);
  }
  m_around.log.info("peers are welcome at " + m_overlay->listen_addresses().front() + ", network key " +
                    m_secrets.keys.front().id());
  discover(identity);
}

void Sharing::discover(std::shared_ptr<const peer::Identity> identity) {
  m_no_discovery.clear();
  if (m_settings.text("github_repo").empty()) {
    return;
  }
  const Discovery::Options options{
      {m_settings.text("github_repo"), m_settings.text("network_name")}, std::move(identity), m_secrets.keys, m_token};
  base::Result<std::unique_ptr<Discovery>> discovery =
      Discovery::create(m_around.loop, options, *m_engine, m_overlay->node().members(), m_around.clock);
  if (discovery) {
    m_discovery = *std::move(discovery);
  } else {
    m_no_discovery = discovery.error().message;
    m_around.log.warning("peers are not looked for in " + options.place.repository + ": " + m_no_discovery);
  }
}

std::optional<mesh::RegistryStatus> Sharing::discovery() const {
  if (m_discovery) {
    return m_discovery->status();
  }
  mesh::RegistryStatus off;
  off.problem = m_no_discovery;
  return is_on() && !m_no_discovery.empty() ? std::optional(std::move(off)) : std::nullopt;
}

void Sharing::leave() {
  m_discovery.reset();  // before the members that it tells of others
  if (m_overlay) {
    remember();
    m_engine->use_peers(nullptr);  // gives up every question and lease before their network goes
    m_overlay->stop();
    m_overlay.reset();
  }
}

void Sharing::stop() {
  leave();
  if (!std::exchange(m_stopped, true) && m_off.reason.empty()) {
    m_off = {"the agent is about to end", false};
  }
}

void Sharing::reload(const settings::Settings& fresh) {
  if (m_stopped || m_engine == nullptr) {
    return;
  }
  const auto may_change = [&](const char* key) {
    const settings::Source source = m_settings.value(key).source;
    return source == settings::Source::file || source == settings::Source::built_in;
  };
  if (may_change("denied_peers")) {
    m_settings.take_over(fresh, "denied_peers");
  }
  bool is_other = !is_on();
  if (may_change("network_key")) {
    m_settings.take_over(fresh, "network_key");
    NetworkSecrets secrets = in_use(m_settings, m_of_token);
    m_settings.forget_secret("network_key");
    is_other = is_other || is_other_kind(m_secrets, secrets) || secrets.keys.empty();
    m_secrets = std::move(secrets);
  }
  if (is_other || !judge_settings(m_settings).reason.empty()) {
    leave();
    join();
    return;
  }
  std::erase_if(m_rejected, [](const peer::Rejected& entry) { return entry.reason.starts_with("denied_peers"); });
  m_overlay->set_denied(denied_peers(m_settings, m_rejected));
  m_overlay->set_keys(m_secrets.keys);
  if (m_discovery) {
    if (const base::Result<void> taken = m_discovery->set_keys(m_secrets.keys); !taken) {
      m_around.log.warning("discovery keeps the old network keys: " + taken.error().message);
    }
  }
  m_around.log.info("network keys and denied peers read again; the first key is " + m_secrets.keys.front().id());
}

std::size_t Sharing::linked() const {
  return m_overlay ? m_overlay->node().members().linked().size() : 0;
}

void Sharing::tick() {
  if (m_discovery) {
    m_discovery->tick();
  }
  if (is_on() && m_around.clock.mono() >= m_next_write) {
    m_next_write = m_around.clock.mono() + write_interval;
    remember();
  }
}

/// Those met before and not since are kept behind those of this run, as far as there is room.
RememberedPeers Sharing::memorable() const {
  RememberedPeers peers;
  peers.added = m_remembered.added;
  peers.met = m_overlay->node().members().to_remember();
  for (const mesh::PeerRecord& old : m_remembered.met) {
    const bool is_known = std::any_of(peers.met.begin(), peers.met.end(),
                                      [&](const mesh::PeerRecord& record) { return record.id == old.id; });
    if (!is_known && peers.met.size() < most_met) {
      peers.met.push_back(old);
    }
  }
  return peers;
}

void Sharing::remember() {
  if (!is_on()) {
    return;
  }
  m_remembered = memorable();
  std::string text = format_remembered(m_remembered);
  if (text == m_written) {
    return;
  }
  if (const base::Result<void> saved = save_remembered(m_around.paths.peers_file(), text); !saved) {
    m_around.log.warning("peers are not remembered: " + saved.error().message);
    return;
  }
  m_written = std::move(text);
}

base::Result<peer::PeerId> Sharing::add_peer(std::string_view text) {
  if (!is_on()) {
    return base::fail(base::ErrorCode::unavailable, "the overlay is off: " + m_off.reason);
  }
  base::Result<peer::Multiaddr> address = peer::parse_multiaddr(text);
  if (!address) {
    return tl::unexpected(address.error());
  }
  const peer::PeerId id = *address->peer;
  if (id == m_self) {
    return base::fail(base::ErrorCode::invalid_input, "that is this very agent");
  }
  std::vector<peer::BootstrapPeer>& added = m_remembered.added;
  auto found = std::find_if(added.begin(), added.end(), [&](const peer::BootstrapPeer& peer) { return peer.id == id; });
  if (found == added.end()) {
    if (added.size() == most_added) {
      return base::fail(
          base::ErrorCode::invalid_input,
          std::to_string(most_added) + " peers have been added already; `ghoard peers remove` makes room");
    }
    found = added.insert(added.end(), {id, {}});
  }
  // The last one counts most: an address that was corrected must not wait behind the wrong one.
  std::erase(found->addresses, *address);
  found->addresses.insert(found->addresses.begin(), *std::move(address));
  found->addresses.resize(std::min(found->addresses.size(), peer::most_addresses_per_peer));
  m_overlay->add_peer(*found);
  remember();
  return id;
}

base::Result<bool> Sharing::remove_peer(std::string_view name) {
  if (!is_on()) {
    return base::fail(base::ErrorCode::unavailable, "the overlay is off: " + m_off.reason);
  }
  const base::Result<peer::PeerId> id = id_of(name);
  if (!id) {
    return tl::unexpected(id.error());
  }
  const std::vector<mesh::MemberInfo> members = m_overlay->node().members().list();
  bool known = std::any_of(members.begin(), members.end(),
                           [&](const mesh::MemberInfo& member) { return member.record.id == *id; });
  known =
      std::erase_if(m_remembered.added, [&](const peer::BootstrapPeer& peer) { return peer.id == *id; }) > 0 || known;
  known =
      std::erase_if(m_remembered.met, [&](const mesh::PeerRecord& record) { return record.id == *id; }) > 0 || known;
  m_overlay->remove_peer(*id);
  remember();
  return known;
}

}  // namespace ghoard::agent
