#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "net/overlay/attempt.hpp"

namespace ghoard::overlay {

/// Takes what comes of handshakes that this side began.
class DiallerHost {
 public:
  virtual ~DiallerHost() = default;
  /// The link that begins here awaits its welcome; then Dialler::welcomed or Dialler::not_welcomed is to be called.
  virtual void outbound(Tcp::socket socket, channel::Outcome outcome, const Attempt& attempt, std::string unsent,
                        std::string unread) = 0;
  /// The link that awaits its welcome is too slow: it is to go.
  virtual void outbound_late(const mesh::PeerId& peer) = 0;
  /// `wanted`: somebody asked with want_report.
  virtual void dial_over(const mesh::PeerId& peer, mesh::LinkEnd end, bool wanted) = 0;
  /// Asked when an attempt's turn comes: whether there is a link already.
  [[nodiscard]] virtual bool is_linked(const mesh::PeerId& peer) const = 0;
};

/// Dials peers, at most one attempt at each and some in parallel; others wait their turn. One thread.
class Dialler final : private AttemptHost {
 public:
  Dialler(std::shared_ptr<Shared> shared, DiallerHost& host);
  ~Dialler() override;
  Dialler(const Dialler&) = delete;
  Dialler& operator=(const Dialler&) = delete;

  enum class Purpose {
    connect,  ///< there is no link; the end is reported
    another,  ///< even if there is a link; nothing is reported but what comes of it
  };
  /// One that is waiting or under way stays; it takes on the further purpose.
  void dial(const mesh::PeerId& peer, std::vector<peer::Multiaddr> addresses, Purpose purpose);
  [[nodiscard]] bool is_dialling(const mesh::PeerId& peer) const { return m_jobs.contains(peer); }
  /// So many wait that no further one is taken.
  [[nodiscard]] bool is_full() const { return m_waiting.size() >= m_shared->limits.waiting_dials; }
  void welcomed(const mesh::PeerId& peer);
  void not_welcomed(const mesh::PeerId& peer, mesh::LinkEnd end, std::string_view why);
  void stop();

 private:
  struct Job {
    std::vector<peer::Multiaddr> addresses;
    bool want_report = false;
    bool want_another = false;
    std::shared_ptr<Attempt> attempt;  ///< null while it waits
  };

  void attempt_done(const std::shared_ptr<Attempt>& attempt) override;
  void attempt_failed(const std::shared_ptr<Attempt>& attempt, mesh::LinkEnd end) override;
  void attempt_late(const std::shared_ptr<Attempt>& attempt) override;
  void over(const mesh::PeerId& peer);
  void start_some();

  const std::shared_ptr<Shared> m_shared;
  DiallerHost& m_host;
  Names m_names;
  std::map<mesh::PeerId, Job> m_jobs;
  std::deque<mesh::PeerId> m_waiting;
  std::size_t m_running = 0;
  bool m_stopped = false;
};

}  // namespace ghoard::overlay
