#pragma once

#include <functional>

#include "cli/link/link.hpp"
#include "core/http/uri.hpp"

namespace ghoard::api {

/// What carries one request: a Link, or a test's script.
class Carrier {
 public:
  virtual ~Carrier() = default;
  virtual base::Result<link::Answer> call(const link::ApiCall& call, const link::HeadCallback& on_head,
                                          const local::BodyCallback& on_body) = 0;
};

/// The answer at the end of the redirects, and where it came from.
struct FinalAnswer {
  link::Answer answer;
  http::Url url;
};

/// Sends a request and follows at most ten redirects as gh does: 301, 302 and 303 turn any method but GET and HEAD into
/// GET without a body; 307 and 308 repeat it, unless its body was a stream, which cannot be repeated. Credentials never
/// go to another origin. The callbacks see the last answer only. `api_url` is the configured upstream's base.
base::Result<FinalAnswer> follow(Carrier& carrier, link::ApiCall call, std::string_view api_url,
                                 const std::function<void(const link::ApiCall&)>& on_send,
                                 const link::HeadCallback& on_head, const local::BodyCallback& on_body);

/// The request that a redirect asks for; nothing if the answer is to be taken as it is.
[[nodiscard]] base::Result<std::optional<link::ApiCall>> redirected(const link::ApiCall& call,
                                                                    const link::Answer& answer,
                                                                    std::string_view api_url);

}  // namespace ghoard::api
