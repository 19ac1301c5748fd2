// One node among peers that hold the network key and keep to no rule. Every message that it sends is looked at.

#include "core/mesh/node.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "core/github/routes.hpp"
#include "tests/core/mesh/message_examples.hpp"
#include "tests/core/mesh/sent_messages.hpp"

using namespace ghoard;
using namespace ghoard::testing;
using base::Millis;
using mesh::PeerId;

namespace {

const PeerId self = test_peer(0);
const PeerId asker = test_peer(1);
const PeerId holder = test_peer(2);

/// The node is linked with its peers and the only owner of everything, unless one of them says that it can be reached.
struct NodeRig {
  explicit NodeRig(std::uint64_t seed = 1) : random(seed) {
    for (const PeerId& peer : {asker, holder}) {
      node.link_up(peer, true, "192.0.2.7");
    }
    run_for(Millis{10});
  }
  static mesh::NodeOptions options() {
    mesh::NodeOptions made;
    made.members.self = {self, 1, {test_address(0)}, false};
    made.members.incarnation = 1;
    return made;
  }
  void run_for(Millis time) {
    const base::MonoTime end = clock.mono() + time;
    do {
      node.tick();
      clock.advance(
          std::clamp(node.next_deadline() - clock.mono(), Millis{1}, std::max(end - clock.mono(), Millis{1})));
    } while (clock.mono() <= end);
  }
  template <class Kind>
  [[nodiscard]] std::vector<Kind> to(const PeerId& peer) const {
    return links.to<Kind>(peer);
  }
  /// The peer can be reached, and so may own slots.
  void reachable(const PeerId& peer) {
    node.receive(peer, mesh::Hello{{peer, 1, {test_address(9)}, true}, "", 5, "test"});
  }

