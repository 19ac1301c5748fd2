#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/mesh/links.hpp"
#include "tests/support/manual_clock.hpp"

namespace ghoard::testing {

/// Uniform numbers from a seed, the same with every library (splitmix64).
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) : m_state(seed) {}
  std::uint64_t operator()() {
    std::uint64_t value = m_state += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

 private:
  std::uint64_t m_state;
};

/// One simulated process, as the network calls it.
class VirtualProcess {
 public:
  virtual ~VirtualProcess() = default;
  virtual void link_up(const mesh::PeerId& peer, bool inbound, const std::string& remote_address) = 0;
  virtual void link_down(const mesh::PeerId& peer, mesh::LinkEnd end) = 0;
  virtual void dial_failed(const mesh::PeerId& peer, mesh::LinkEnd end) = 0;
  virtual void receive(const mesh::PeerId& from, const mesh::Message& message) = 0;
  virtual void tick() = 0;
  [[nodiscard]] virtual base::MonoTime next_deadline() const = 0;
};

/// Links between simulated processes: one queue of events in virtual time, seeded, so that a run can be repeated.
/// Connections are in order and lose nothing; what cannot pass (a partition) is held back until it can, as TCP does.
class VirtualNetwork {
 public:
  explicit VirtualNetwork(std::uint64_t seed) : m_random(seed) {}
  VirtualNetwork(const VirtualNetwork&) = delete;
  VirtualNetwork& operator=(const VirtualNetwork&) = delete;

  ManualClock clock;
  base::Millis shortest_delay{1};
  base::Millis delay_range{2};
  bool through_codec = true;  ///< each message is encoded and decoded; else only handed over
  bool counting_bytes = false;
  std::uint64_t bytes = 0;     ///< encoded messages and bodies while counting
  std::uint64_t messages = 0;  ///< while counting
  /// Every message sent, as it leaves.
  std::function<void(const mesh::PeerId& from, const mesh::PeerId& to, const mesh::Message&)> on_send;

  mesh::Links& attach(const mesh::PeerId& id) {
    Host& host = m_hosts[id];
    if (!host.links) {
      host.links = std::make_unique<HostLinks>(*this, id);
    }
    return *host.links;
  }
  void run(const mesh::PeerId& id, VirtualProcess& process) {
    Host& host = m_hosts.at(id);
    host.process = &process;
    host.state = State::running;
    tick_at(id, clock.mono());
  }
  /// No connection from outside gets through to it (NAT).
  void set_dialable(const mesh::PeerId& id, bool dialable) { m_hosts.at(id).dialable = dialable; }

  /// So much later arrives whatever it sends, and what is sent to it.
  void set_line(const mesh::PeerId& id, base::Millis delay) { m_hosts.at(id).line = delay; }

  /// The process dies: the others see resets, and its port refuses.
  void kill(const mesh::PeerId& id) {
    Host& host = m_hosts.at(id);
    host.state = State::dead;
    host.process = nullptr;
    for (auto& [peer, connection] : std::exchange(host.connections, {})) {
      end_at(peer, connection, mesh::LinkEnd::reset);
    }
  }
  /// The machine is gone: nobody hears anything.
  void vanish(const mesh::PeerId& id) {
    m_hosts.at(id).state = State::vanished;
    m_hosts.at(id).process = nullptr;
  }
  /// The process gets no time: nothing is delivered and no timer fires until it is thawed.
  void freeze(const mesh::PeerId& id) { m_hosts.at(id).state = State::frozen; }
  void thaw(const mesh::PeerId& id) {
    Host& host = m_hosts.at(id);
    host.state = State::running;
    call(id, [](VirtualProcess& process) { process.tick(); });  // late timers fire first: the worst order
    for (auto& late : std::exchange(host.waiting, {})) {
      call(id, late);
    }
  }
  /// Who can reach whom; empty: everybody. What was held back is delivered when it can pass.
  void set_reach(std::function<bool(const mesh::PeerId& from, const mesh::PeerId& to)> reach) {
    m_reach = std::move(reach);
    for (auto held = m_held.begin(); held != m_held.end();) {
      if (reaches(held->from, held->to)) {
        deliver(std::move(*held));
        held = m_held.erase(held);
      } else {
        ++held;
      }
    }
  }
  /// Both sides see a reset.
  void break_link(const mesh::PeerId& a, const mesh::PeerId& b) {
    const std::shared_ptr<Connection> connection = connection_of(a, b);
    if (connection) {
      end_at(a, connection, mesh::LinkEnd::reset);
      end_at(b, connection, mesh::LinkEnd::reset);
    }
  }

