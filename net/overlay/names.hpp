#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/peer/multiaddr.hpp"
#include "net/overlay/endpoints.hpp"

namespace ghoard::overlay {

/// Host names to endpoints, by the system's resolver. That one blocks for as long as its servers take, so each look-up
/// has a thread of its own, at most eight at a time; nobody waits for them, neither the loop nor the process's end.
class Names {
 public:
  static constexpr std::size_t most_lookups = 8;
  static constexpr std::size_t most_answers = 4;  ///< per name
  using Answer = std::function<void(std::vector<Tcp::endpoint>)>;

  explicit Names(boost::asio::io_context& loop);
  /// No answer comes any more.
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// `answer` is called from the loop, later; with nothing if the name is not known or too many look-ups are under way.
  void find(const peer::Multiaddr& address, Answer answer);

 private:
  struct Shared;
  bool start(std::uint64_t id, const peer::Multiaddr& address);

  boost::asio::io_context& m_loop;
  std::shared_ptr<Shared> m_shared;
};

}  // namespace ghoard::overlay
