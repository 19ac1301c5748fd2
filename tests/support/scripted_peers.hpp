#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/cache/peer_network.hpp"

namespace ghoard::testing {

/// A PeerNetwork that records what it is asked and told, and answers only when, and as, the test says. Calls nobody
/// from within ask() or announce(). Questions and announcements are numbered from 0. One thread.
class FakePeers final : public cache::PeerNetwork {
 public:
  /// What became of a lease that was granted.
  struct Lease {
    enum class End { none, done, failed, passed, dropped };
    End end = End::none;
    std::optional<cache::SharedValue> value;
    std::optional<cache::SharedOutcome> outcome;
  };

  std::unique_ptr<Question> ask(cache::PeerQuestion question, std::function<void(cache::PeerAnswer)> answer) override;
  void announce(std::vector<cache::Change> changes, std::function<void()> acknowledged) override;

  [[nodiscard]] std::size_t asked() const { return m_asked.size(); }
  [[nodiscard]] const cache::PeerQuestion& question(std::size_t n) const { return m_asked.at(n)->question; }
  /// Its Question was destroyed before an answer.
  [[nodiscard]] bool given_up(std::size_t n) const { return m_asked.at(n)->given_up; }

  /// Answers the n-th question; ignored if it was given up.
  void answer(std::size_t n, cache::PeerAnswer answer);
  /// Lets it go ahead without a lease.
  void release(std::size_t n, std::optional<cache::SharedValue> basis = std::nullopt);
  /// Lets it go ahead with a lease, and returns what becomes of that.
  std::shared_ptr<const Lease> grant(std::size_t n, std::optional<cache::SharedValue> basis = std::nullopt);

  [[nodiscard]] std::size_t announced() const { return m_announced.size(); }
  [[nodiscard]] const std::vector<cache::Change>& changes(std::size_t n) const { return m_announced.at(n).changes; }
  [[nodiscard]] bool wants_acknowledgement(std::size_t n) const { return m_announced.at(n).acknowledged != nullptr; }
  void acknowledge(std::size_t n);

 private:
  struct Asked {
    cache::PeerQuestion question;
    std::function<void(cache::PeerAnswer)> answer;
    bool given_up = false;
  };
  struct Announced {
    std::vector<cache::Change> changes;
    std::function<void()> acknowledged;
  };
  class Handle;
  class Granted;

  std::vector<std::shared_ptr<Asked>> m_asked;
  std::vector<Announced> m_announced;
};

}  // namespace ghoard::testing
