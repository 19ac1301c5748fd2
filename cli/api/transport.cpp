#include "cli/api/transport.hpp"

#include "cli/api/endpoint.hpp"

namespace ghoard::api {

namespace {

constexpr int max_redirects = 10;

enum class Redirect { none, as_get, repeat };

// RFC 9110 section 15.4 as Go's client reads it.
Redirect redirect_of(int status) {
  switch (status) {
    case 301:
    case 302:
    case 303: return Redirect::as_get;
    case 307:
    case 308: return Redirect::repeat;
    default: return Redirect::none;
  }
}

void become_get(link::ApiCall& call) {
  if (call.method != "GET" && call.method != "HEAD") {
    call.method = "GET";
  }
  call.body.clear();
  call.body_fd = -1;
  call.content_length.reset();
}

}  // namespace

base::Result<std::optional<link::ApiCall>> redirected(const link::ApiCall& call, const link::Answer& answer,
                                                      std::string_view api_url) {
  const Redirect redirect = redirect_of(answer.status);
  const std::string_view location = answer.headers.get("Location");
  if (redirect == Redirect::none || location.empty() || (redirect == Redirect::repeat && call.body_fd >= 0)) {
    return std::nullopt;
  }
  const base::Result<http::Url> resolved = http::resolve({call.origin, call.target}, location);
  if (!resolved) {
    return tl::unexpected(resolved.error().with_context("redirected to a malformed URL"));
  }
  const http::Url url = as_named_by_callers(*resolved, api_url);
  link::ApiCall next = call;
  if (redirect == Redirect::as_get) {
    become_get(next);
  }
  if (url.origin != call.origin) {
    next.authorise = false;
    next.host_is_known = false;
    next.headers.remove("Authorization");
    next.headers.remove("Cookie");
  }
  next.origin = url.origin;
  next.target = url.target;
  return next;
}

base::Result<FinalAnswer> follow(Carrier& carrier, link::ApiCall call, std::string_view api_url,
                                 const std::function<void(const link::ApiCall&)>& on_send,
                                 const link::HeadCallback& on_head, const local::BodyCallback& on_body) {
  for (int redirects = 0; redirects <= max_redirects; ++redirects) {
    base::Result<std::optional<link::ApiCall>> next = std::nullopt;
    on_send(call);
    base::Result<link::Answer> answer = carrier.call(
        call,
        [&](const link::Answer& head) {
          next = redirected(call, head, api_url);
          if (next && !*next) {
            on_head(head);
          }
        },
        [&](std::string_view piece) { return !next || next->has_value() || on_body(piece); });
    if (!answer) {
      return tl::unexpected(answer.error());
    }
    if (!next) {
      return tl::unexpected(next.error());
    }
    if (!next->has_value()) {
      return FinalAnswer{std::move(*answer), {call.origin, call.target}};
    }
    call = *std::move(*next);
  }
  return base::fail(base::ErrorCode::refused, "stopped after 10 redirects");
}

}  // namespace ghoard::api
