#include "tests/support/scripted_peers.hpp"

#include <utility>

namespace ghoard::testing {

class FakePeers::Handle final : public cache::PeerNetwork::Question {
 public:
  explicit Handle(std::shared_ptr<Asked> asked) : m_asked(std::move(asked)) {}
  ~Handle() override {
    if (m_asked->answer != nullptr) {
      m_asked->given_up = true;
      m_asked->answer = nullptr;
    }
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::shared_ptr<Asked> m_asked;
};

class FakePeers::Granted final : public cache::FetchLease {
 public:
  explicit Granted(std::shared_ptr<Lease> lease) : m_lease(std::move(lease)) {}
  ~Granted() override {
    if (m_lease->end == Lease::End::none) {
      m_lease->end = Lease::End::dropped;
    }
  }
  Granted(const Granted&) = delete;
  Granted& operator=(const Granted&) = delete;

  void done(cache::SharedValue value) override {
    m_lease->value = std::move(value);
    finish(Lease::End::done);
  }
  void failed(cache::SharedOutcome outcome) override {
    m_lease->outcome = std::move(outcome);
    finish(Lease::End::failed);
  }
  void pass() override { finish(Lease::End::passed); }

 private:
  void finish(Lease::End end) {
    // Ended twice is remembered as dropped, which no test takes for success.
    m_lease->end = m_lease->end == Lease::End::none ? end : Lease::End::dropped;
  }
  std::shared_ptr<Lease> m_lease;
};

std::unique_ptr<cache::PeerNetwork::Question> FakePeers::ask(cache::PeerQuestion question,
                                                             std::function<void(cache::PeerAnswer)> answer) {
  m_asked.push_back(std::make_shared<Asked>(Asked{std::move(question), std::move(answer), false}));
  return std::make_unique<Handle>(m_asked.back());
}

void FakePeers::announce(std::vector<cache::Change> changes, std::function<void()> acknowledged) {
  m_announced.push_back({std::move(changes), std::move(acknowledged)});
}

void FakePeers::answer(std::size_t n, cache::PeerAnswer answer) {
  // Moved out first: the callee may give the question up while it runs.
  if (const auto call = std::exchange(m_asked.at(n)->answer, nullptr); call != nullptr) {
    call(std::move(answer));
  }
}

void FakePeers::release(std::size_t n, std::optional<cache::SharedValue> basis) {
  answer(n, cache::GoAhead{nullptr, std::move(basis)});
}

std::shared_ptr<const FakePeers::Lease> FakePeers::grant(std::size_t n, std::optional<cache::SharedValue> basis) {
  auto lease = std::make_shared<Lease>();
  answer(n, cache::GoAhead{std::make_unique<Granted>(lease), std::move(basis)});
  return lease;
}

void FakePeers::acknowledge(std::size_t n) {
  if (const auto call = std::exchange(m_announced.at(n).acknowledged, nullptr); call != nullptr) {
    call();
  }
}

}  // namespace ghoard::testing
