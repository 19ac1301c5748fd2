#include "core/mesh/node.hpp"

#include <algorithm>
#include <type_traits>

#include "core/github/routes.hpp"

namespace ghoard::mesh {

namespace {

constexpr std::size_t most_worths = 1'024;

}  // namespace

/// The engine, with the leases told of every change that a peer made.
class Node::Host final : public cache::PeerHost {
 public:
  Host(cache::PeerHost& engine, Node& node) : m_engine(engine), m_node(node) {}

  std::optional<cache::SharedValue> find_shared(const cache::Resource& resource, const cache::ResourceKey& key,
                                                const cache::Fingerprint& fingerprint,
                                                std::optional<base::Seconds> max_age) override {
    return m_engine.find_shared(resource, key, fingerprint, max_age);
  }
  void keep_shared(const cache::Resource& resource, const cache::ResourceKey& key,
                   const cache::SharedValue& value) override {
    m_engine.keep_shared(resource, key, value);
  }
  base::Result<void> apply(const std::vector<cache::Change>& changes) override {
    m_node.m_table.changed(changes);
    return m_engine.apply(changes);
  }
  void distrust_older(bool distrust) override { m_engine.distrust_older(distrust); }

 private:
  cache::PeerHost& m_engine;
  Node& m_node;
};

class Node::OpenQuestion final : public cache::PeerNetwork::Question {
 public:
  OpenQuestion(Node& node, QuestionId id) : m_node(node), m_id(id) {}
  OpenQuestion(const OpenQuestion&) = delete;
  OpenQuestion& operator=(const OpenQuestion&) = delete;
  ~OpenQuestion() override { m_node.m_asker.give_up(m_id); }

