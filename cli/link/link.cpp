#include "cli/link/link.hpp"

#include <chrono>
#include <poll.h>

#include "cli/link/direct_read.hpp"
#include "cli/link/gh.hpp"
#include "cli/link/one_shot.hpp"
#include "cli/link/probe.hpp"

namespace ghoard::link {

namespace {

/// Longer than any deadline of the agent's that lets a whole minute pass without a byte, retries included.
constexpr base::Millis answer_deadline{300'000};
/// For how long an agent that was killed may still seem to be there.
constexpr base::Millis dying_deadline{2'000};

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 203: return "Non-Authoritative Information";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 404: return "Not Found";
    case 410: return "Gone";
    default: return "";
  }
}

/// How the token of one call travels.
enum class TokenState {
  settled,  ///< in the Authorization field, or there is none
  kept,     ///< `Ghoard-Token: kept`: the agent is asked for the one it keeps
};

/// One call on its way: what is sent, and what came back.
struct Journey {
  const ApiCall& call;
  const HeadCallback& on_head;
  const local::BodyCallback& on_body;
  http::Headers headers;
  std::string gh_host;
  TokenState token = TokenState::settled;
  bool head_arrived = false;
  bool token_unknown = false;
};

/// gh's name for the server; the one that stands for github.com gets github.com's token.
std::string credential_host(const Program& program, const http::Origin& origin) {
  return origin == settings::origin_map(program.settings).github_api ? "github.com" : gh_host_of(origin);
}

/// The wish for a token of this very gh configuration: another one of the same user may be another account's.
std::string token_wish(std::string_view wish, const std::string& config) {
  return std::string(wish) + (config.empty() ? "" : "; config=" + config);
}

/// `wish`: the Ghoard-Token field, if any.
void authorise_with(Journey& journey, const std::string& token, const std::string& wish) {
  journey.headers.set("Authorization", "token " + token);
  journey.headers.remove("Ghoard-Token");
  if (!wish.empty()) {
    journey.headers.set("Ghoard-Token", wish);
  }
  journey.token = TokenState::settled;
}

}  // namespace

class Link::Impl {
 public:
  Impl(const Program& program, Spawn spawn) : m_program(program) {
    m_may_spawn = spawn == Spawn::allowed && !program.settings.boolean("no_spawn");
  }
  ~Impl() { m_connection.reset(); }  // before the one-shot agent, which ends when it is closed
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Result<Answer> call(const ApiCall& call, const HeadCallback& on_head, const local::BodyCallback& on_body) {
    m_lacked_credentials = false;
    m_purpose = is_read(call.method) ? OneShot::Purpose::reads : OneShot::Purpose::changes;
    Journey journey{call, on_head, on_body, call.headers, credential_host(m_program, call.origin)};
    base::Result<void> ready = prepare(journey);
    if (!ready) {
      return tl::unexpected(ready.error());
    }
    base::Result<Answer> answer = attempt(journey);
    if (answer && journey.token_unknown) {
      ready = settle_token(journey);
      answer = ready ? attempt(journey) : tl::unexpected(ready.error());
    }
    if (!answer && may_repeat(journey, answer.error())) {
      answer = repeat(journey);
    }
    if (!answer && !is_read(call.method) && m_sent) {
      return base::fail(answer.error().code, answer.error().message + "; the " + call.method + " may have happened");
    }
    return answer;
  }

  [[nodiscard]] bool lacked_credentials() const { return m_lacked_credentials; }

  base::Result<local::ClientResponse> control(std::string_view method, std::string_view target, std::string body) {
    base::Result<std::optional<Contact>> contact = contact_agent(m_program);
    if (!contact) {
      return tl::unexpected(contact.error());
    }
    if (!*contact) {
      return base::fail(base::ErrorCode::unavailable, "no agent runs");
    }
    if (const base::Result<void> alive = check_alive((*contact)->connection, (*contact)->record); !alive) {
      return tl::unexpected(alive.error());
    }
    return control_request((*contact)->connection, method, target, std::move(body));
  }

  base::Result<local::ClientResponse> control_or_start(std::string_view method, std::string_view target,
                                                       std::string body) {
    m_purpose = is_read(method) ? OneShot::Purpose::reads : OneShot::Purpose::changes;
    const base::Result<void> connected = connect();
    if (!connected) {
      return tl::unexpected(connected.error());
    }
    return control_request(*m_connection, method, target, std::move(body));
  }

 private:
  /// Host and credentials.
  base::Result<void> prepare(Journey& journey) {
    const ApiCall& call = journey.call;
    if (!journey.headers.contains("Host")) {
      journey.headers.set("Host", call.origin.authority());
    }
    if (!call.authorise || !journey.headers.get("Authorization").empty()) {
      return {};
    }
    journey.headers.remove("Authorization");
    const base::Result<Credentials> found = find_credentials(m_program, journey.gh_host, call.host_is_known);
    if (!found) {
      return tl::unexpected(found.error());
    }
    switch (found->kind) {
      case Credentials::Kind::token: authorise_with(journey, found->token, {}); return {};
      case Credentials::Kind::none: return go_anonymously(journey);
      case Credentials::Kind::from_gh: break;
    }
    if (call.body_fd >= 0) {
      return settle_token(journey);  // the body can be sent only once
    }
    journey.headers.set("Ghoard-Token", token_wish("kept", gh_config_mark(m_program.environment)));
    journey.token = TokenState::kept;
    return {};
  }

