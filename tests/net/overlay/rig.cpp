#include "tests/net/overlay/rig.hpp"

#include <filesystem>
#include <stdexcept>
#include <utility>

namespace ghoard::overlay::testing {

peer::NetworkKey key_of(char letter) {
  base::Result<peer::NetworkKey> key =
      peer::derive_network_key(peer::KeySource::network_key, std::string(peer::network_secret_size, letter), "test");
  if (!key) {
    throw std::runtime_error(key.error().message);
  }
  return *std::move(key);
}

std::vector<peer::NetworkKey> keys_of(const std::string& letters) {
  std::vector<peer::NetworkKey> keys;
  for (const char letter : letters) {
    keys.push_back(key_of(letter));
  }
  return keys;
}

std::shared_ptr<const peer::Identity> identity_of(std::uint8_t seed) {
  std::array<std::uint8_t, peer::Identity::seed_size> bytes{};
  bytes.fill(seed);
  base::Result<peer::Identity> identity = peer::Identity::create(bytes);
  if (!identity) {
    throw std::runtime_error(identity.error().message);
  }
  return std::make_shared<const peer::Identity>(*std::move(identity));
}

peer::Multiaddr loopback(std::uint16_t port) {
  peer::Multiaddr address;
  address.host = "127.0.0.1";
  address.port = port;
  return address;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

Station::Station(boost::asio::io_context& loop, Setup setup) : m_identity(identity_of(setup.seed)) {
  TransportOptions options;
  options.identity = m_identity;
  options.keys = keys_of(setup.keys);
  options.software = "test/" + std::to_string(setup.seed);
  options.denied = std::move(setup.denied);
  options.limits = setup.limits;
  options.log = [this](std::string_view line) { m_lines.emplace_back(line); };
  base::Result<Tcp::acceptor> acceptor = open_listener(loop, {"127.0.0.1", 0, false});
  if (!acceptor) {
    throw std::runtime_error(acceptor.error().message);
  }
  const base::Clock& clock = setup.clock != nullptr ? *setup.clock : m_system_clock;
  m_transport = std::make_unique<Transport>(loop, std::move(options), *std::move(acceptor),
                                            static_cast<TransportUser&>(*this), clock);
  m_transport->start();
}

Station::~Station() = default;

void Station::link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_host) {
  Told& told = m_told[peer];
  ++told.ups;
  told.inbound_ups += inbound ? 1 : 0;
  told.linked = true;
  m_misled |= remote_host != "127.0.0.1";
}

void Station::link_down(const mesh::PeerId& peer, mesh::LinkEnd end) {
  Told& told = m_told[peer];
  m_misled |= !std::exchange(told.linked, false);
  told.downs.push_back(end);
}

void Station::dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) {
  m_told[peer].dials_failed.push_back(end);
}

void Station::receive(const mesh::PeerId& from, mesh::Message message) {
  Told& told = m_told[from];
  m_misled |= !told.linked;
  told.messages.push_back(std::move(message));
}

std::vector<std::uint32_t> Station::pings(const Station& peer) {
  std::vector<std::uint32_t> result;
  for (const mesh::Message& message : told(peer).messages) {
    if (const auto* ping = std::get_if<mesh::Ping>(&message)) {
      result.push_back(ping->number);
    }
  }
  return result;
}

std::vector<http::Body> Station::bodies(const Station& peer) {
  std::vector<http::Body> result;
  for (const mesh::Message& message : told(peer).messages) {
    if (const auto* value = std::get_if<mesh::Value>(&message)) {
      result.push_back(value->value.body);
    }
  }
  return result;
}

mesh::Message value_with(std::size_t body_bytes, char fill) {
  mesh::Value value;
  value.question = 1;
  value.value.body = std::make_shared<const std::string>(body_bytes, fill);
  return value;
}

}  // namespace ghoard::overlay::testing
