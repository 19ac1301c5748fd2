#include "net/upstream/garage.hpp"

#include "net/upstream/transfer.hpp"

namespace ghoard::upstream {

namespace {

constexpr std::size_t k_spare_handles = 16;

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
  garage->m_lane = std::move(*lane);
  return garage;
}

Garage::~Garage() {
  close();
  for (CURL* easy : m_spare_handles) {
    curl_easy_cleanup(easy);
  }
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

void Garage::close() {
  if (m_closed) {
    return;
  }
  m_closed = true;
  const std::vector<Transfer*> transfers(m_transfers.begin(), m_transfers.end());
  for (Transfer* transfer : transfers) {
    transfer->cancel();
  }
  if (m_lane) {
    m_lane->close();
  }
  m_lane.reset();
}

}  // namespace ghoard::upstream