 private:
  Node& m_node;
  const QuestionId m_id;
};

Node::Node(NodeOptions options, Links& links, cache::PeerHost& host, const base::Clock& clock, Random random)
    : m_only_token(options.only_token),
      m_links(links),
      m_clock(clock),
      m_random(std::move(random)),
      m_last_question(static_cast<QuestionId>(m_random())),
      m_host(std::make_unique<Host>(host, *this)),
      m_members(options.members, links, clock, m_random),
      m_flood(options.members.self.id, options.members.incarnation, m_members, links, *m_host, clock, m_random),
      m_table(parts(), m_members, *m_host),
      m_forwarder(parts(), m_members, [this](const PeerId& from, const Get& get) { m_table.ask(from, get); }),
      m_holder(parts(), m_members),
      m_asker(parts(), m_members, [this](const PeerId& owner, const Grant& grant, const cache::PeerQuestion& question) {
        return m_holder.hold(owner, grant, question);
      }) {
  m_members.on_lost = [this](const PeerId& peer, bool dead) { lost(peer, dead); };
  m_forwarder.on_orphan = [this](const SlotKey& slot, const cache::Fingerprint& fingerprint, const PeerId& holder,
                                 LeaseId lease) { m_table.remember(slot, fingerprint, holder, lease); };
  m_asker.on_value = [this](const PeerId& from) { ++worth_of(from).values_received; };
}

Node::~Node() = default;

/// Of the first thousand peers met; beyond them, what is counted is lost.
PeerWorth& Node::worth_of(const PeerId& peer) {
  return m_worth.size() < most_worths || m_worth.contains(peer) ? m_worth[peer] : m_overflow;
}

LeaseParts Node::parts() {
  return LeaseParts{m_members.self(),
                    [this](const PeerId& to, Message message) { post(to, std::move(message)); },
                    [this] { return ++m_last_question == 0 ? ++m_last_question : m_last_question; },
                    m_clock,
                    m_timers,
                    m_random,
                    m_counters};
}

/// A value without an origin is this machine's own.
void Node::name_origin(Message& message) {
  const auto name = [this](cache::SharedValue& value) {
    if (value.origin == base::Digest{}) {
      value.origin.bytes = m_members.self().key;
    }
  };
  if (auto* value = std::get_if<Value>(&message)) {
    name(value->value);
  } else if (auto* put = std::get_if<Put>(&message)) {
    name(put->value);
  } else if (auto* grant = std::get_if<Grant>(&message); grant != nullptr && grant->basis.has_value()) {
    name(*grant->basis);
  }
}

/// What a node tells itself takes the same way as what it tells others, only later: nothing is answered from within the
/// call that asked.
void Node::post(const PeerId& to, Message message) {
  name_origin(message);
  if (to == m_members.self()) {
    m_own.push_back(std::move(message));
    if (!m_delivering) {
      m_links.wake();
    }
    return;
  }
  if (std::holds_alternative<Value>(message) || std::holds_alternative<Put>(message)) {
    ++worth_of(to).values_sent;
  }
  m_links.send(to, std::move(message));
}

void Node::deliver_own() {
  if (std::exchange(m_delivering, true)) {
    return;
  }
  // Views change without a loss, too: by what others tell of a peer that has come back as another process.
  if (m_holder.leases() > 0 && std::exchange(m_view, m_members.view_digest()) != m_members.view_digest()) {
    m_holder.owners_changed();
  }
  while (!m_own.empty()) {
    Message message = std::move(m_own.front());
    m_own.pop_front();
    dispatch(m_members.self(), message);
  }
  m_delivering = false;
}

void Node::start() {
  m_members.start();
}

void Node::link_up(const PeerId& peer, bool inbound, const std::string& remote_address) {
  const bool linked = m_members.is_linked(peer);  // then it only was dialled back
  m_members.link_up(peer, inbound, remote_address);
  if (!linked) {
    m_flood.link_up(peer);
  }
  deliver_own();
}

void Node::link_down(const PeerId& peer, LinkEnd end) {
  m_flood.link_down(peer);
  m_members.link_down(peer, end);
  deliver_own();
}

void Node::dial_failed(const PeerId& peer, LinkEnd end) {
  m_members.dial_failed(peer, end);
  deliver_own();
}

void Node::lost(const PeerId& peer, bool dead) {
  m_forwarder.lost(peer, dead);
  m_table.lost(peer, dead);
  m_holder.lost(peer, dead);
  m_asker.lost(peer, dead);
}

void Node::tick() {
  m_members.tick();
  m_flood.tick();
  m_timers.run(m_clock.mono());
  deliver_own();
}

base::MonoTime Node::next_deadline() const {
  if (!m_own.empty()) {
    return m_clock.mono();
  }
  return std::min({m_members.next_deadline(), m_flood.next_deadline(), m_timers.next()});
}

void Node::receive(const PeerId& from, Message message) {
  m_members.heard(from);
  dispatch(from, message);
  deliver_own();
}

/// As the first owner, or as the second one when the first cannot be had.
void Node::on_get(const PeerId& from, const Get& get) {
  if (!may_share(get.fingerprint)) {
    post(from, Release{get.question});
    return;
  }
  const SlotKey slot = slot_key(get.resource, github::key_of(get.resource), get.fingerprint);
  const std::vector<PeerId> owners = m_members.owners(slot, 2);
  const auto place = std::find(owners.begin(), owners.end(), m_members.self());
  if (place == owners.end()) {
    post(from, NotOwner{get.question, m_members.view_digest()});
    return;
  }
  const PeerId& first = owners.front();
  if (place == owners.begin() || !m_members.is_linked(first) || m_members.is_passed_over(first)) {
    m_table.ask(from, get);
  } else if (get.hop > 0) {
    post(from, NotOwner{get.question, m_members.view_digest()});
  } else if (first == from) {
    m_table.ask(from, get);  // its view differs, or it would have asked itself
  } else if (!m_table.serve(from, get)) {
    m_forwarder.forward(from, get, first);
  }
}

namespace {

/// What says the least that can be true of a message whose content is not known: whoever waits asks for itself.
std::optional<Message> without_content(const Message& message) {
  if (const auto* value = std::get_if<Value>(&message)) {
    return Release{value->question};
  }
  if (const auto* outcome = std::get_if<Outcome>(&message)) {
    return Release{outcome->question};
  }
  if (const auto* grant = std::get_if<Grant>(&message)) {
    return Release{grant->question};
  }
  if (const auto* put = std::get_if<Put>(&message)) {
    const SlotKey slot = slot_key(put->resource, github::key_of(put->resource), put->value.fingerprint);
    return Pass{put->lease, slot, put->value.fingerprint};
  }
  if (const auto* failed = std::get_if<Failed>(&message)) {
    return Pass{failed->lease, failed->slot, failed->fingerprint};
  }
  return std::nullopt;
}

}  // namespace

void Node::body_lost(const PeerId& from, const Message& message) {
  m_members.heard(from);
  if (const auto* grant = std::get_if<Grant>(&message)) {
    post(from, Forget{grant->question});
  }
  if (std::optional<Message> rest = without_content(message); rest.has_value()) {
    dispatch(from, *rest);
  }
  deliver_own();
}

void Node::undelivered(const PeerId& to, const Message& message) {
  if (const auto* grant = std::get_if<Grant>(&message)) {
    m_table.receive(to, Forget{grant->question});
  }
  if (std::optional<Message> rest = without_content(message); rest.has_value()) {
    post(to, *std::move(rest));
  }
  deliver_own();
}

template <class Answer>
void Node::on_answer(const PeerId& from, const Answer& answer) {
  if (m_forwarder.answer(from, answer.question, Message(answer)) || m_asker.receive(from, answer)) {
    return;
  }
  if constexpr (std::is_same_v<Answer, Value>) {
    if (m_table.receive(from, answer)) {
      ++worth_of(from).values_received;
    }
  }
  if constexpr (std::is_same_v<Answer, Release>) {
    m_table.receive(from, NoteKept{answer.question});  // a value that could not travel
  }
  if constexpr (std::is_same_v<Answer, Grant>) {
    if (m_holder.holds(answer.lease)) {
      return;
    }
    post(from, Forget{answer.question});  // whoever asked has left: somebody else is to have it
  }
}

void Node::dispatch(const PeerId& from, Message& message) {
  std::visit(
      [&](auto& told) {
        using Told = std::decay_t<decltype(told)>;
        constexpr bool is_membership = std::is_same_v<Told, Hello> || std::is_same_v<Told, Records> ||
                                       std::is_same_v<Told, View> || std::is_same_v<Told, Ping> ||
                                       std::is_same_v<Told, Pong> || std::is_same_v<Told, Suspect> ||
                                       std::is_same_v<Told, DialBack>;
        constexpr bool is_answer = std::is_same_v<Told, Pending> || std::is_same_v<Told, Wait> ||
                                   std::is_same_v<Told, Value> || std::is_same_v<Told, Grant> ||
                                   std::is_same_v<Told, NotOwner> || std::is_same_v<Told, Outcome> ||
                                   std::is_same_v<Told, Release>;
        constexpr bool is_invalidation = std::is_same_v<Told, Tombstones> || std::is_same_v<Told, Acknowledge> ||
                                         std::is_same_v<Told, LogDigest> || std::is_same_v<Told, LogEnd>;
        if constexpr (is_membership) {
          m_members.receive(from, told);
        } else if constexpr (is_answer) {
          on_answer(from, told);
        } else if constexpr (is_invalidation) {
          m_flood.receive(from, told);
        } else if constexpr (std::is_same_v<Told, Get>) {
          on_get(from, told);
        } else if constexpr (std::is_same_v<Told, Forget>) {
          if (!m_forwarder.forget(from, told.question)) {
            m_table.receive(from, told);
          }
        } else if constexpr (std::is_same_v<Told, Probe>) {
          m_holder.receive(from, told);
        } else if constexpr (std::is_same_v<Told, Beat>) {
          if (!m_forwarder.relay_up(from, told.lease, message, false)) {
            m_table.receive(from, told);
          }
        } else if constexpr (std::is_same_v<Told, Put>) {
          if (!may_share(told.value.fingerprint)) {
            return;
          }
          if (from != m_members.self()) {
            ++worth_of(from).values_received;
          }
          // This owner keeps a copy, too: it is the backup.
          m_forwarder.relay_up(from, told.lease, message, true);
          m_table.receive(from, told);
        } else if constexpr (std::is_same_v<Told, Failed> || std::is_same_v<Told, Pass>) {
          if (!m_forwarder.relay_up(from, told.lease, message, true)) {
            m_table.receive(from, told);
          }
        } else {
          m_table.receive(from, told);
        }
      },
      message);
}

std::unique_ptr<cache::PeerNetwork::Question> Node::ask(cache::PeerQuestion question,
                                                        std::function<void(cache::PeerAnswer)> answer) {
  const bool alone = !may_share(question.fingerprint) || !may_be_leased(question.resource);
  const QuestionId id = m_asker.ask(std::move(question), alone, std::move(answer));
  m_links.wake();
  return std::make_unique<OpenQuestion>(*this, id);
}

void Node::announce(std::vector<cache::Change> changes, std::function<void()> acknowledged) {
  m_table.changed(changes);
  m_flood.announce(std::move(changes), std::move(acknowledged));
  m_links.wake();
}

PeerWorth Node::worth(const PeerId& peer) const {
  const auto found = m_worth.find(peer);
  return found == m_worth.end() ? PeerWorth{} : found->second;
}

}  // namespace ghoard::mesh
