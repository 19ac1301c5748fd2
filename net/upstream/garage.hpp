#pragma once

#include <boost/asio/io_context.hpp>
#include <curl/curl.h>
#include <memory>
#include <unordered_set>
#include <vector>

#include "net/upstream/curl_upstream.hpp"
#include "net/upstream/lane.hpp"

namespace ghoard::upstream {

class Transfer;

/// What the exchanges of one CurlUpstream share: the lane, spare easy handles, and the list of those under way.
class Garage {
 public:
  static base::Result<std::shared_ptr<Garage>> open(boost::asio::io_context& loop, Options options);
  ~Garage();
  Garage(const Garage&) = delete;
  Garage& operator=(const Garage&) = delete;

  /// Null after `close`.
  [[nodiscard]] const std::shared_ptr<Lane>& lane() const { return m_lane; }
  /// A handle without options set, or null when memory is out.
  [[nodiscard]] CURL* take_handle();
  void give_handle(CURL* easy);

  void enlist(Transfer& transfer) { m_transfers.insert(&transfer); }
  void delist(Transfer& transfer) { m_transfers.erase(&transfer); }
  /// Abandons every exchange, silently, and closes every connection.
  void close();

  [[nodiscard]] boost::asio::io_context& loop() { return m_loop; }
  [[nodiscard]] const Options& options() const { return m_options; }

 private:
  Garage(boost::asio::io_context& loop, Options options) : m_loop(loop), m_options(std::move(options)) {}

  boost::asio::io_context& m_loop;
  const Options m_options;
  std::shared_ptr<Lane> m_lane;
  std::vector<CURL*> m_spare_handles;
  std::unordered_set<Transfer*> m_transfers;
  bool m_closed = false;
};

}  // namespace ghoard::upstream
