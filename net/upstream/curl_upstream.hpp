#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/cache/upstream.hpp"

namespace ghoard::upstream {

struct Options {
  base::Millis connect_deadline{10'000};
  base::Millis first_byte_deadline{60'000};  ///< from sent to the response head
  base::Millis stall_deadline{60'000};       ///< without a byte of progress afterwards
  base::Millis total_deadline{3'600'000};
  std::string ca_file;  ///< replaces the system's CA bundle; tests only need it
  std::string user_agent;
  std::size_t max_connections_per_host = 16;
  std::size_t max_header_bytes = 256 * 1024;
};

/// cache::Upstream on libcurl's multi interface, driven by the Asio loop. HTTP/2 over warm connections where the server
/// offers it, gzip decoded, proxies from the environment (HTTPS_PROXY, NO_PROXY, ...). One thread: the loop's.
class CurlUpstream final : public cache::Upstream {
 public:
  static base::Result<std::unique_ptr<CurlUpstream>> create(boost::asio::io_context& loop, Options options);
  ~CurlUpstream() override;

  std::unique_ptr<cache::Exchange> start(cache::UpstreamRequest request,
                                         std::shared_ptr<cache::ResponseObserver> observer) override;

 private:
  class Impl;
  explicit CurlUpstream(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> m_impl;
};

}  // namespace ghoard::upstream
