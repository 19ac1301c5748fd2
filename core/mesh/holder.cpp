#include "core/mesh/holder.hpp"

#include <utility>

namespace ghoard::mesh {

/// What the engine holds while it fetches.
class Holder::Lease final : public cache::FetchLease {
 public:
  Lease(Holder& holder, LeaseId id) : m_holder(holder), m_id(id) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() override {
    if (!m_ended) {
      m_holder.abandon(m_id);
    }
  }

  void done(cache::SharedValue value) override {
    end([&](LeaseId id, const Held& held) -> Message { return Put{id, held.resource, std::move(value)}; });
  }
  void failed(cache::SharedOutcome outcome) override {
    end([&](LeaseId id, const Held& held) -> Message {
      return Failed{id, held.slot, held.fingerprint, std::move(outcome)};
    });
  }
  void pass() override {
    end([](LeaseId id, const Held& held) -> Message { return Pass{id, held.slot, held.fingerprint}; });
  }

 private:
  template <class Make>
  void end(Make make) {
    m_ended = true;
    m_holder.end(m_id, [&](const Held& held) { return make(m_id, held); });
  }

  Holder& m_holder;
  const LeaseId m_id;
  bool m_ended = false;
};

Holder::Holder(const LeaseParts& parts, Members& members) : m_parts(parts), m_members(members) {}

std::unique_ptr<cache::FetchLease> Holder::hold(const PeerId& owner, const Grant& grant,
                                                const cache::PeerQuestion& question) {
  if (m_held.contains(grant.lease)) {
    return nullptr;  // numbers are random: this one was copied, and its end would be told of the wrong resource
  }
  ++m_parts.counters.held;
  Held held{grant.slot,     question.resource, question.fingerprint,      owner,
            grant.question, grant.backup,      m_parts.now() + grant.term};
  const auto kept = m_held.emplace(grant.lease, std::move(held)).first;
  beat(grant.lease, kept->second);
  if (m_timer == Timers::none) {
    m_timer = m_parts.timers.at(m_parts.now() + beat_interval, [this] { beat_all(); });
  }
  return std::make_unique<Lease>(*this, grant.lease);
}

void Holder::beat_all() {
  m_timer = Timers::none;
  for (auto& [id, held] : m_held) {
    if (held.ends > m_parts.now()) {
      beat(id, held);
    }
  }
  if (!m_held.empty()) {
    m_timer = m_parts.timers.at(m_parts.now() + beat_interval, [this] { beat_all(); });
  }
}

/// Whoever granted it, whoever it named, and whoever owns the slot now.
std::set<PeerId> Holder::owners_of(const Held& held) const {
  std::set<PeerId> owners{held.owner};
  if (held.backup.has_value()) {
    owners.insert(*held.backup);
  }
  for (const PeerId& owner : m_members.owners(held.slot, 2)) {
    owners.insert(owner);
  }
  std::erase_if(owners, [&](const PeerId& owner) { return owner != m_parts.self && !m_members.is_linked(owner); });
  return owners;
}

void Holder::beat(LeaseId id, Held& held) {
  held.told = owners_of(held);
  for (const PeerId& owner : held.told) {
    m_parts.post(owner, Beat{id, held.slot, held.fingerprint});
  }
}

void Holder::end(LeaseId id, const std::function<Message(const Held&)>& message) {
  const auto found = m_held.find(id);
  if (found == m_held.end()) {
    return;
  }
  const Held held = std::move(found->second);
  m_held.erase(found);
  const Message told = message(held);
  for (const PeerId& owner : owners_of(held)) {
    m_parts.post(owner, told);
  }
}

/// Somebody else is to fetch instead.
void Holder::abandon(LeaseId id) {
  const auto found = m_held.find(id);
  if (found != m_held.end()) {
    m_parts.post(found->second.owner, Forget{found->second.question});
    m_held.erase(found);
  }
}

void Holder::receive(const PeerId& from, const Probe& probe) {
  m_parts.post(from, Alive{probe.question, m_held.contains(probe.lease)});
}

void Holder::lost(const PeerId& peer, bool /*dead*/) {
  for (auto& [id, held] : m_held) {
    if (held.owner == peer || held.backup == peer) {
      beat(id, held);
    }
  }
}

void Holder::owners_changed() {
  for (auto& [id, held] : m_held) {
    for (const PeerId& owner : owners_of(held)) {
      if (held.ends > m_parts.now() && held.told.insert(owner).second) {
        m_parts.post(owner, Beat{id, held.slot, held.fingerprint});
      }
    }
  }
}

}  // namespace ghoard::mesh
