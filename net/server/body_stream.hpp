#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "core/cache/upstream.hpp"

namespace ghoard::server {

/// A request body on its way from a connection to whoever reads it. Bounded: the connection stops reading from its
/// client while `held()` is above its mark.
class BodyStream final : public cache::BodySource {
 public:
  Read read(std::span<char> into) override;
  void on_readable(std::function<void()> callback) override { m_readable = std::move(callback); }

  // The producer's side.
  void push(std::string bytes);
  void finish(State how);  ///< end or lost
  /// Called after each read that made room; must not call back into the stream's reader.
  void on_room(std::function<void()> callback) { m_room = std::move(callback); }
  [[nodiscard]] std::size_t held() const { return m_bytes.size() - m_taken; }

 private:
  void wake();

  std::string m_bytes;
  std::size_t m_taken = 0;
  State m_final = State::data;  // data: more may come
  bool m_waiting = false;
  std::function<void()> m_readable;
  std::function<void()> m_room;
};

}  // namespace ghoard::server
