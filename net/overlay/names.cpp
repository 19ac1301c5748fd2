#include "net/overlay/names.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>
#include <utility>

namespace ghoard::overlay {

/// What a look-up's thread may still find when Names has gone.
struct Names::Shared {
  std::mutex mutex;
  boost::asio::io_context* loop = nullptr;  // null: nobody waits any more
  std::size_t under_way = 0;
  std::map<std::uint64_t, Answer> answers;  // the loop's alone: what they hold must not end on another thread
  std::uint64_t last = 0;

  void answer(std::uint64_t id, std::vector<Tcp::endpoint> found) {
    if (const auto waiting = answers.extract(id)) {
      waiting.mapped()(std::move(found));
    }
  }
};

namespace {

int family_of(peer::Multiaddr::Kind kind) {
  switch (kind) {
    case peer::Multiaddr::Kind::dns4: return AF_INET;
    case peer::Multiaddr::Kind::dns6: return AF_INET6;
    case peer::Multiaddr::Kind::dns:
    case peer::Multiaddr::Kind::ip4:
    case peer::Multiaddr::Kind::ip6: break;
  }
  return AF_UNSPEC;
}

std::vector<Tcp::endpoint> look_up(const std::string& host, int family, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  std::vector<Tcp::endpoint> result;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &first) != 0) {
    return result;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(first, &::freeaddrinfo);
  for (const addrinfo* entry = first; entry != nullptr && result.size() < Names::most_answers; entry = entry->ai_next) {
    Tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) {
      continue;
    }
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    endpoint.resize(entry->ai_addrlen);
    endpoint.port(port);
    result.push_back(endpoint);
  }
  return result;
}

}  // namespace

Names::Names(boost::asio::io_context& loop) : m_loop(loop), m_shared(std::make_shared<Shared>()) {
  m_shared->loop = &loop;
}

Names::~Names() {
  m_shared->answers.clear();
  const std::lock_guard lock(m_shared->mutex);
  m_shared->loop = nullptr;
}

void Names::find(const peer::Multiaddr& address, Answer answer) {
  const std::uint64_t id = ++m_shared->last;
  m_shared->answers.emplace(id, std::move(answer));
  if (!start(id, address)) {
    boost::asio::post(m_loop, [shared = m_shared, id] { shared->answer(id, {}); });
  }
}

bool Names::start(std::uint64_t id, const peer::Multiaddr& address) {
  {
    const std::lock_guard lock(m_shared->mutex);
    if (m_shared->under_way >= most_lookups) {
      return false;
    }
    ++m_shared->under_way;
  }
  auto work = [shared = m_shared, id, host = address.host, family = family_of(address.kind), port = address.port] {
    std::vector<Tcp::endpoint> found = look_up(host, family, port);
    const std::lock_guard lock(shared->mutex);
    --shared->under_way;
    if (shared->loop != nullptr) {
      boost::asio::post(*shared->loop, [shared, id, found = std::move(found)] { shared->answer(id, found); });
    }
  };
  // Signals belong to the loop's thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error&) {
    const std::lock_guard lock(m_shared->mutex);
    --m_shared->under_way;
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace ghoard::overlay
