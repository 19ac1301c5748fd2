#include "cli/link/probe.hpp"

#include "cli/link/gh.hpp"
#include "cli/link/link.hpp"
#include "core/base/version.hpp"

namespace ghoard::link {

namespace {

constexpr base::Millis connect_deadline{2000};
constexpr std::size_t max_control_bytes = 64ULL << 20;

std::string join(const std::vector<std::string_view>& words) {
  std::string result;
  for (const std::string_view word : words) {
    result += result.empty() ? "" : ", ";
    result += word;
  }
  return result;
}

}  // namespace

base::Result<std::optional<local::AgentRecord>> read_record(const Program& program) {
  const base::Result<std::optional<std::string>> text = read_small_file(program.paths.agent_record(), 8 * 1024);
  if (!text) {
    return tl::unexpected(text.error());
  }
  base::Result<local::AgentRecord> record = local::parse_agent_record(text->value_or(std::string()));
  // Empty or half a record: an agent is just starting, or was killed while it wrote.
  return *text && record ? std::optional(std::move(*record)) : std::nullopt;
}

base::Result<std::optional<Contact>> contact_agent(const Program& program) {
  base::Result<std::optional<local::AgentRecord>> found = read_record(program);
  if (!found) {
    return tl::unexpected(found.error());
  }
  if (!*found) {
    return std::nullopt;
  }
  local::AgentRecord& record = **found;
  base::Result<local::Connection> connection = local::Connection::open(record.socket, connect_deadline);
  if (!connection) {
    switch (connection.error().code) {
      case base::ErrorCode::unavailable: return std::nullopt;
      case base::ErrorCode::timeout: return tl::unexpected(not_answering(record));
      case base::ErrorCode::invalid_input:
      case base::ErrorCode::truncated:
      case base::ErrorCode::corrupted:
      case base::ErrorCode::too_large:
      case base::ErrorCode::refused:
      case base::ErrorCode::busy:
      case base::ErrorCode::system: break;
    }
    return tl::unexpected(connection.error());
  }
  return std::optional<Contact>(Contact{std::move(record), std::move(*connection)});
}

base::Result<std::optional<Contact>> contact_compatible_agent(const Program& program) {
  base::Result<std::optional<Contact>> contact = contact_agent(program);
  if (!contact || !*contact || (*contact)->record.protocol == base::local_protocol) {
    return contact;
  }
  const local::AgentRecord& record = (*contact)->record;
  if (record.protocol > base::local_protocol) {
    return base::fail(base::ErrorCode::refused,
                      "the running agent is version " + record.version + ", newer than this " + program.name + " (" +
                          std::string(base::version) +
                          "), and they do not understand each other; upgrade this one, or run `ghoard agent restart`");
  }
  const base::Result<bool> stopped = stop_agent(program);
  if (!stopped) {
    return tl::unexpected(stopped.error().with_context("replacing the older agent"));
  }
  return std::nullopt;
}

std::optional<std::string> other_server(const Program& program, const local::AgentRecord& record) {
  const settings::Value& url = program.settings.value("api_url");
  if (url.text == record.api_url) {
    return std::nullopt;
  }
  // A default counts like a choice: what is sent along is github.com's token.
  const std::string here = program.settings.is_explicit("api_url") ? url.origin + " says " : "the default here is ";
  return "asks " + record.api_url + ", but " + here + url.text;
}

std::optional<std::string> other_settings(const Program& program, const local::AgentRecord& record) {
  const std::vector<std::string_view> different = program.settings.differing(record.settings);
  return different.empty() ? std::nullopt : std::optional("was started with other settings (" + join(different) + ")");
}

base::Result<void> check_settings(const Program& program, const local::AgentRecord& record) {
  if (const std::optional<std::string> other = other_server(program, record)) {
    return base::fail(base::ErrorCode::refused, "the running agent " + *other + "; run `ghoard agent restart`");
  }
  if (const std::optional<std::string> other = other_settings(program, record)) {
    print_error(program, "the running agent " + *other + "; run `ghoard agent restart`");
  }
  return {};
}

base::Result<local::ClientResponse> control_request(local::Connection& connection, std::string_view method,
                                                    std::string_view target, std::string body, base::Millis deadline) {
  local::ClientRequest request;
  request.method = method;
  request.target = target;
  request.headers.add("Host", "ghoard");
  if (method == "POST") {
    request.headers.add("Ghoard-Control", "1");
    request.headers.add("Content-Type", "application/json");
  }
  request.body = std::move(body);
  return connection.exchange(request, deadline, max_control_bytes);
}

base::Error not_answering(const local::AgentRecord& record) {
  return {base::ErrorCode::timeout,
          "the agent (pid " + std::to_string(record.pid) + ") does not answer; run `ghoard agent restart`"};
}

base::Result<void> check_alive(local::Connection& connection, const local::AgentRecord& record) {
  const base::Result<local::ClientResponse> answer =
      control_request(connection, "GET", "/v1/status", {}, sign_of_life_deadline);
  if (answer || answer.error().code != base::ErrorCode::timeout) {
    return {};  // it lives; what else is wrong the request itself will tell
  }
  return tl::unexpected(not_answering(record));
}

}  // namespace ghoard::link
