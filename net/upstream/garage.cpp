#include "net/upstream/garage.hpp"

#include <algorithm>

#include "net/upstream/transfer.hpp"

namespace ghoard::upstream {

namespace {

constexpr std::size_t k_spare_handles = 16;
/// Beyond that many clogged lanes an exchange takes its chance in the first.
constexpr std::size_t k_max_lanes = 8;

}  // namespace

base::Result<std::shared_ptr<Garage>> Garage::open(boost::asio::io_context& loop, Options options) {
  // Counts its callers, and is thread-safe in this build of libcurl; nothing is ever undone at exit.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) {
    return base::fail(base::ErrorCode::system, std::string("cannot start libcurl: ") + curl_easy_strerror(ready));
  }
  std::shared_ptr<Garage> garage(new Garage(loop, std::move(options)));
  base::Result<std::shared_ptr<Lane>> lane = Lane::open(loop, garage->m_options);
  if (!lane) {
    return tl::unexpected(lane.error());
  }
  garage->m_lanes.push_back(std::move(*lane));
  return garage;
}

Garage::~Garage() {
  close();
  for (CURL* easy : m_spare_handles) {
    curl_easy_cleanup(easy);
  }
}

std::shared_ptr<Lane> Garage::lane() {
  if (m_closed) {
    return nullptr;
  }
  for (const std::shared_ptr<Lane>& lane : m_lanes) {
    if (!lane->clogged()) {
      return lane;
    }
  }
  if (m_lanes.size() < k_max_lanes) {
    if (base::Result<std::shared_ptr<Lane>> lane = Lane::open(m_loop, m_options)) {
      m_lanes.push_back(std::move(*lane));
      return m_lanes.back();
    }
  }
  return m_lanes.front();
}

CURL* Garage::take_handle() {
  if (m_spare_handles.empty()) {
    return curl_easy_init();
  }
  CURL* easy = m_spare_handles.back();
  m_spare_handles.pop_back();
  return easy;
}

void Garage::give_handle(CURL* easy) {
  if (m_closed || m_spare_handles.size() >= k_spare_handles) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  m_spare_handles.push_back(easy);
}

void Garage::delist(Transfer& transfer) {
  m_transfers.erase(&transfer);
  drop_spare_lanes();
}

/// The first lane stays for its warm connections; others only live as long as they carry something.
void Garage::drop_spare_lanes() {
  for (std::size_t i = m_lanes.size(); i > 1; --i) {
    const std::shared_ptr<Lane> lane = m_lanes[i - 1];
    if (lane->idle() && !lane->in_curl() && !m_lanes.front()->clogged()) {
      lane->close();
      m_lanes.erase(m_lanes.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
  }
}

void Garage::close() {
  if (m_closed) {
    return;
  }
  m_closed = true;
  const std::vector<Transfer*> transfers(m_transfers.begin(), m_transfers.end());
  for (Transfer* transfer : transfers) {
    transfer->cancel();
  }
  for (const std::shared_ptr<Lane>& lane : m_lanes) {
    lane->close();
  }
  m_lanes.clear();
}

}  // namespace ghoard::upstream
