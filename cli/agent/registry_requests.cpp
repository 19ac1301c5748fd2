#include "cli/agent/registry_requests.hpp"

#include <optional>
#include <utility>

namespace ghoard::agent {

namespace {

/// A page of a hundred comments, each as long as GitHub allows, has 6.5 MB where they are ASCII.
constexpr std::size_t longest_answer = std::size_t{16} << 20U;

/// Gathers one answer and gives it away once, whole; an answer that breaks off, grows too long or never comes has no
/// status.
class OwnSink final : public cache::ReplySink {
 public:
  explicit OwnSink(std::function<void(mesh::RegistryAnswer)> done) : m_done(std::move(done)) {}
  OwnSink(const OwnSink&) = delete;
  OwnSink& operator=(const OwnSink&) = delete;
  ~OwnSink() override { give({}); }

  void send(cache::Reply reply) override {
    const bool fits = reply.body == nullptr || reply.body->size() <= longest_answer;
    give(fits ? mesh::RegistryAnswer{reply.status, std::move(reply.headers), std::move(reply.body)}
              : mesh::RegistryAnswer{});
  }
  void begin(int status, http::Headers headers, std::function<void()>, std::function<void()>) override {
    m_status = status;
    m_headers = std::move(headers);
  }
  bool write(std::string_view bytes) override {
    if (m_bytes.size() + bytes.size() > longest_answer) {
      give({});
    }
    if (m_done) {
      m_bytes.append(bytes);
    }
    return true;
  }
  void end(std::optional<base::Error> failure) override {
    give(failure ? mesh::RegistryAnswer{}
                 : mesh::RegistryAnswer{m_status, std::move(m_headers),
                                        std::make_shared<const std::string>(std::move(m_bytes))});
  }
  [[nodiscard]] bool gone() const override { return !m_done; }
  [[nodiscard]] bool is_own() const override { return true; }

 private:
  void give(mesh::RegistryAnswer answer) {
    if (const auto done = std::exchange(m_done, nullptr)) {
      m_bytes.clear();
      done(std::move(answer));
    }
  }

  std::function<void(mesh::RegistryAnswer)> m_done;
  int m_status = 0;
  http::Headers m_headers;
  std::string m_bytes;
};

}  // namespace

RegistryRequests::RegistryRequests(cache::RequestHandler& engine, base::SecretBytes token, Later later)
    : m_engine(engine), m_token(std::move(token)), m_later(std::move(later)) {}

RegistryRequests::~RegistryRequests() = default;

void RegistryRequests::ask(std::string method, std::string target, std::string body, Done done) {
  cache::IncomingRequest request;
  const bool is_read = method == "GET";
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = {{"Host", "api.github.com"},
                     {"Accept", "application/vnd.github+json"},
                     {"Authorization", "token " + std::string(m_token.view())}};
  if (is_read) {
    request.headers.add("Cache-Control", "no-cache");  // what is stored is only good for a condition
  } else {
    request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    request.content_length = request.body.size();
  }
  ++*m_under_way;
  const auto finish = [weak = std::weak_ptr(m_under_way), done = std::move(done)](const mesh::RegistryAnswer& answer) {
    if (const auto under_way = weak.lock()) {
      --*under_way;
      done(answer);
    }
  };
  m_engine.handle(std::move(request), std::make_shared<OwnSink>([later = m_later, finish](mesh::RegistryAnswer answer) {
                    later([finish, answer = std::move(answer)] { finish(answer); });
                  }));
}

}  // namespace ghoard::agent
