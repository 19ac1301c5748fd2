// Fills a cache directory with answers for one token, as an agent would have left them.
//
//   cache_filler DIRECTORY ENTRIES HOST TOKEN
//
// Bodies are 1 to 2 KiB and all different.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/github/canonical.hpp"
#include "store/sqlite_store.hpp"

namespace {

using namespace ghoard;

cache::Resource resource_of(const std::string& host, int number) {
  return {host, "/repos/acme/widgets/commits/" + std::to_string(number), "", std::string(github::default_accept),
          std::string(github::default_api_version)};
}

std::string body_of(int number) {
  const std::string sentence = "Commit " + std::to_string(number) + " of many, each with a text of its own. ";
  std::string text;
  while (text.size() < 1024U + static_cast<unsigned>(number * 37 % 1024)) {
    text += sentence;
  }
  return R"({"number":)" + std::to_string(number) + R"(,"message":")" + text + R"("})";
}

cache::Entry entry_of(int number, const cache::Fingerprint& fingerprint, base::WallTime now) {
  cache::Entry entry;
  cache::Response& response = entry.response;
  response.headers = {{"Content-Type", "application/json; charset=utf-8"},
                      {"X-GitHub-Media-Type", "github.v3; format=json"},
                      {"X-GitHub-Api-Version-Selected", "2022-11-28"}};
  response.body = std::make_shared<const std::string>(body_of(number));
  response.etag_class = github::EtagClass::derivable;
  response.vary = "Accept, Authorization, Cookie, Accept-Encoding";
  response.fetched_at = now;
  response.lifetime = base::Seconds(86400);
  response.shareable = true;
  entry.grant = {fingerprint, now, "W/\"" + base::sha256(*response.body).hex() + "\""};
  return entry;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: cache_filler DIRECTORY ENTRIES HOST TOKEN\n");
    return 1;
  }
  const int entries = std::atoi(argv[2]);
  const cache::Fingerprint fingerprint = github::canonical_credential(std::string("token ") + argv[4]).fingerprint;
  const base::WallTime now = std::chrono::floor<base::Millis>(std::chrono::system_clock::now());
  const std::unique_ptr<store::SqliteStore> store = store::SqliteStore::open(argv[1], {});
  if (!store->degraded().empty()) {
    std::fprintf(stderr, "cache_filler: %s\n", store->degraded().c_str());
    return 1;
  }
  for (int number = 0; number < entries; ++number) {
    const cache::Resource resource = resource_of(argv[3], number);
    const base::Result<cache::ResponseId> stored =
        store->put(resource, github::key_of(resource), entry_of(number, fingerprint, now));
    if (!stored) {
      std::fprintf(stderr, "cache_filler: %s\n", stored.error().message.c_str());
      return 1;
    }
  }
  const cache::StoreSize size = store->size();
  std::printf("%llu\t%llu\n", static_cast<unsigned long long>(size.entries),
              static_cast<unsigned long long>(size.bytes));
  return 0;
}