  void run_for(base::Millis time) {
    const base::MonoTime end = clock.mono() + time;
    while (!m_events.empty() && m_events.top().at <= end) {
      step();
    }
    clock.advance(end - clock.mono());
  }
  /// How long it took until the condition held, looking every `grain`; nothing if it did not within `limit`.
  std::optional<base::Millis> run_until(const std::function<bool()>& holds, base::Millis limit,
                                        base::Millis grain = base::Millis{10}) {
    const base::MonoTime begin = clock.mono();
    while (!holds()) {
      if (clock.mono() - begin >= limit) {
        return std::nullopt;
      }
      run_for(grain);
    }
    return clock.mono() - begin;
  }
  std::uint64_t random() { return m_random(); }

 private:
  enum class State { off, running, frozen, dead, vanished };
  struct Connection {
    mesh::PeerId dialler;
  };
  using Call = std::function<void(VirtualProcess&)>;
  struct Packet {
    mesh::PeerId from;
    mesh::PeerId to;
    std::shared_ptr<Connection> connection;
    std::shared_ptr<const mesh::Message> message;  // null: good-bye
  };
  struct Event {
    base::MonoTime at;
    std::uint64_t number;
    std::function<void()> act;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : number > other.number; }
  };
  class HostLinks final : public mesh::Links {
   public:
    HostLinks(VirtualNetwork& network, const mesh::PeerId& self) : m_network(network), m_self(self) {}
    void send(const mesh::PeerId& to, mesh::Message message) override {
      m_network.send(m_self, to, std::move(message));
    }
    void dial(const mesh::PeerId& to, std::vector<peer::Multiaddr>) override { m_network.dial(m_self, to, false); }
    void dial_back(const mesh::PeerId& to, std::vector<peer::Multiaddr>) override { m_network.dial(m_self, to, true); }
    void close(const mesh::PeerId& to) override { m_network.close(m_self, to); }
    void wake() override { m_network.wake(m_self); }

   private:
    VirtualNetwork& m_network;
    mesh::PeerId m_self;
  };
  struct Host {
    std::unique_ptr<HostLinks> links;
    VirtualProcess* process = nullptr;
    State state = State::off;
    bool dialable = true;
    base::Millis line{0};
    std::map<mesh::PeerId, std::shared_ptr<Connection>> connections;
    std::set<mesh::PeerId> dialling;
    std::vector<Call> waiting;  // while frozen
    base::MonoTime tick_due = base::MonoTime::max();
    std::map<mesh::PeerId, base::MonoTime> last_delivery;
    std::optional<base::MonoTime> woken;
  };
  static constexpr base::Millis dial_deadline{15'000};

  void at(base::MonoTime time, std::function<void()> act) { m_events.push({time, ++m_number, std::move(act)}); }
  void step() {
    Event event = std::move(const_cast<Event&>(m_events.top()));
    m_events.pop();
    if (event.at > clock.mono()) {
      clock.advance(event.at - clock.mono());
    }
    event.act();
  }
  base::Millis delay() {
    return shortest_delay +
           base::Millis{static_cast<std::int64_t>(m_random() % static_cast<std::uint64_t>(delay_range.count() + 1))};
  }
  [[nodiscard]] bool reaches(const mesh::PeerId& from, const mesh::PeerId& to) const {
    return !m_reach || m_reach(from, to);
  }
  std::shared_ptr<Connection> connection_of(const mesh::PeerId& at_peer, const mesh::PeerId& other) {
    const Host& host = m_hosts.at(at_peer);
    const auto found = host.connections.find(other);
    return found == host.connections.end() ? nullptr : found->second;
  }

  void call(const mesh::PeerId& id, const Call& what) {
    Host& host = m_hosts.at(id);
    if (host.state == State::frozen) {
      host.waiting.push_back(what);
      return;
    }
    if (host.state != State::running) {
      return;
    }
    what(*host.process);
    tick_at(id, host.process->next_deadline());
  }
  void tick_at(const mesh::PeerId& id, base::MonoTime due) {
    Host& host = m_hosts.at(id);
    due = std::max(due, clock.mono());
    if (due == base::MonoTime::max() || host.tick_due <= due) {
      return;
    }
    host.tick_due = due;
    at(due, [this, id, due] {
      Host& ticked = m_hosts.at(id);
      if (ticked.tick_due != due) {
        return;
      }
      ticked.tick_due = base::MonoTime::max();
      if (ticked.state == State::running) {
        ticked.process->tick();
        tick_at(id, std::max(ticked.process->next_deadline(), clock.mono() + base::Millis{1}));
      }
    });
  }
  void wake(const mesh::PeerId& id) { tick_at(id, clock.mono()); }

  void send(const mesh::PeerId& from, const mesh::PeerId& to, mesh::Message message) {
    const std::shared_ptr<Connection> connection = connection_of(from, to);
    if (!connection) {
      return;
    }
    if (on_send) {
      on_send(from, to, message);
    }
    if (through_codec || counting_bytes) {
      const std::string encoded = mesh::encode(message);
      const http::Body body = mesh::body_of(message);
      if (counting_bytes) {
        bytes += encoded.size() + (body ? body->size() : 0);
        ++messages;
      }
      if (through_codec) {
        base::Result<mesh::Message> decoded = mesh::decode(encoded, body);
        if (!decoded) {
          throw std::runtime_error(std::string(mesh::name_of(message)) + ": " + decoded.error().message);
        }
        message = std::move(*decoded);
      }
    }
    transmit({from, to, connection, std::make_shared<const mesh::Message>(std::move(message))});
  }
  void transmit(Packet packet) {
    base::MonoTime& last = m_hosts.at(packet.from).last_delivery[packet.to];
    last = std::max(last, clock.mono() + delay() + m_hosts.at(packet.from).line + m_hosts.at(packet.to).line);
    at(last, [this, packet = std::move(packet)]() mutable {
      const State sender = m_hosts.at(packet.from).state;
      if (sender == State::vanished) {
        return;
      }
      if (reaches(packet.from, packet.to)) {
        deliver(std::move(packet));
      } else {
        m_held.push_back(std::move(packet));
      }
    });
  }
  void deliver(Packet packet) {
    call(packet.to, [this, packet = std::move(packet)](VirtualProcess& process) {
      Host& host = m_hosts.at(packet.to);
      const auto found = host.connections.find(packet.from);
      if (found == host.connections.end() || found->second != packet.connection) {
        return;
      }
      if (packet.message) {
        process.receive(packet.from, *packet.message);
      } else {
        host.connections.erase(found);
        process.link_down(packet.from, mesh::LinkEnd::closed);
      }
    });
  }
  void end_at(const mesh::PeerId& id, const std::shared_ptr<Connection>& connection, mesh::LinkEnd end) {
    at(clock.mono() + delay(), [this, id, connection, end] {
      call(id, [this, id, connection, end](VirtualProcess& process) {
        Host& host = m_hosts.at(id);
        for (auto entry = host.connections.begin(); entry != host.connections.end(); ++entry) {
          if (entry->second == connection) {
            const mesh::PeerId peer = entry->first;
            host.connections.erase(entry);
            process.link_down(peer, end);
            return;
          }
        }
      });
    });
  }
  void close(const mesh::PeerId& from, const mesh::PeerId& to) {
    const std::shared_ptr<Connection> connection = connection_of(from, to);
    if (connection) {
      m_hosts.at(from).connections.erase(to);
      transmit({from, to, connection, nullptr});
    }
  }

  void dial(const mesh::PeerId& from, const mesh::PeerId& to, bool back) {
    Host& host = m_hosts.at(from);
    if (!back && (host.connections.contains(to) || !host.dialling.insert(to).second)) {
      return;
    }
    at(clock.mono() + 2 * delay(), [this, from, to, back] { connect(from, to, back); });
  }
  void connect(const mesh::PeerId& from, const mesh::PeerId& to, bool back) {
    const auto target = m_hosts.find(to);
    const bool passes = target != m_hosts.end() && target->second.dialable && reaches(from, to) && reaches(to, from) &&
                        target->second.state != State::vanished && target->second.state != State::frozen;
    if (!passes) {
      fail_dial(from, to, back, mesh::LinkEnd::silent, dial_deadline);
    } else if (target->second.state != State::running) {
      fail_dial(from, to, back, mesh::LinkEnd::refused, base::Millis{0});
    } else {
      join(from, to, back);
    }
  }
  void fail_dial(const mesh::PeerId& from, const mesh::PeerId& to, bool back, mesh::LinkEnd end, base::Millis after) {
    if (back) {
      return;
    }
    at(clock.mono() + after, [this, from, to, end] {
      m_hosts.at(from).dialling.erase(to);
      call(from, [to, end](VirtualProcess& process) { process.dial_failed(to, end); });
    });
  }
  /// Of two connections the one dialled by the lower id stays; one that only one side believes in is replaced.
  void join(const mesh::PeerId& from, const mesh::PeerId& to, bool back) {
    Host& dialler = m_hosts.at(from);
    dialler.dialling.erase(to);
    if (dialler.state != State::running) {
      return;
    }
    const std::shared_ptr<Connection> here = connection_of(from, to);
    const std::shared_ptr<Connection> there = connection_of(to, from);
    if (here && here == there && (back || here->dialler < from)) {
      call(to, [from](VirtualProcess& process) { process.link_up(from, true, "192.0.2.1"); });
      return;
    }
    const auto connection = std::make_shared<Connection>(Connection{from});
    dialler.connections[to] = connection;
    m_hosts.at(to).connections[from] = connection;
    call(to, [from](VirtualProcess& process) { process.link_up(from, true, "192.0.2.1"); });
    call(from, [to](VirtualProcess& process) { process.link_up(to, false, "192.0.2.2"); });
  }

  SeededRandom m_random;
  std::map<mesh::PeerId, Host> m_hosts;
  std::priority_queue<Event> m_events;
  std::uint64_t m_number = 0;
  std::function<bool(const mesh::PeerId&, const mesh::PeerId&)> m_reach;
  std::vector<Packet> m_held;
};

}  // namespace ghoard::testing
