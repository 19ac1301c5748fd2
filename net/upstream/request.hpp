#pragma once

#include <curl/curl.h>
#include <memory>

#include "core/base/result.hpp"
#include "core/cache/upstream.hpp"
#include "net/upstream/curl_upstream.hpp"

namespace ghoard::upstream {

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistDeleter>;

/// Everything of a request that could smuggle, inject or leak is refused here: line ends in fields, a method or a field
/// name that is no token, a target that is not origin-form, plain http to anything but this machine.
[[nodiscard]] base::Result<void> check_request(const cache::UpstreamRequest& request);

/// GET or HEAD (RFC 9110 section 9.2.1 calls more methods safe; nothing here needs them).
[[nodiscard]] bool is_read(const cache::UpstreamRequest& request);
/// A read that is the same when sent again.
[[nodiscard]] bool is_repeatable(const cache::UpstreamRequest& request);

/// Sets everything about the request on a fresh or reset `easy`, but for callbacks. The returned list and `request`
/// must outlive the transfer.
[[nodiscard]] base::Result<Slist> configure(CURL* easy, const cache::UpstreamRequest& request, const Options& options);

/// Bodies up to this size are handed to libcurl whole and leave in one segment with the head.
inline constexpr std::size_t k_small_body = 64 * 1024;
/// The body is fetched through the read callback.
[[nodiscard]] bool is_streamed(const cache::UpstreamRequest& request);

}  // namespace ghoard::upstream
