#include "cli/link/direct_read.hpp"

#include <chrono>

#include "cli/link/link.hpp"
#include "cli/link/probe.hpp"
#include "core/cache/answer.hpp"
#include "core/cache/judge.hpp"
#include "core/github/canonical.hpp"
#include "store/sqlite_store.hpp"

namespace ghoard::link {

namespace {

base::WallTime now() {
  return std::chrono::floor<base::Millis>(std::chrono::system_clock::now());
}

bool may_be_read(const github::CanonicalRequest& request) {
  return request.is_read() && request.bypass == github::Bypass::none && !request.directives.no_cache &&
         !request.directives.no_store;
}

}  // namespace

bool is_overlay_off(const settings::Settings& settings) {
  if (!settings.boolean("enable_p2p")) {
    return true;
  }
  for (const char* key : {"bootstrap_peers", "listen_port", "listen_addr", "github_repo", "network_key"}) {
    if (settings.is_explicit(key)) {
      return false;
    }
  }
  return true;
}

bool may_read_directly(const Program& program, bool may_spawn) {
  const bool off = is_overlay_off(program.settings);
  if (may_spawn && !off) {
    return false;
  }
  const base::Result<std::optional<local::AgentRecord>> record = read_record(program);
  // Another user's record: nobody here takes part in whatever its agent does.
  return record && *record ? !(*record)->overlay : off || !record;
}

std::optional<cache::Reply> read_directly(const Program& program, std::string_view method, std::string_view target,
                                          const http::Headers& headers) {
  const base::Result<github::CanonicalRequest> request =
      github::canonicalise(method, target, headers, settings::origin_map(program.settings));
  if (!request || !may_be_read(*request)) {
    return std::nullopt;
  }
  base::Result<store::Reader> reader = store::Reader::open(program.paths.cache);
  if (!reader) {
    return std::nullopt;
  }
  const base::Result<std::optional<cache::Entry>> entry = reader->find(request->key, request->credential.fingerprint);
  if (!entry || !*entry || (*entry)->grant.unverified) {
    return std::nullopt;
  }
  const cache::Judgement judgement = cache::judge(**entry, request->directives, now());
  switch (judgement.verdict) {
    case cache::Verdict::fresh:
    case cache::Verdict::stale:
      return cache::answer_from(**entry, judgement, headers, request->method == "HEAD", "direct");
    case cache::Verdict::revalidate: return std::nullopt;
  }
  return std::nullopt;
}

std::vector<cache::Listing> list_stored(const Program& program, const cache::Selection& selection, std::size_t limit) {
  base::Result<store::Reader> reader = store::Reader::open(program.paths.cache);
  if (!reader) {
    return {};
  }
  return reader->list(selection, limit).value_or(std::vector<cache::Listing>{});
}

cache::StoreSize stored_size(const Program& program) {
  base::Result<store::Reader> reader = store::Reader::open(program.paths.cache);
  return reader ? reader->size().value_or(cache::StoreSize{}) : cache::StoreSize{};
}

}  // namespace ghoard::link