  ManualClock clock;
  SentMessages links;
  RecordingHost host;
  SeededRandom random;
  mesh::Node node{options(), links, host, clock, [this] { return random(); }};
};

cache::Resource resource(int number = 0) {
  return {"api.github.com", "/repos/o/r" + std::to_string(number), "", "application/vnd.github+json", "2022-11-28"};
}

mesh::SlotKey slot(int number = 0) {
  return github::key_of(resource(number));
}

mesh::Get get(mesh::QuestionId question, const cache::Fingerprint& token, int number = 0) {
  return {question, resource(number), token, std::nullopt, false, Millis{30'000}, 0, std::nullopt};
}

cache::SharedOutcome not_found() {
  cache::SharedOutcome outcome;
  outcome.head = cache::ResponseHead{404, {}};
  outcome.body = std::make_shared<const std::string>("{}");
  return outcome;
}

const cache::Fingerprint token_1 = base::sha256("token 1");
const cache::Fingerprint token_2 = base::sha256("token 2");

/// The asker had queued at an owner that is gone, behind the holder's lease 77, which it names; the holder lives.
void queue_behind_lost_owner(NodeRig& rig) {
  mesh::Get question = get(1, token_1);
  question.prior = mesh::Prior{holder, 77};
  rig.node.receive(asker, question);
  REQUIRE(rig.to<mesh::Probe>(holder).size() == 1);
  rig.node.receive(holder, mesh::Alive{rig.to<mesh::Probe>(holder)[0].question, true});
}

}  // namespace

TEST_CASE("a refusal of one token does not reach another that waits for the same lease at a new owner") {
  NodeRig rig;
  queue_behind_lost_owner(rig);
  mesh::SlotKey told = slot();
  cache::Fingerprint fetched_with = token_2;
  SUBCASE("another token's") {}
  SUBCASE("that of another slot") {
    told = slot(1);
    fetched_with = token_1;
  }
  rig.node.receive(holder, mesh::Failed{77, told, fetched_with, not_found()});
  rig.run_for(Millis{10});
  CHECK(rig.to<mesh::Outcome>(asker).empty());
  CHECK(rig.to<mesh::Grant>(asker).size() == 1);
}

TEST_CASE("a refusal reaches those who wait with the same token at a new owner") {
  NodeRig rig;
  queue_behind_lost_owner(rig);
  rig.node.receive(holder, mesh::Failed{77, slot(), token_1, not_found()});
  rig.run_for(Millis{10});
  CHECK(rig.to<mesh::Outcome>(asker).size() == 1);
  CHECK(rig.to<mesh::Grant>(asker).empty());
}

namespace {

/// A resource whose first owner is the holder, and the node the second.
int second_at(const NodeRig& rig) {
  int number = 0;
  while (rig.node.members().owners(slot(number), 1).front() != holder) {
    ++number;
  }
  return number;
}

}  // namespace

TEST_CASE("a first owner cannot grant a question that was passed on to it more than once") {
  NodeRig rig;
  rig.reachable(holder);
  const int number = second_at(rig);
  rig.node.receive(asker, get(1, token_1, number));
  const auto passed = rig.to<mesh::Get>(holder);
  REQUIRE(passed.size() == 1);
  for (mesh::LeaseId lease = 1; lease <= 3; ++lease) {
    rig.node.receive(holder, mesh::Grant{passed[0].question, lease, slot(number), Millis{30'000}, {}, {}});
  }
  CHECK(rig.to<mesh::Grant>(asker).size() == 1);
  // Only the one that the asker got is relayed.
  for (mesh::LeaseId lease = 1; lease <= 3; ++lease) {
    rig.node.receive(asker, mesh::Beat{lease, slot(number), token_1});
  }
  CHECK(rig.to<mesh::Beat>(holder).size() == 1);
}

TEST_CASE("a first owner that answers nothing but pending does not keep a question for ever") {
  NodeRig rig;
  rig.reachable(holder);
  const int number = second_at(rig);
  rig.node.receive(asker, get(1, token_1, number));
  REQUIRE(rig.to<mesh::Get>(holder).size() == 1);
  rig.node.receive(holder, mesh::Pending{rig.to<mesh::Get>(holder)[0].question});
  for (int second = 0; second < 31; ++second) {
    rig.node.receive(holder, mesh::Ping{1, 0});
    rig.node.receive(asker, mesh::Ping{1, 0});
    rig.run_for(Millis{1'000});
  }
  CHECK(rig.to<mesh::Forget>(holder).size() == 1);
}

TEST_CASE("one peer has only so many questions passed on") {
  NodeRig rig;
  rig.reachable(holder);
  const int number = second_at(rig);
  for (mesh::QuestionId question = 1; question <= mesh::most_passed_per_peer + 5; ++question) {
    rig.node.receive(asker, get(question, token_1, number));
  }
  CHECK(rig.to<mesh::Get>(holder).size() == mesh::most_passed_per_peer);
  CHECK(rig.to<mesh::Release>(asker).size() == 5);
}

TEST_CASE("an owner that grants a lease by the number of another one does not bring values under wrong keys") {
  NodeRig rig;
  rig.reachable(holder);
  const int first = second_at(rig);
  int second = first + 1;
  while (rig.node.members().owners(slot(second), 1).front() != holder) {
    ++second;
  }
  std::vector<cache::GoAhead> answers;
  std::vector<std::unique_ptr<cache::PeerNetwork::Question>> questions;
  for (const int number : {first, second}) {
    cache::PeerQuestion question{resource(number), slot(number), token_1, std::nullopt, false, Millis{30'000}};
    questions.push_back(rig.node.ask(std::move(question), [&](cache::PeerAnswer answer) {
      answers.push_back(std::get<cache::GoAhead>(std::move(answer)));
    }));
    rig.node.receive(holder, mesh::Grant{rig.to<mesh::Get>(holder).back().question, 5, slot(number), Millis{30'000},
                                         std::nullopt, std::nullopt});
  }
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].lease == nullptr);
  REQUIRE(answers[0].lease != nullptr);
  answers[0].lease->done(example_value());
  const auto puts = rig.to<mesh::Put>(holder);
  REQUIRE(puts.size() == 1);
  CHECK(github::key_of(puts[0].resource) == slot(first));
}

TEST_CASE("what an earlier run of a peer asked is not answered to the run after it") {
  NodeRig rig;
  rig.reachable(asker);
  const auto number = [&] {
    int candidate = 0;
    while (rig.node.members().owners(slot(candidate), 1).front() != self) {
      ++candidate;
    }
    return candidate;
  }();
  rig.node.receive(holder, get(9, token_1, number));
  rig.run_for(Millis{100});
  const auto grants = rig.to<mesh::Grant>(holder);
  REQUIRE(grants.size() == 1);
  rig.node.receive(asker, get(1, token_1, number));
  REQUIRE(rig.to<mesh::Wait>(asker).size() == 1);
  // Its machine went without a word, and its next process is linked before anybody noticed.
  rig.node.link_up(asker, true, "192.0.2.7");
  rig.node.receive(asker, mesh::Hello{{asker, 2, {test_address(9)}, true}, "", 6, "test"});
  cache::SharedValue value = example_value();
  value.fingerprint = token_1;
  rig.node.receive(asker, get(1, token_1, number));
  CHECK(rig.to<mesh::Wait>(asker).size() == 2);
  rig.node.receive(holder, mesh::Put{grants[0].lease, resource(number), value});
  rig.run_for(Millis{10});
  CHECK(rig.to<mesh::Value>(asker).size() == 1);
}

TEST_CASE("a holder that passes on another's question still holds its lease") {
  NodeRig rig;
  rig.node.receive(holder, mesh::Beat{77, slot(), token_1});  // of an owner that is gone
  mesh::Get question = get(1, token_1);
  SUBCASE("another's") {
    question.hop = 1;
    rig.node.receive(holder, question);
    REQUIRE(rig.to<mesh::Probe>(holder).size() == 1);
    CHECK(rig.to<mesh::Probe>(holder)[0].lease == 77);
    CHECK(rig.to<mesh::Grant>(holder).empty());
  }
  SUBCASE("its own") {
    rig.node.receive(holder, question);
    CHECK(rig.to<mesh::Probe>(holder).empty());
    CHECK(rig.to<mesh::Grant>(holder).size() == 1);
  }
}

TEST_CASE("whoever becomes an owner hears at once of what is held, though nobody was lost") {
  NodeRig rig;
  cache::PeerQuestion question;
  question.resource = resource();
  question.key = github::key_of(resource());
  question.fingerprint = token_1;
  std::unique_ptr<cache::FetchLease> lease;
  const auto asked = rig.node.ask(
      question, [&](cache::PeerAnswer answer) { lease = std::move(std::get<cache::GoAhead>(answer).lease); });
  rig.run_for(Millis{10});
  REQUIRE(lease != nullptr);
  CHECK(rig.to<mesh::Beat>(asker).empty());
  rig.reachable(asker);
  CHECK(rig.to<mesh::Beat>(asker).size() == 1);
}

TEST_CASE("the questions of two runs have different numbers") {
  NodeRig one(1);
  NodeRig other(2);
  const auto first_number = [](NodeRig& rig) {
    rig.reachable(holder);
    const int number = second_at(rig);
    const auto question = rig.node.ask({resource(number), slot(number), token_1, std::nullopt, false, Millis{30'000}},
                                       [](const cache::PeerAnswer&) {});
    return rig.to<mesh::Get>(holder).at(0).question;
  };
  const mesh::QuestionId before = first_number(one);
  CHECK(before != first_number(other));
}

TEST_CASE("a peer that changes its word all the time does not flood the others through this node") {
  NodeRig rig;
  for (std::uint64_t sequence = 1; sequence <= 500; ++sequence) {
    rig.node.receive(asker, mesh::Records{{{asker, sequence, {test_address(sequence)}, false}}});
  }
  CHECK(rig.to<mesh::Records>(holder).size() < 20);
  CHECK(rig.node.members().list().size() == 2);
  for (int second = 0; second < 11; ++second) {
    rig.node.receive(holder, mesh::Ping{1, 0});
    rig.node.receive(asker, mesh::Ping{1, 0});
    rig.run_for(Millis{1'000});
  }
  const std::size_t before = rig.to<mesh::Records>(holder).size();
  rig.node.receive(asker, mesh::Records{{{asker, 501, {test_address(501)}, false}}});
  CHECK(rig.to<mesh::Records>(holder).size() == before + 1);
}

TEST_CASE("what a peer was worth counts its results as well as its answers") {
  NodeRig rig;
  rig.node.receive(holder, get(1, token_1));
  REQUIRE(rig.to<mesh::Grant>(holder).size() == 1);
  rig.node.receive(asker, get(2, token_1));
  mesh::Put put;
  put.lease = rig.to<mesh::Grant>(holder)[0].lease;
  put.resource = resource();
  put.value = example_value();
  put.value.fingerprint = token_1;
  rig.node.receive(holder, put);
  REQUIRE(rig.to<mesh::Value>(asker).size() == 1);
  CHECK(rig.node.worth(holder).values_received == 1);
  CHECK(rig.node.worth(holder).values_sent == 0);
  CHECK(rig.node.worth(asker).values_sent == 1);
}

namespace {

/// A resource whose first owner is the node, and the holder the second.
int first_with_backup(NodeRig& rig) {
  rig.reachable(holder);
  int number = 0;
  while (rig.node.members().owners(slot(number), 1).front() != self) {
    ++number;
  }
  return number;
}

cache::SharedValue value_of(const cache::Fingerprint& token, Millis age) {
  cache::SharedValue value = example_value();
  value.fingerprint = token;
  value.age = age;
  return value;
}

}  // namespace

TEST_CASE("an owner gives what the second owner has to all who wait, and nobody fetches") {
  NodeRig rig;
  rig.host.keeps = true;
  const int number = first_with_backup(rig);
  rig.node.receive(asker, get(1, token_1, number));
  const auto notes = rig.to<mesh::Note>(holder);
  REQUIRE(notes.size() == 1);
  REQUIRE(notes[0].wanted.has_value());
  CHECK(notes[0].wanted->resource == resource(number));
  rig.run_for(Millis{10});
  rig.node.receive(asker, get(2, token_1, number));
  const base::MonoTime second_asked = rig.clock.mono();
  rig.node.receive(holder, mesh::Value{notes[0].question, value_of(token_1, Millis{20'000}), Millis{20'000}});
  const auto values = rig.to<mesh::Value>(asker);
  REQUIRE(values.size() == 2);
  CHECK(values[0].question == 1);
  CHECK(values[0].began_before == Millis{20'000});
  CHECK(values[1].question == 2);
  CHECK(values[1].began_before > Millis{20'000});
  REQUIRE(rig.host.kept.size() == 1);
  CHECK(second_asked - rig.host.kept[0].fetched_after == values[1].began_before);
  rig.run_for(Millis{100});
  CHECK(rig.to<mesh::Grant>(asker).empty());
  CHECK(rig.node.leases_given() == 0);
}

TEST_CASE("a second owner's value that comes late, from elsewhere, or after a change makes way for a fetch") {
  NodeRig rig;
  rig.host.keeps = true;
  const int number = first_with_backup(rig);
  rig.node.receive(asker, get(1, token_1, number));
  const auto notes = rig.to<mesh::Note>(holder);
  REQUIRE(notes.size() == 1);
  PeerId from = holder;
  SUBCASE("late") {
    rig.run_for(Millis{60});
  }
  SUBCASE("from elsewhere") {
    from = asker;
  }
  SUBCASE("after a change") {
    rig.node.receive(asker, mesh::Tombstones{1, {{asker, 1, 1, github::Tag{"api.github.com", resource(number).path}}}});
  }
  rig.node.receive(from, mesh::Value{notes[0].question, value_of(token_1, Millis{1}), Millis{1}});
  rig.run_for(Millis{60});
  CHECK(rig.to<mesh::Value>(asker).empty());
  CHECK(rig.host.kept.empty());
  const auto grants = rig.to<mesh::Grant>(asker);
  REQUIRE(grants.size() == 1);
  CHECK_FALSE(grants[0].basis.has_value());
}

TEST_CASE("an owner passes nothing on that it would not hand out itself") {
  NodeRig rig;  // of what it is told to keep, its host hands out nothing
  const int number = first_with_backup(rig);
  rig.node.receive(asker, get(1, token_1, number));
  const auto notes = rig.to<mesh::Note>(holder);
  REQUIRE(notes.size() == 1);
  rig.node.receive(holder, mesh::Value{notes[0].question, value_of(token_1, Millis{20'000}), Millis{20'000}});
  CHECK(rig.host.kept.size() == 1);
  CHECK(rig.to<mesh::Value>(asker).empty());
  CHECK(rig.to<mesh::Grant>(asker).size() == 1);
}

TEST_CASE("who wants something newer than the second owner has is granted a fetch") {
  NodeRig rig;
  rig.host.keeps = true;
  const int number = first_with_backup(rig);
  mesh::Get wish = get(2, token_1, number);
  SUBCASE("a refresh, which came first") {
    wish.renew = true;
    rig.node.receive(asker, wish);
    const auto notes = rig.to<mesh::Note>(holder);
    REQUIRE(notes.size() == 1);
    CHECK_FALSE(notes[0].wanted.has_value());
    rig.node.receive(holder, mesh::Value{notes[0].question, value_of(token_1, Millis{20'000}), Millis{20'000}});
    CHECK(rig.to<mesh::Value>(asker).empty());
    CHECK(rig.host.kept.empty());
  }
  SUBCASE("somebody who waits, by a greatest age or for a refresh") {
    SUBCASE("age") {
      wish.max_age = base::Seconds{10};
    }
    SUBCASE("refresh") {
      wish.renew = true;
    }
    rig.node.receive(asker, get(1, token_1, number));
    rig.node.receive(asker, wish);
    const auto notes = rig.to<mesh::Note>(holder);
    REQUIRE(notes.size() == 1);
    rig.node.receive(holder, mesh::Value{notes[0].question, value_of(token_1, Millis{20'000}), Millis{20'000}});
    REQUIRE(rig.to<mesh::Value>(asker).size() == 1);
    CHECK(rig.to<mesh::Value>(asker)[0].question == 1);
    // The same again does not go on for ever.
    REQUIRE(rig.to<mesh::Note>(holder).size() == 2);
    rig.node.receive(
        holder, mesh::Value{rig.to<mesh::Note>(holder)[1].question, value_of(token_1, Millis{20'000}), Millis{20'000}});
    CHECK(rig.to<mesh::Note>(holder).size() == 2);
  }
  const auto grants = rig.to<mesh::Grant>(asker);
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].question == 2);
}

TEST_CASE("another token's answer at the second owner saves the fetch, not the proof") {
  NodeRig rig;
  rig.host.keeps = true;
  const int number = first_with_backup(rig);
  rig.node.receive(asker, get(1, token_1, number));
  const auto notes = rig.to<mesh::Note>(holder);
  REQUIRE(notes.size() == 1);
  rig.node.receive(holder, mesh::Value{notes[0].question, value_of(token_2, Millis{20'000}), Millis{20'000}});
  CHECK(rig.to<mesh::Value>(asker).empty());
  const auto grants = rig.to<mesh::Grant>(asker);
  REQUIRE(grants.size() == 1);
  REQUIRE(grants[0].basis.has_value());
  CHECK(grants[0].basis->fingerprint == token_2);
}

TEST_CASE("a second owner answers a note with what it has of that slot, and of no other") {
  NodeRig rig;
  rig.host.shared = value_of(token_1, Millis{20'000});
  const auto note = [](mesh::QuestionId question, mesh::SlotKey about, std::optional<mesh::Wanted> wanted) {
    return mesh::Note{question, about, token_1, asker, 80, std::move(wanted)};
  };
  rig.node.receive(holder, note(1, slot(), std::nullopt));
  rig.node.receive(holder, note(2, slot(1), mesh::Wanted{resource(), std::nullopt}));
  CHECK(rig.to<mesh::NoteKept>(holder).size() == 2);
  CHECK(rig.to<mesh::Value>(holder).empty());
  rig.node.receive(holder, note(3, slot(), mesh::Wanted{resource(), std::nullopt}));
  REQUIRE(rig.to<mesh::Value>(holder).size() == 1);
  CHECK(rig.to<mesh::Value>(holder)[0].question == 3);
  CHECK(rig.to<mesh::Value>(holder)[0].began_before == Millis{20'000});
  CHECK(rig.to<mesh::NoteKept>(holder).size() == 2);
  rig.host.shared->body = std::make_shared<const std::string>(mesh::most_noted_body + 1, 'x');
  rig.node.receive(holder, note(4, slot(), mesh::Wanted{resource(), std::nullopt}));
  CHECK(rig.to<mesh::Value>(holder).size() == 1);
  CHECK(rig.to<mesh::NoteKept>(holder).size() == 3);
}

TEST_CASE("a second owner that has the answer passes no question on, but for a refresh") {
  NodeRig rig;
  rig.reachable(holder);
  const int number = second_at(rig);
  rig.host.shared = value_of(token_1, Millis{20'000});
  rig.node.receive(asker, get(1, token_1, number));
  CHECK(rig.to<mesh::Value>(asker).size() == 1);
  CHECK(rig.to<mesh::Get>(holder).empty());
  mesh::Get refresh = get(2, token_1, number);
  refresh.renew = true;
  rig.node.receive(asker, refresh);
  CHECK(rig.to<mesh::Get>(holder).size() == 1);
  rig.node.receive(asker, get(3, token_2, number));  // another token's is no answer
  CHECK(rig.to<mesh::Get>(holder).size() == 2);
}

namespace {

/// The holder says that it fetches, and everybody else that they are there.
void beat_for(NodeRig& rig, int seconds, mesh::LeaseId lease) {
  for (int second = 0; second < seconds; ++second) {
    rig.node.receive(holder, mesh::Beat{lease, slot(), token_1});
    rig.node.receive(asker, mesh::Ping{1, 0});
    rig.run_for(Millis{1'000});
  }
}

}  // namespace

TEST_CASE("a holder that lets two terms pass without a result gets no third, and others are served") {
  NodeRig rig;
  rig.node.receive(holder, get(1, token_1));
  for (std::size_t term = 1; term <= 2; ++term) {
    const auto grants = rig.to<mesh::Grant>(holder);
    REQUIRE(grants.size() == term);
    beat_for(rig, 5, grants.back().lease);
    rig.node.receive(holder, get(static_cast<mesh::QuestionId>(term + 1), token_1));  // next in line
    rig.node.receive(asker, get(static_cast<mesh::QuestionId>(term), token_1));
    beat_for(rig, 26, grants.back().lease);
  }
  CHECK(rig.to<mesh::Grant>(holder).size() == 2);
  CHECK(rig.to<mesh::Release>(holder).size() == 1);
  REQUIRE(rig.to<mesh::Grant>(asker).size() == 1);
  // It may wait for what others fetch.
  rig.node.receive(holder, get(4, token_1));
  CHECK(rig.to<mesh::Wait>(holder).back().question == 4);
  rig.node.receive(asker, mesh::Failed{rig.to<mesh::Grant>(asker)[0].lease, slot(), token_1, not_found()});
  CHECK(rig.to<mesh::Outcome>(holder).size() == 1);
  rig.node.receive(holder, get(5, token_1));
  CHECK(rig.to<mesh::Release>(holder).size() == 2);
  rig.node.receive(holder, get(6, token_1, 1));  // another slot
  CHECK(rig.to<mesh::Grant>(holder).size() == 3);
  beat_for(rig, 61, 0);
  rig.node.receive(holder, get(7, token_1));
  CHECK(rig.to<mesh::Grant>(holder).size() == 4);
}

TEST_CASE("who lets go late while others wait squats, too, unless it brings something in between") {
  NodeRig rig;
  const auto beat_and = [&](mesh::QuestionId question, const std::function<void(mesh::LeaseId)>& end) {
    rig.node.receive(holder, get(question, token_1));
    const auto grants = rig.to<mesh::Grant>(holder);
    if (grants.empty() || grants.back().question != question) {
      return false;
    }
    const mesh::LeaseId lease = grants.back().lease;
    rig.node.receive(asker, get(100 + question, token_1));
    for (int second = 0; second < 15; ++second) {
      rig.run_for(Millis{1'000});
      rig.node.receive(holder, mesh::Beat{lease, slot(), token_1});
      rig.node.receive(asker, mesh::Ping{1, 0});
    }
    end(lease);
    rig.node.receive(asker, mesh::Forget{100 + question});
    return true;
  };
  const auto let_go = [&](mesh::QuestionId question) {
    return beat_and(question, [&](mesh::LeaseId) { rig.node.receive(holder, mesh::Forget{question}); });
  };
  REQUIRE(let_go(1));
  SUBCASE("nothing") {
    REQUIRE(let_go(2));
    CHECK_FALSE(let_go(3));
    CHECK_FALSE(rig.to<mesh::Release>(holder).empty());
  }
  SUBCASE("a value") {
    REQUIRE(beat_and(2, [&](mesh::LeaseId lease) {
      rig.node.receive(holder, mesh::Put{lease, resource(), value_of(token_1, Millis{1})});
    }));
    REQUIRE(let_go(3));
    CHECK(let_go(4));
  }
}

TEST_CASE("one peer alone cannot keep a slot from being shared for longer than a minute") {
  NodeRig rig;
  const auto hold_and_pass = [&](mesh::QuestionId question) {
    rig.node.receive(holder, get(question, token_1));
    REQUIRE(rig.to<mesh::Grant>(holder).back().question == question);
    rig.node.receive(asker, get(question, token_1));
    rig.node.receive(holder, mesh::Pass{rig.to<mesh::Grant>(holder).back().lease, slot(), token_1});
  };
  hold_and_pass(1);
  CHECK(rig.to<mesh::Release>(asker).size() == 1);
  rig.node.receive(asker, get(2, token_1));
  CHECK(rig.to<mesh::Release>(asker).size() == 2);
  beat_for(rig, 61, 0);
  hold_and_pass(3);
  CHECK(rig.to<mesh::Release>(asker).size() == 2);
  REQUIRE(rig.to<mesh::Grant>(asker).size() == 1);
  // Another one that finds the same is believed.
  rig.node.receive(asker, mesh::Pass{rig.to<mesh::Grant>(asker)[0].lease, slot(), token_1});
  rig.node.receive(holder, get(4, token_1));
  CHECK(rig.to<mesh::Release>(holder).size() == 1);
  beat_for(rig, 61, 0);
  hold_and_pass(5);
  CHECK(rig.to<mesh::Release>(asker).size() == 3);
}

TEST_CASE("one peer keeps only so many slots from being shared") {
  NodeRig rig;
  for (int number = 0; number <= mesh::most_passes_per_peer; ++number) {
    rig.node.receive(holder, get(static_cast<mesh::QuestionId>(number), token_1, number));
    rig.node.receive(holder, mesh::Pass{rig.to<mesh::Grant>(holder).back().lease, slot(number), token_1});
  }
  rig.node.receive(asker, get(1, token_1, mesh::most_passes_per_peer - 1));
  CHECK(rig.to<mesh::Release>(asker).size() == 1);
  rig.node.receive(asker, get(2, token_1, mesh::most_passes_per_peer));
  CHECK(rig.to<mesh::Grant>(asker).size() == 1);
}