  base::Result<void> go_anonymously(Journey& journey) {
    journey.headers.remove("Ghoard-Token");
    journey.token = TokenState::settled;
    m_lacked_credentials = !is_read(journey.call.method);
    return m_lacked_credentials ? base::fail(base::ErrorCode::refused, "no credentials for " + journey.gh_host)
                                : base::Result<void>();
  }

  /// The agent keeps none, or there is no agent: gh is asked, which has the caller's session and its keyring.
  base::Result<void> settle_token(Journey& journey) {
    journey.token_unknown = false;
    // Before gh is asked: should its files change meanwhile, nobody asks for what is kept under the old mark.
    const std::string config = gh_config_mark(m_program.environment);
    if (const std::optional<std::string> token = ask_gh_for_token(m_program.environment, journey.gh_host)) {
      authorise_with(journey, *token, token_wish("keep", config));
      return {};
    }
    return go_anonymously(journey);
  }

  /// Once more, through a new agent. One that is being killed may still accept a connection while the kernel takes its
  /// descriptors away one by one; meeting the same one again does not count.
  base::Result<Answer> repeat(Journey& journey) {
    const int dead = m_agent.pid;
    const auto end = std::chrono::steady_clock::now() + dying_deadline;
    for (;;) {
      m_connection.reset();
      m_agent = {};
      base::Result<Answer> answer = attempt(journey);
      const bool met_again = dead != 0 && m_agent.pid == dead;
      if (answer || !met_again || !may_repeat(journey, answer.error()) || std::chrono::steady_clock::now() >= end) {
        return answer;
      }
      ::poll(nullptr, 0, 5);
    }
  }

  base::Result<Answer> attempt(Journey& journey) {
    m_sent = false;
    base::Result<bool> running = find_running();
    if (!running && !can_do_without()) {
      return tl::unexpected(running.error());
    }
    if (!running || !*running) {
      if (base::Result<std::optional<Answer>> answer = read_stored(journey); !answer || *answer) {
        return answer ? base::Result<Answer>(std::move(**answer)) : tl::unexpected(answer.error());
      }
      const base::Result<void> connected = start_or_one_shot();
      if (!connected) {
        return tl::unexpected(connected.error());
      }
    }
    return exchange(journey);
  }

  /// True: `m_connection` is an open one, to the agent of before or to one that runs now.
  base::Result<bool> find_running() {
    const bool suits = !m_one_shot || m_purpose == OneShot::Purpose::reads || m_one_shot_changes;
    if (m_connection && m_connection->is_reusable() && suits) {
      return true;
    }
    m_connection.reset();
    m_one_shot.reset();  // ends now that its connection is closed; the next may need its lock
    base::Result<std::optional<Contact>> contact = contact_compatible_agent(m_program);
    if (!contact) {
      return tl::unexpected(contact.error());
    }
    return *contact ? take(std::move(**contact)) : false;
  }

  /// True when the agent's record is what cannot be read (another user's file, mostly): whether an agent runs is
  /// unknown then, and none can be started beside it, but a request can still be answered.
  bool can_do_without() {
    const base::Result<std::optional<local::AgentRecord>> record = read_record(m_program);
    if (record) {
      return false;
    }
    if (!m_does_without) {
      print_error(m_program, record.error().message + "; doing without an agent, and nothing is kept",
                  "run `ghoard doctor`, or choose a directory of your own with GHOARD_HOME");
    }
    m_does_without = true;
    m_may_spawn = false;
    return true;
  }

  base::Result<bool> take(Contact contact) {
    // Anew for every agent: the one of before may have been replaced by one with other settings.
    if (m_checked != contact.record) {
      const base::Result<void> same = check_settings(m_program, contact.record);
      if (!same) {
        return tl::unexpected(same.error());
      }
      m_checked = contact.record;
    }
    m_connection.emplace(std::move(contact.connection));
    m_agent = std::move(contact.record);
    return true;
  }

  base::Result<void> connect() {
    const base::Result<bool> running = find_running();
    if (!running) {
      return tl::unexpected(running.error());
    }
    if (!*running) {
      return start_or_one_shot();
    }
    // A one-shot agent may still be opening the database.
    return m_one_shot ? base::Result<void>() : check_alive(*m_connection, m_agent);
  }

