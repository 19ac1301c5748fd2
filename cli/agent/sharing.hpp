#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/agent/discovery.hpp"
#include "cli/agent/log.hpp"
#include "cli/agent/overlay_plan.hpp"
#include "cli/agent/remembered_peers.hpp"
#include "core/cache/engine.hpp"
#include "net/local/start_secrets.hpp"

namespace ghoard::agent {

/// The agent's part in a network of peers, or its reason to have none: keys, overlay, and whom to remember. Nothing in
/// it can keep an agent from serving. One thread, the loop's.
class Sharing {
 public:
  /// All must outlive it.
  struct Surroundings {
    boost::asio::io_context& loop;
    const base::Clock& clock;
    Log& log;
    const settings::Paths& paths;
  };

  /// `settings` and `secrets` hold texts only here; keys are derived at once.
  Sharing(Surroundings around, settings::Settings settings, local::StartSecrets secrets);
  ~Sharing();
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

  /// Joins, if settings and keys allow it. The engine must outlive this object or a `stop`.
  void start(cache::Engine& engine);
  /// Network key and deny list as config.toml has them now, unless they were given otherwise at the start. Keys that
  /// stay keep their links.
  void reload(const settings::Settings& fresh);
  /// Good-bye to all peers; the engine does without from here on. Stays so.
  void stop();
  /// To be called about once a second: writes down whom to remember, at most once a minute.
  void tick();
  /// The same at once, if it changed; before exit.
  void remember();

  [[nodiscard]] bool is_on() const { return m_overlay != nullptr; }
  [[nodiscard]] const Off& off() const { return m_off; }  ///< empty while it is on
  [[nodiscard]] const overlay::Overlay* overlay() const { return m_overlay.get(); }
  [[nodiscard]] const NetworkSecrets& secrets() const { return m_secrets; }  ///< those in use, on or off
  [[nodiscard]] const settings::Settings& settings() const { return m_settings; }
  [[nodiscard]] const std::vector<peer::Rejected>& rejected() const { return m_rejected; }
  [[nodiscard]] const std::vector<peer::BootstrapPeer>& bootstrap() const { return m_bootstrap; }
  /// How the search through a repository stands; nothing without a repository, or while the overlay is off.
  [[nodiscard]] std::optional<mesh::RegistryStatus> discovery() const;
  [[nodiscard]] std::optional<peer::PeerId> self() const { return m_self; }
  [[nodiscard]] std::size_t linked() const;
  /// Whether answers to that token may be given to peers (design: trust).
  [[nodiscard]] bool may_share(const cache::Fingerprint& fingerprint) const {
    return !m_secrets.only_token || *m_secrets.only_token == fingerprint;
  }

  /// `peers add`: dialled now, and by later runs. invalid_input: no address, this very agent, or too many; unavailable:
  /// the overlay is off.
  base::Result<peer::PeerId> add_peer(std::string_view address);
  /// `peers remove`, by id or address: its link ends, and it is dialled no more. That keeps nobody out: see
  /// `denied_peers`. False: nobody of that name is known. invalid_input: neither an id nor an address; unavailable: the
  /// overlay is off.
  base::Result<bool> remove_peer(std::string_view name);

 private:
  void join();
  void open(overlay::OverlayOptions options);
  void leave();
  void discover(std::shared_ptr<const peer::Identity> identity);
  [[nodiscard]] RememberedPeers memorable() const;

  const Surroundings m_around;
  settings::Settings m_settings;
  NetworkSecrets m_of_token;        ///< made at the start
  const base::SecretBytes m_token;  ///< github.com's, kept only if a repository has to be asked with it
  NetworkSecrets m_secrets;
  Off m_off;
  std::vector<peer::Rejected> m_rejected;
  std::vector<peer::BootstrapPeer> m_bootstrap;
  RememberedPeers m_remembered;
  std::optional<peer::PeerId> m_self;
  cache::Engine* m_engine = nullptr;
  std::unique_ptr<overlay::Overlay> m_overlay;
  std::unique_ptr<Discovery> m_discovery;
  std::string m_no_discovery;  ///< why there is none, although a repository is set
  std::string m_written;       ///< the file's text
  base::MonoTime m_next_write{};
  bool m_stopped = false;
};

}  // namespace ghoard::agent
