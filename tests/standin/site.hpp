#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "tests/standin/faults.hpp"
#include "tests/standin/identity.hpp"
#include "tests/standin/ledger.hpp"
#include "tests/standin/limits.hpp"
#include "tests/standin/message.hpp"
#include "tests/standin/recorded.hpp"
#include "tests/standin/world.hpp"

namespace ghoard::standin {

/// An answer with its rendered header fields, kept until the world changes.
struct Prepared {
  int status = 200;
  std::string etag;           ///< as sent, with W/ and quotes
  std::string last_modified;  ///< ISO 8601
  std::string entity_fields;  ///< Content-Type; left out of a 304
  std::string fields;         ///< the others that do not change from request to request
  http::Body body;
  http::Body gzipped;
};

/// The whole stand-in behind its sockets: requests in, responses out. One thread.
class Site {
 public:
  /// An empty string, or why it cannot begin.
  [[nodiscard]] std::string load(const std::string& data_directory);
  void set_asset_base(std::string base) { m_asset_base = std::move(base); }
  /// Called by `POST /_standin/release`.
  void on_release(std::function<void()> callback) { m_release = std::move(callback); }
  [[nodiscard]] Ledger& ledger() { return m_ledger; }
  void add_held(long change) { m_held += change; }

  [[nodiscard]] static bool is_control(const Request& request) { return request.path.starts_with("/_standin/"); }
  [[nodiscard]] Response control(const Request& request);
  [[nodiscard]] Response api(const Request& request);
  [[nodiscard]] Response asset(const Request& request);

 private:
  using PreparedPtr = std::shared_ptr<Prepared>;

  Answer control_answer(const Request& request);
  Answer configure(const Json& command);
  Answer mutate(const Json& command);
  Answer merge(const Json& command);
  void reset(bool counters_only);

  Response processed(const Request& request);
  Response faulty(const Request& request, const Fault& fault);
  Answer route(Call& call, std::int64_t now);
  PreparedPtr prepare(const Request& request, const Identity& who, std::int64_t now);
  PreparedPtr render(const Request& request, const Identity& who, const Answer& answer) const;
  Response respond(const Request& request, const Identity& who, Prepared& prepared, std::int64_t now, bool limited);
  std::string live_fields(const Identity& who, const Request& request, const Budget& budget);

  Config m_config;
  Identities m_identities;
  World m_world;
  Limits m_limits;
  Ledger m_ledger;
  Faults m_faults;
  Recorded m_recorded;
  std::string m_asset_base;
  std::function<void()> m_release;
  long m_held = 0;
  std::uint64_t m_next_request_id = 0;
  std::uint64_t m_prepared_version = 0;
  std::unordered_map<std::string, PreparedPtr> m_prepared;
};

/// The ETag of GitHub's formula, without quotes: over the request headers that `vary` names, as received, and the body.
[[nodiscard]] std::string formula_etag(const Request& request, std::string_view vary, const std::string& body);

}  // namespace ghoard::standin