  base::Result<void> start_or_one_shot() {
    std::optional<base::Error> why_not;
    if (m_may_spawn) {
      const base::Result<std::string> socket = start_agent(m_program);
      base::Result<bool> running = socket ? find_running() : tl::unexpected(socket.error());
      if (running && *running) {
        return {};
      }
      if (!running && running.error().code == base::ErrorCode::refused) {
        return tl::unexpected(running.error());  // somebody else's agent, with other settings, was quicker
      }
      why_not = running ? base::Error{base::ErrorCode::unavailable, "the agent ended at once"} : running.error();
    }
    base::Result<OneShot> one_shot = OneShot::start(m_program, m_purpose);
    if (!one_shot) {
      return tl::unexpected(why_not.value_or(one_shot.error()));
    }
    if (why_not) {
      print_error(m_program, "no agent could be started, doing without: " + why_not->message,
                  "run `ghoard doctor` to see what is wrong");
    }
    m_may_spawn = false;
    m_one_shot.emplace(std::move(*one_shot));
    m_one_shot_changes = m_purpose == OneShot::Purpose::changes;
    m_connection.emplace(m_one_shot->take_connection());
    return {};
  }

  /// Without an agent: a fresh entry, straight from the database.
  base::Result<std::optional<Answer>> read_stored(Journey& journey) {
    const bool allowed = may_read_directly(m_program, m_may_spawn);
    const ApiCall& call = journey.call;
    if (!allowed || !is_read(call.method) || !call.body.empty() || call.body_fd >= 0) {
      return std::nullopt;
    }
    if (journey.token == TokenState::kept) {
      const base::Result<void> settled = settle_token(journey);
      if (!settled) {
        return tl::unexpected(settled.error());
      }
    }
    http::Headers headers = journey.headers;
    headers.remove("Ghoard-Token");
    std::optional<cache::Reply> reply = read_directly(m_program, call.method, call.target, headers);
    if (!reply) {
      return std::nullopt;
    }
    Answer answer{reply->status, std::string(reason_of(reply->status)), std::move(reply->headers)};
    journey.on_head(answer);
    if (reply->body && !reply->body->empty()) {
      journey.on_body(*reply->body);
    }
    return std::optional(std::move(answer));
  }

  base::Result<Answer> exchange(Journey& journey) {
    const ApiCall& call = journey.call;
    local::ClientRequest request;
    request.method = call.method;
    request.target = call.target;
    request.headers = journey.headers;
    request.body = call.body;
    request.body_fd = call.body_fd;
    request.content_length = call.content_length;
    Answer answer;
    const base::Result<local::ClientResponse> response = m_connection->exchange_streaming(
        request, answer_deadline,
        [&](const local::ClientResponse& head) {
          // The agent's own word, not GitHub's: nobody but us sees it.
          journey.token_unknown =
              journey.token == TokenState::kept && head.status == 401 && head.headers.get("Ghoard-Token") == "unknown";
          answer = Answer{head.status, head.reason, head.headers};
          if (!journey.token_unknown) {
            journey.head_arrived = true;
            journey.on_head(answer);
          }
          return true;
        },
        [&](std::string_view bytes) { return journey.token_unknown || journey.on_body(bytes); });
    m_sent = m_connection->sent_anything();
    if (!response && response.error().code == base::ErrorCode::timeout && !m_one_shot && !journey.head_arrived) {
      return tl::unexpected(not_answering(m_agent));
    }
    return response ? base::Result<Answer>(std::move(answer)) : tl::unexpected(response.error());
  }

  /// Only where the agent was lost and nothing can be done twice.
  [[nodiscard]] bool may_repeat(const Journey& journey, const base::Error& error) const {
    const bool lost = error.code == base::ErrorCode::unavailable || error.code == base::ErrorCode::truncated;
    const bool harmless = !m_sent || (is_read(journey.call.method) && journey.call.body_fd < 0);
    return m_connection && lost && !journey.head_arrived && harmless;
  }

  const Program& m_program;
  bool m_may_spawn;
  bool m_does_without = false;
  std::optional<local::AgentRecord> m_checked;  ///< whose settings were found to be ours
  bool m_lacked_credentials = false;
  bool m_sent = false;
  local::AgentRecord m_agent;                            ///< at the other end of `m_connection`, unless `m_one_shot` is
  OneShot::Purpose m_purpose = OneShot::Purpose::reads;  ///< of the call under way
  bool m_one_shot_changes = false;                       ///< the one-shot agent was started for changes
  std::optional<OneShot> m_one_shot;
  std::optional<local::Connection> m_connection;
};

Link::Link(const Program& program, Spawn spawn) : m_impl(std::make_unique<Impl>(program, spawn)) {}
Link::~Link() = default;

base::Result<Answer> Link::call(const ApiCall& call, const HeadCallback& on_head, const local::BodyCallback& on_body) {
  return m_impl->call(call, on_head, on_body);
}
bool Link::lacked_credentials() const {
  return m_impl->lacked_credentials();
}
base::Result<local::ClientResponse> Link::control(std::string_view method, std::string_view target, std::string body) {
  return m_impl->control(method, target, std::move(body));
}
base::Result<local::ClientResponse> Link::control_or_start(std::string_view method, std::string_view target,
                                                           std::string body) {
  return m_impl->control_or_start(method, target, std::move(body));
}

}  // namespace ghoard::link
