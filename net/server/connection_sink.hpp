#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "net/server/connection.hpp"

namespace ghoard::server {

/// The handler's end of one request. It may outlive the connection, or be dropped without an answer.
class Connection::Sink final : public cache::ReplySink {
 public:
  void send(cache::Reply reply) override {
    if (m_connection != nullptr) {
      m_connection->send(std::move(reply));
    }
  }
  void begin(int status, http::Headers headers, std::function<void()> on_drained,
             std::function<void()> on_gone) override {
    if (m_connection != nullptr) {
      m_on_drained = std::move(on_drained);
      m_on_gone = std::move(on_gone);
      m_connection->begin(status, headers);
    }
  }
  bool write(std::string_view bytes) override { return m_connection == nullptr || m_connection->write(bytes); }
  void end(std::optional<base::Error> failure) override {
    if (m_connection != nullptr) {
      m_connection->end(failure);
    }
  }
  [[nodiscard]] bool gone() const override {
    return m_gone || (m_connection != nullptr && m_connection->m_broken && !m_connection->m_answered);
  }

  void attach(Connection& connection) {
    m_connection = &connection;
    m_gone = false;
  }
  /// Forgets the connection and gives back what has to be called if the client left.
  std::function<void()> detach(bool client_left) {
    m_connection = nullptr;
    m_gone = client_left;
    m_on_drained = nullptr;  // a callback may own whoever owns this
    return std::exchange(m_on_gone, nullptr);
  }
  void drained() {
    if (m_on_drained) {
      const std::function<void()> call = m_on_drained;
      call();
    }
  }

 private:
  Connection* m_connection = nullptr;
  std::function<void()> m_on_drained;
  std::function<void()> m_on_gone;
  bool m_gone = false;
};

}  // namespace ghoard::server
