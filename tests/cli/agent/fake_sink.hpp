#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/cache/reply.hpp"

namespace ghoard::testing {

/// Keeps what it is told.
class FakeSink final : public cache::ReplySink {
 public:
  void send(cache::Reply given) override { reply = std::move(given); }
  void begin(int status, http::Headers, std::function<void()>, std::function<void()>) override { begun = status; }
  bool write(std::string_view bytes) override {
    written += bytes;
    return true;
  }
  void end(std::optional<base::Error>) override { ended = true; }
  [[nodiscard]] bool gone() const override { return false; }

  [[nodiscard]] int status() const { return reply ? reply->status : 0; }
  [[nodiscard]] nlohmann::json json() const {
    return reply && reply->body ? nlohmann::json::parse(*reply->body, nullptr, false) : nlohmann::json();
  }

  std::optional<cache::Reply> reply;
  std::optional<int> begun;
  std::string written;
  bool ended = false;
};

}  // namespace ghoard::testing
