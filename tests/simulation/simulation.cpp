#include "tests/simulation/simulation.hpp"

#include <algorithm>
#include <charconv>

namespace ghoard::testing {

namespace {

constexpr Millis lifetime{300'000};
/// Length, tag and frame header around each message.
constexpr std::size_t framing = 2 + 16 + 9;

mesh::PeerId peer_id(std::size_t index) {
  const std::string name = "peer " + std::to_string(index);
  mesh::PeerId id;
  id.key = base::sha256(name).bytes;
  return id;
}

peer::Multiaddr address_of(std::size_t index) {
  peer::Multiaddr address;
  address.host = "10.0." + std::to_string(index / 250) + "." + std::to_string(index % 250 + 1);
  address.port = 9100;
  return address;
}

/// 0 for what no node of the simulation has made.
std::uint64_t version_of(const cache::SharedValue& value) {
  std::uint64_t version = 0;
  std::from_chars(value.body->data(), value.body->data() + value.body->size(), version);
  return version;
}

}  // namespace

cache::Resource simulated_resource(const std::string& path) {
  return {"api.github.com", path, "", std::string(github::default_accept), std::string(github::default_api_version)};
}

cache::Fingerprint simulated_token(int number) {
  return base::sha256("token " + std::to_string(number));
}

// ---- the world

Simulation::Simulation(SimulationOptions options) : m_options(options), m_random(options.seed) {
  for (std::size_t index = 0; index < options.nodes; ++index) {
    m_index[peer_id(index)] = index;
    std::vector<peer::BootstrapPeer> bootstrap;
    for (std::size_t contact = 0; contact < std::min(options.contacts, index); ++contact) {
      // The first nodes are everybody's contacts.
      peer::Multiaddr address = address_of(contact);
      address.peer = peer_id(contact);
      bootstrap.push_back({peer_id(contact), {address}});
    }
    m_nodes.push_back(std::make_unique<SimulatedNode>(*this, index, std::move(bootstrap)));
  }
}

Simulation::~Simulation() {
  for (const auto& node : m_nodes) {
    node->m_alive = false;
    node->m_flights.clear();  // questions and leases go before their network
  }
}

Millis Simulation::latency() {
  const Millis span = m_options.most_latency - m_options.least_latency;
  Millis time =
      m_options.least_latency +
      Millis(span.count() > 0 ? static_cast<std::int64_t>(m_random() % (static_cast<std::uint64_t>(span.count()) + 1))
                              : 0);
  if (m_options.loss > 0 && std::uniform_real_distribution<>(0, 1)(m_random) < m_options.loss) {
    time += m_options.retransmission;
  }
  return time;
}

void Simulation::at(Millis later, std::function<void()> action) {
  m_events.push(Event{m_now + later, ++m_event, std::move(action)});
}

bool Simulation::step(MonoTime limit) {
  if (m_events.empty() || m_events.top().when > limit) {
    m_now = limit;
    return false;
  }
  const Event event = m_events.top();
  m_events.pop();
  m_now = std::max(m_now, event.when);
  event.action();
  return true;
}

void Simulation::run_for(Millis time) {
  const MonoTime end = m_now + time;
  while (step(end)) {
  }
}

bool Simulation::run_until(const std::function<bool()>& done, Millis limit) {
  const MonoTime end = m_now + limit;
  while (!done()) {
    if (!step(end)) {
      return done();
    }
  }
  return true;
}

void Simulation::start(std::size_t index) {
  SimulatedNode& node = *m_nodes[index];
  node.m_alive = true;
  node.run([&node] { node.m_node->start(); });
}

void Simulation::start_all() {
  for (std::size_t index = 0; index < m_nodes.size(); ++index) {
    start(index);
  }
}

bool Simulation::settle(Millis limit) {
  const auto agreed = [this] {
    std::set<std::uint64_t> digests;
    std::size_t living = 0;
    for (const auto& node : m_nodes) {
      living += node->m_alive ? 1 : 0;
    }
    for (const auto& node : m_nodes) {
      if (node->m_alive) {
        digests.insert(node->m_node->members().view_digest());
        if (living > 1 && (node->m_node->members().linked().size() + 1 < living ||
                           node->m_node->members().owners(mesh::SlotKey{}, living).size() < living)) {
          return false;
        }
      }
    }
    return digests.size() == 1;
  };
  const MonoTime end = m_now + limit;
  while (m_now < end) {
    if (agreed()) {
      return true;
    }
    run_for(Millis{50});
  }
  return agreed();
}

std::optional<std::size_t> Simulation::index_of(const mesh::PeerId& id) const {
  const auto found = m_index.find(id);
  return found == m_index.end() ? std::nullopt : std::optional(found->second);
}

void Simulation::send(std::size_t from, std::size_t to, mesh::Message message) {
  const auto link = m_links.find(pair(from, to));
  if (link == m_links.end()) {
    return;
  }
  ++messages;
  if (on_send) {
    on_send(from, message);
  }
  if (const auto mishap = m_mishaps.find({from, to}); mishap != m_mishaps.end()) {
    const Mishap kind = mishap->second;
    m_mishaps.erase(mishap);
    if (kind == Mishap::lost) {
      return;
    }
    inject(from, to, message);
  }
  if (is_blocked(from, to)) {
    link->second.from[from].held.push_back(std::move(message));
    return;
  }
  transmit(from, to, link->second, std::move(message));
}

void Simulation::transmit(std::size_t from, std::size_t to, Link& link, mesh::Message message) {
  Direction& way = link.from[from];
  const MonoTime arrival = std::max(way.last_arrival, m_now + latency(from, to));  // in order
  way.last_arrival = arrival;
  const std::uint64_t number = link.number;
  if (m_options.duplication > 0 && std::uniform_real_distribution<>(0, 1)(m_random) < m_options.duplication) {
    deliver(from, to, number, arrival, message);
  }
  deliver(from, to, number, arrival, std::move(message));
}

void Simulation::deliver(std::size_t from, std::size_t to, std::uint64_t number, MonoTime arrival,
                         mesh::Message message) {
  at(std::chrono::duration_cast<Millis>(arrival - m_now),
     [this, from, to, number, message = std::move(message)]() mutable {
       const auto known = m_links.find(pair(from, to));
       if (known == m_links.end() || known->second.number != number) {
         return;
       }
       if (is_blocked(from, to)) {
         known->second.from[from].held.push_back(std::move(message));
         return;
       }
       SimulatedNode& receiver = *m_nodes[to];
       receiver.run([&receiver, from, this, number, to, message = std::move(message)] {
         const auto still = m_links.find(pair(from, to));
         if (still != m_links.end() && still->second.number == number) {
           receiver.m_node->receive(m_nodes[from]->m_id, message);
         }
       });
     });
}

void Simulation::dial(std::size_t from, std::size_t to, bool back) {
  if ((!back && m_links.contains(pair(from, to))) || !m_dialling.insert({from, to}).second) {
    return;
  }
  const auto fail = [this, from, to](Millis after, mesh::LinkEnd end) {
    at(after, [this, from, to, end] {
      m_dialling.erase({from, to});
      SimulatedNode& dialler = *m_nodes[from];
      if (dialler.m_alive && !m_links.contains(pair(from, to))) {
        dialler.run([&dialler, this, to, end] { dialler.m_node->dial_failed(m_nodes[to]->m_id, end); });
      }
    });
  };
  at(3 * latency(from, to), [this, from, to, back, fail] {
    SimulatedNode& dialler = *m_nodes[from];
    SimulatedNode& dialled = *m_nodes[to];
    if (!dialler.m_alive) {
      m_dialling.erase({from, to});
      return;
    }
    if (is_blocked(from, to) || is_blocked(to, from) || dialled.m_frozen || dialled.m_vanished) {
      fail(Millis{5'000}, mesh::LinkEnd::silent);
      return;
    }
    if (!dialled.m_alive) {
      fail(Millis{0}, mesh::LinkEnd::refused);
      return;
    }
    m_dialling.erase({from, to});
    if (m_links.contains(pair(from, to))) {
      if (back) {
        dialled.run(
            [this, &dialler, &dialled, from] { dialled.m_node->link_up(dialler.m_id, true, address_of(from).host); });
      }
      return;  // the other's dial was sooner
    }
    m_links[pair(from, to)].number = ++m_link;
    dialler.run([this, &dialler, &dialled, to] { dialler.m_node->link_up(dialled.m_id, false, address_of(to).host); });
    dialled.run(
        [this, &dialler, &dialled, from] { dialled.m_node->link_up(dialler.m_id, true, address_of(from).host); });
  });
}

void Simulation::close(std::size_t from, std::size_t to) {
  if (m_links.contains(pair(from, to))) {
    drop(from, to, mesh::LinkEnd::closed, to);
  }
}

/// Ends a link; both sides hear of it, or one.
void Simulation::drop(std::size_t one, std::size_t other, mesh::LinkEnd end, std::optional<std::size_t> told_only) {
  if (m_links.erase(pair(one, other)) == 0) {
    return;
  }
  // No structured binding: clang 14, which builds the fuzzers, does not let a lambda capture one.
  for (const std::pair<std::size_t, std::size_t>& side : {std::pair(one, other), std::pair(other, one)}) {
    const std::size_t told = side.first;
    const std::size_t about = side.second;
    if (told_only.has_value() && *told_only != told) {
      continue;
    }
    at(latency(), [this, told, about, end] {
      SimulatedNode& node = *m_nodes[told];
      if (node.m_alive && !m_links.contains(pair(told, about))) {
        node.run([&node, this, about, end] { node.m_node->link_down(m_nodes[about]->m_id, end); });
      }
    });
  }
}

void Simulation::break_link(std::size_t one, std::size_t other) {
  drop(one, other, mesh::LinkEnd::reset, std::nullopt);
}

void Simulation::kill(std::size_t index) {
  SimulatedNode& node = *m_nodes[index];
  node.m_alive = false;
  node.m_backlog.clear();
  for (std::size_t other = 0; other < m_nodes.size(); ++other) {
    if (other != index) {
      drop(index, other, mesh::LinkEnd::reset, other);
    }
  }
}

void Simulation::vanish(std::size_t index) {
  SimulatedNode& node = *m_nodes[index];
  node.m_alive = false;
  node.m_vanished = true;
  node.m_backlog.clear();
}

void Simulation::freeze(std::size_t index, bool frozen) {
  SimulatedNode& node = *m_nodes[index];
  node.m_frozen = frozen;
  if (!frozen) {
    for (const auto& action : std::exchange(node.m_backlog, {})) {
      node.run(action);
    }
    node.run([] {});
  }
}

void Simulation::block(std::size_t from, std::size_t to, bool blocked) {
  if (blocked) {
    m_blocked.insert({from, to});
    return;
  }
  m_blocked.erase({from, to});
  const auto link = m_links.find(pair(from, to));
  if (link != m_links.end()) {
    for (mesh::Message& message : std::exchange(link->second.from[from].held, {})) {
      transmit(from, to, link->second, std::move(message));
    }
  }
}

void Simulation::mishap(std::size_t from, std::size_t to, Mishap kind) {
  m_mishaps[{from, to}] = kind;
}

void Simulation::stall(std::size_t from, std::size_t to, Millis time) {
  const auto link = m_links.find(pair(from, to));
  if (link != m_links.end()) {
    Direction& way = link->second.from[from];
    way.last_arrival = std::max(way.last_arrival, m_now + time);
  }
}

void Simulation::inject(std::size_t from, std::size_t to, mesh::Message message) {
  const auto link = m_links.find(pair(from, to));
  if (link == m_links.end()) {
    return;
  }
  if (is_blocked(from, to)) {
    link->second.from[from].held.push_back(std::move(message));
  } else {
    transmit(from, to, link->second, std::move(message));
  }
}

/// 0: not linked.
std::uint64_t Simulation::link_number(std::size_t one, std::size_t other) const {
  const auto link = m_links.find(pair(one, other));
  return link == m_links.end() ? 0 : link->second.number;
}

void Simulation::split(const std::set<std::size_t>& side, bool apart) {
  for (const std::size_t inside : side) {
    for (std::size_t outside = 0; outside < m_nodes.size(); ++outside) {
      if (!side.contains(outside)) {
        block(inside, outside, apart);
        block(outside, inside, apart);
      }
    }
  }
}

// ---- a machine

SimulatedNode::SimulatedNode(Simulation& world, std::size_t index, std::vector<peer::BootstrapPeer> bootstrap)
    : m_world(world), m_index(index), m_id(peer_id(index)) {
  const std::int64_t skew = world.options().skew.count();
  if (skew > 0) {
    m_skew = Millis(static_cast<std::int64_t>(world.random()() % static_cast<std::uint64_t>(2 * skew + 1)) - skew);
  }
  m_offset = Millis(static_cast<std::int64_t>(world.random()() % 1'000'000'000));
  mesh::NodeOptions options;
  options.members.self.id = m_id;
  options.members.self.sequence = 1;
  options.members.self.addresses = {address_of(index)};
  options.members.software = "ghoard/simulated";
  options.members.incarnation = world.random()();
  options.members.bootstrap = std::move(bootstrap);
  options.members.listen_port = 9100;
  options.members.announce_observed = false;
  m_node = std::make_unique<mesh::Node>(std::move(options), *this, *this, *this,
                                        [seed = std::mt19937_64(world.random()())]() mutable { return seed(); });
}

/// A frozen process does nothing; what arrives waits for it.
void SimulatedNode::run(const std::function<void()>& action) {
  if (!m_alive) {
    return;
  }
  if (m_frozen) {
    m_backlog.push_back(action);
    return;
  }
  action();
  schedule();
}

void SimulatedNode::schedule() {
  const MonoTime due = std::max(m_node->next_deadline() - m_offset, m_world.now());
  if (m_node->next_deadline() == MonoTime::max() || due >= m_tick_at) {
    return;
  }
  m_tick_at = due;
  m_world.at(std::chrono::duration_cast<Millis>(due - m_world.now()), [this, due] {
    if (m_tick_at != due) {
      return;
    }
    m_tick_at = MonoTime::max();
    run([this] { m_node->tick(); });
  });
}

base::WallTime SimulatedNode::wall() const {
  return base::WallTime(Millis{1'700'000'000'000} + m_world.now().time_since_epoch() + m_skew);
}

MonoTime SimulatedNode::mono() const {
  return m_world.now() + m_offset;
}

void SimulatedNode::send(const mesh::PeerId& to, mesh::Message message) {
  if (const auto index = m_world.index_of(to); index.has_value() && m_alive) {
    if (m_world.count_bytes) {
      m_world.bytes += mesh::encode(message).size() + framing;
    }
    m_world.send(m_index, *index, std::move(message));
  }
}

void SimulatedNode::dial(const mesh::PeerId& to, std::vector<peer::Multiaddr> /*addresses*/) {
  if (const auto index = m_world.index_of(to); index.has_value()) {
    m_world.dial(m_index, *index, false);
  }
}

void SimulatedNode::dial_back(const mesh::PeerId& to, std::vector<peer::Multiaddr> /*addresses*/) {
  if (const auto index = m_world.index_of(to); index.has_value()) {
    m_world.dial(m_index, *index, true);
  }
}

void SimulatedNode::close(const mesh::PeerId& to) {
  if (const auto index = m_world.index_of(to); index.has_value()) {
    m_world.close(m_index, *index);
  }
}

void SimulatedNode::wake() {
  m_world.at(Millis{0}, [this] { run([this] { m_node->tick(); }); });
}

bool SimulatedNode::is_fresh(const Stored& stored) const {
  return !stored.must_revalidate && mono() - stored.fetched < lifetime &&
         !(m_distrusted.has_value() && stored.fetched <= *m_distrusted);
}

std::optional<MonoTime> SimulatedNode::last_change(const cache::Resource& resource, const cache::Fingerprint& token,
                                                   MonoTime until) const {
  for (auto logged = m_log.rbegin(); logged != m_log.rend(); ++logged) {
    const auto* tag = std::get_if<github::Tag>(&logged->change);
    const bool hit = tag != nullptr ? tag->matches(resource.host, resource.path)
                                    : std::get<cache::Fingerprint>(logged->change) == token;
    if (hit && logged->at < until) {
      return logged->at;
    }
  }
  return std::nullopt;
}

cache::SharedValue SimulatedNode::shared(const Key& key, const Stored& stored) const {
  cache::SharedValue value;
  value.body = std::make_shared<const std::string>(std::to_string(stored.version));
  value.etag_class = github::EtagClass::derivable;
  value.shareable = true;
  value.fingerprint = key.second;
  value.etag = "\"" + *value.body + "\"";
  value.age = std::chrono::duration_cast<Millis>(mono() - stored.fetched);
  value.proof_age = value.age;
  return value;
}

std::shared_ptr<SimulatedNode::Result> SimulatedNode::request(const std::string& path, const cache::Fingerprint& token,
                                                              Millis patience) {
  auto result = std::make_shared<Result>();
  result->asked = m_world.now();
  const cache::Resource resource = simulated_resource(path);
  const Key key{github::key_of(resource), token};
  const auto stored = m_cache.find(key);
  if (stored != m_cache.end() && is_fresh(stored->second)) {
    result->ended = true;
    result->at = m_world.now();
    result->version = stored->second.version;
    return result;
  }
  const auto under_way = m_flights.find(key);
  if (under_way != m_flights.end()) {
    const auto change = last_change(resource, token);
    if (!change.has_value() || *change < under_way->second.began) {
      under_way->second.callers.push_back(result);
      return result;
    }
    // Overtaken by a change: that flight answers its callers, and this one begins anew when it has ended.
    m_world.at(Millis{5}, [this, path, token, patience, result] {
      run([this, path, token, patience, result] {
        const auto again = request(path, token, patience);
        if (again->ended) {
          *result = *again;
        } else {
          m_followed.emplace_back(again, result);
        }
      });
    });
    return result;
  }
  Flight flight;
  flight.resource = resource;
  flight.callers = {result};
  flight.asked = flight.began = mono();
  Flight& kept = m_flights.emplace(key, std::move(flight)).first->second;
  kept.question = m_node->ask(cache::PeerQuestion{resource, key.first, token, std::nullopt, false, patience},
                              [this, key](cache::PeerAnswer answer) { answered(key, std::move(answer)); });
  return result;
}

void SimulatedNode::forget(const std::string& path) {
  std::erase_if(m_cache, [&](const auto& entry) { return entry.second.resource.path == path; });
}

void SimulatedNode::answered(const Key& key, cache::PeerAnswer answer) {
  Flight& flight = m_flights.at(key);
  flight.question.reset();
  if (auto* go = std::get_if<cache::GoAhead>(&answer)) {
    flight.lease = std::move(go->lease);
    fetch(key, go->basis.has_value() ? std::optional(version_of(*go->basis)) : std::nullopt);
    return;
  }
  if (auto* value = std::get_if<cache::SharedValue>(&answer)) {
    const auto latest = last_change(flight.resource, key.second);
    const bool overtaken = latest.has_value() && *latest >= flight.asked;
    const auto change = last_change(flight.resource, key.second, flight.asked);
    const bool proven = !change.has_value() || value->fetched_after > *change;
    if (!proven || value->age >= lifetime || (value->overtaken && !overtaken)) {
      fetch(key, version_of(*value));
      return;
    }
    m_cache[key] = Stored{flight.resource, version_of(*value), mono() - value->age, overtaken};
    conclude(key, version_of(*value));
    return;
  }
  conclude(key, std::nullopt);
}

/// Asks the model's GitHub. What it answers is as of the middle of that time.
void SimulatedNode::fetch(const Key& key, std::optional<std::uint64_t> basis) {
  ++m_fetching;
  Flight& flight = m_flights.at(key);
  flight.began = mono();
  const std::string path = flight.resource.path;
  const Millis half = m_world.options().upstream / 2;
  m_world.at(half, [this, key, path, basis, half] {
    SimulatedGitHub& github = m_world.github();
    const auto closed = github.private_to.find(path);
    const bool refused = github.failing || (closed != github.private_to.end() && !closed->second.contains(key.second));
    const std::uint64_t version = github.versions[path];
    const bool confirmed = !refused && basis == version;
    ++(confirmed ? github.confirmations : github.calls)[path];
    const std::optional<std::uint64_t> seen = refused ? std::nullopt : std::optional(version);
    m_world.at(half, [this, key, seen, confirmed] { run([=, this] { fetched(key, seen, confirmed); }); });
  });
}

void SimulatedNode::fetched(const Key& key, std::optional<std::uint64_t> version, bool /*confirmed*/) {
  --m_fetching;
  Flight& flight = m_flights.at(key);
  const std::unique_ptr<cache::FetchLease> lease = std::move(flight.lease);
  if (!version.has_value()) {
    if (lease != nullptr) {
      lease->failed({cache::ResponseHead{404, {}}, std::make_shared<const std::string>(), {}});
    }
    conclude(key, std::nullopt);
    return;
  }
  const auto change = last_change(flight.resource, key.second);
  const bool overtaken = change.has_value() && *change >= flight.began;
  const Stored stored{flight.resource, *version, flight.began, overtaken};
  m_cache[key] = stored;
  if (lease != nullptr && m_world.github().unshareable.contains(flight.resource.path)) {
    lease->pass();
  } else if (lease != nullptr) {
    cache::SharedValue value = shared(key, stored);
    value.overtaken = overtaken;
    lease->done(std::move(value));
  }
  conclude(key, version);
}

void SimulatedNode::conclude(const Key& key, std::optional<std::uint64_t> version) {
  const Flight flight = std::move(m_flights.at(key));
  m_flights.erase(key);
  for (const auto& caller : flight.callers) {
    caller->ended = true;
    caller->at = m_world.now();
    caller->version = version;
  }
  for (bool again = true; std::exchange(again, false);) {  // followers of followers
    for (auto followed = m_followed.begin(); followed != m_followed.end();) {
      if (followed->first->ended) {
        *followed->second = *followed->first;
        followed = m_followed.erase(followed);
        again = true;
      } else {
        ++followed;
      }
    }
  }
}

void SimulatedNode::write(const std::string& path, std::function<void(const std::set<std::size_t>&)> done) {
  const std::vector<cache::Change> changes{github::Tag{"api.github.com", path}};
  static_cast<void>(apply(changes));
  m_node->announce(changes, {});
  const Millis half = m_world.options().upstream / 2;
  m_world.at(half, [this, path] { ++m_world.github().versions[path]; });
  m_world.at(2 * half, [this, changes, done = std::move(done)] {
    run([this, changes, done] {
      static_cast<void>(apply(changes));
      std::map<std::size_t, std::uint64_t> links;
      for (const mesh::PeerId& peer : m_node->members().linked()) {
        const std::size_t index = *m_world.index_of(peer);
        links[index] = m_world.link_number(m_index, index);
      }
      const std::uint64_t late = m_node->flood().counters().acknowledged_late;
      m_node->announce(changes, [this, links, late, done] {
        std::set<std::size_t> told{m_index};
        for (const auto& [index, number] : links) {
          // Who is lost is not waited for, and may not have got it.
          const bool lasted = number != 0 && m_world.link_number(m_index, index) == number;
          if (lasted && m_node->flood().counters().acknowledged_late == late) {
            told.insert(index);
          }
        }
        done(told);
      });
    });
  });
}

std::optional<cache::SharedValue> SimulatedNode::find_shared(const cache::Resource& /*resource*/,
                                                             const cache::ResourceKey& key,
                                                             const cache::Fingerprint& fingerprint,
                                                             std::optional<base::Seconds> max_age) {
  const auto usable = [&](const Stored& stored) {
    return is_fresh(stored) && (!max_age.has_value() || mono() - stored.fetched <= *max_age);
  };
  const auto own = m_cache.find({key, fingerprint});
  if (own != m_cache.end() && usable(own->second)) {
    return shared(own->first, own->second);
  }
  for (auto entry = m_cache.lower_bound({key, {}}); entry != m_cache.end() && entry->first.first == key; ++entry) {
    if (usable(entry->second)) {
      return shared(entry->first, entry->second);
    }
  }
  return std::nullopt;
}

void SimulatedNode::keep_shared(const cache::Resource& resource, const cache::ResourceKey& key,
                                const cache::SharedValue& value) {
  const MonoTime fetched = mono() - value.age;
  const Key place{key, value.fingerprint};
  const auto known = m_cache.find(place);
  if (known != m_cache.end() && known->second.fetched > fetched) {
    return;
  }
  const auto change = last_change(resource, value.fingerprint);
  const bool proven = !change.has_value() || value.fetched_after > *change;
  m_cache[place] = Stored{resource, version_of(value), fetched, !proven || value.overtaken};
}

base::Result<void> SimulatedNode::apply(const std::vector<cache::Change>& changes) {
  for (const cache::Change& change : changes) {
    m_log.push_back({change, mono()});
    for (auto& [key, stored] : m_cache) {
      const auto* tag = std::get_if<github::Tag>(&change);
      if (tag != nullptr ? tag->matches(stored.resource.host, stored.resource.path)
                         : std::get<cache::Fingerprint>(change) == key.second) {
        stored.must_revalidate = true;
      }
    }
  }
  return {};
}

void SimulatedNode::distrust_older(bool distrust) {
  m_distrusted = distrust ? std::optional(mono()) : std::nullopt;
}

}  // namespace ghoard::testing
