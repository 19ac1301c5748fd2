#include "net/upstream/curl_upstream.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "net/upstream/garage.hpp"
#include "net/upstream/transfer.hpp"

namespace ghoard::upstream {

namespace {

/// The caller's end of a transfer.
class Ticket final : public cache::Exchange {
 public:
  explicit Ticket(std::shared_ptr<Transfer> transfer) : m_transfer(std::move(transfer)) {}
  ~Ticket() override { m_transfer->cancel(); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void resume() override { m_transfer->resume(); }

 private:
  const std::shared_ptr<Transfer> m_transfer;
};

}  // namespace

class CurlUpstream::Impl {
 public:
  explicit Impl(std::shared_ptr<Garage> shared) : garage(std::move(shared)) {}
  ~Impl() { garage->close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const std::shared_ptr<Garage> garage;
};

CurlUpstream::CurlUpstream(std::shared_ptr<Impl> impl) : m_impl(std::move(impl)) {}

CurlUpstream::~CurlUpstream() = default;

base::Result<std::unique_ptr<CurlUpstream>> CurlUpstream::create(boost::asio::io_context& loop, Options options) {
  base::Result<std::shared_ptr<Garage>> garage = Garage::open(loop, std::move(options));
  if (!garage) {
    return tl::unexpected(garage.error());
  }
  return std::unique_ptr<CurlUpstream>(new CurlUpstream(std::make_shared<Impl>(std::move(*garage))));
}

std::unique_ptr<cache::Exchange> CurlUpstream::start(cache::UpstreamRequest request,
                                                     std::shared_ptr<cache::ResponseObserver> observer) {
  auto transfer = std::make_shared<Transfer>(m_impl->garage, std::move(request), std::move(observer));
  // Runs in this turn of the loop, after the handler that called: an observer is never called from within here.
  boost::asio::post(m_impl->garage->loop(), [weak = std::weak_ptr<Transfer>(transfer)] {
    if (const std::shared_ptr<Transfer> self = weak.lock()) {
      self->launch();
    }
  });
  return std::make_unique<Ticket>(std::move(transfer));
}

}  // namespace ghoard::upstream
