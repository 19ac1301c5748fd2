#include "net/overlay/dialler.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace ghoard::overlay {

Dialler::Dialler(std::shared_ptr<Shared> shared, DiallerHost& host)
    : m_shared(std::move(shared)), m_host(host), m_names(m_shared->loop) {}

Dialler::~Dialler() {
  stop();
}

void Dialler::stop() {
  m_stopped = true;
  m_waiting.clear();
  for (auto& [peer, job] : std::exchange(m_jobs, {})) {
    if (job.attempt) {
      job.attempt->abandon();
    }
  }
}

void Dialler::dial(const mesh::PeerId& peer, std::vector<peer::Multiaddr> addresses, Purpose purpose) {
  if (m_stopped) {
    return;
  }
  const auto [place, is_new] = m_jobs.try_emplace(peer);
  Job& job = place->second;
  job.want_report |= purpose == Purpose::connect;
  job.want_another |= purpose == Purpose::another;
  if (!is_new) {
    return;
  }
  job.addresses = std::move(addresses);
  m_waiting.push_back(peer);
  start_some();
}

void Dialler::start_some() {
  while (m_running < m_shared->limits.dials && !m_waiting.empty()) {
    const mesh::PeerId peer = m_waiting.front();
    m_waiting.pop_front();
    const auto found = m_jobs.find(peer);
    if (!found->second.want_another && m_host.is_linked(peer)) {
      m_jobs.erase(found);
      continue;
    }
    ++m_running;
    Job& job = found->second;
    job.attempt =
        std::make_shared<Attempt>(m_shared, static_cast<AttemptHost&>(*this), m_names, peer, std::move(job.addresses));
    job.attempt->start();
  }
}

void Dialler::over(const mesh::PeerId& peer) {
  const auto job = m_jobs.extract(peer);
  if (job && job.mapped().attempt) {
    --m_running;
    start_some();
  }
}

void Dialler::welcomed(const mesh::PeerId& peer) {
  if (const auto found = m_jobs.find(peer); found != m_jobs.end() && found->second.attempt) {
    found->second.attempt->handshake_over();
    over(peer);
  }
}

void Dialler::not_welcomed(const mesh::PeerId& peer, mesh::LinkEnd end, std::string_view why) {
  if (const auto found = m_jobs.find(peer); found != m_jobs.end() && found->second.attempt) {
    const std::shared_ptr<Attempt> attempt = found->second.attempt;
    attempt->go_on(end, why);
  }
}

void Dialler::attempt_done(const std::shared_ptr<Attempt>& attempt) {
  channel::Outcome outcome = attempt->take_outcome();
  std::string unsent = attempt->take_unsent();
  m_host.outbound(attempt->take_socket(), std::move(outcome), *attempt, std::move(unsent), attempt->take_unread());
}

void Dialler::attempt_failed(const std::shared_ptr<Attempt>& attempt, mesh::LinkEnd end) {
  const mesh::PeerId peer = attempt->peer();
  const auto found = m_jobs.find(peer);
  const bool wanted = found != m_jobs.end() && found->second.want_report;
  over(peer);
  m_host.dial_over(peer, end, wanted);
}

void Dialler::attempt_late(const std::shared_ptr<Attempt>& attempt) {
  m_host.outbound_late(attempt->peer());
}

}  // namespace ghoard::overlay
