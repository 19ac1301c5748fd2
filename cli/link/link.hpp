#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/link/program.hpp"
#include "core/base/result.hpp"
#include "core/cache/store.hpp"
#include "core/http/message.hpp"
#include "net/local/agent_record.hpp"
#include "net/local/client.hpp"

namespace ghoard::link {

/// One API request as a command wants it answered.
struct ApiCall {
  std::string method = "GET";
  http::Origin origin;    ///< as named by the caller: api.github.com, an Enterprise host, or a redirect's target
  std::string target;     ///< origin-form, encoded
  http::Headers headers;  ///< Cache-Control included; Host and Authorization are added here unless already set
  bool authorise = true;  ///< false: send no credentials (redirect to another host)
  /// The caller named this host by --hostname: tokens of the environment for Enterprise hosts may go there.
  bool host_is_known = false;
  std::string body;
  int body_fd = -1;  ///< instead of `body`: streamed; never repeated
  std::optional<std::uint64_t> content_length;
};

/// The head of an answer; its body went to the callback.
struct Answer {
  int status = 0;
  std::string reason;
  http::Headers headers;  ///< with Cache-Status
};

using HeadCallback = std::function<void(const Answer&)>;

/// Where a token comes from, as gh looks it up (gh-api: Tokens).
struct Credentials {
  enum class Kind {
    none,     ///< nobody is logged in for this host: reads go out anonymously
    token,    ///< from the environment or hosts.yml
    from_gh,  ///< hosts.yml knows the host but the token is in a keyring: the agent keeps it, or `gh auth token` tells
              ///< it
  } kind = Kind::none;
  std::string token;
};

/// `host` as in hosts.yml: "github.com", "X.ghe.com", an Enterprise Server's name. Enterprise tokens of the environment
/// go only to hosts that hosts.yml, GH_HOST or --hostname names (`host_is_known`), never to any host found in a URL.
[[nodiscard]] base::Result<Credentials> find_credentials(const Program& program, std::string_view host,
                                                         bool host_is_known);

/// gh's host for an API origin: api.github.com -> github.com, api.X.ghe.com -> X.ghe.com, H -> H.
[[nodiscard]] std::string gh_host_of(const http::Origin& origin);
/// The sole host in hosts.yml, if there is just one.
[[nodiscard]] base::Result<std::optional<std::string>> sole_gh_host(const Program& program);

/// How far starting an agent may go.
enum class Spawn { allowed, forbidden };

/// The way from one command to an answer (design: "A request's way" and "If no agent runs"): the running agent, else a
/// direct read of the database, else an agent started now, else `ghoard-agent --one-shot`. Keeps its connection for the
/// next call. One thread.
class Link {
 public:
  Link(const Program& program, Spawn spawn);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends one request; `on_head` once, then `on_body` for each piece. After an agent's death under a GET or HEAD whose
  /// head had not arrived, it is repeated once through a new agent; a write fails saying that it may have happened.
  base::Result<Answer> call(const ApiCall& call, const HeadCallback& on_head, const local::BodyCallback& on_body);

  /// After a failed `call`: it was a write, and nobody is logged in for its host (exit code 4).
  [[nodiscard]] bool lacked_credentials() const;

  /// A control request to the running agent (`Host: ghoard`). unavailable: no agent runs; none is started.
  base::Result<local::ClientResponse> control(std::string_view method, std::string_view target, std::string body = {});
  /// The same, but where no agent runs one is started, or does this one thing (`--one-shot`).
  base::Result<local::ClientResponse> control_or_start(std::string_view method, std::string_view target,
                                                       std::string body = {});

 private:
  class Impl;
  std::unique_ptr<Impl> m_impl;
};

/// Starts an agent unless one runs, and waits until it is ready (at most 10 s). Returns its socket's path.
base::Result<std::string> start_agent(const Program& program);

/// Asks the running agent to finish what it is doing and to go, and waits until it has released its lock. False: none
/// ran.
base::Result<bool> stop_agent(const Program& program);

/// The record of the agent that answers on its socket now; nothing if none runs. Takes no lock.
[[nodiscard]] std::optional<local::AgentRecord> running_agent(const Program& program);

/// What the cache holds, read from the database without an agent. An absent or unreadable database holds nothing.
[[nodiscard]] std::vector<cache::Listing> list_stored(const Program& program, const cache::Selection& selection,
                                                      std::size_t limit);
[[nodiscard]] cache::StoreSize stored_size(const Program& program);

}  // namespace ghoard::link
