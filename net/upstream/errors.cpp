#include "net/upstream/errors.hpp"

#include <algorithm>
#include <system_error>

namespace ghoard::upstream {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_max_detail = 200;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// libcurl's words, made safe for one line: the start in lower case, no control characters, no full stop, capped.
std::string detail_text(std::string_view detail) {
  for (const std::string_view prefix : {"SSL certificate problem: ", "SSL: "}) {
    if (detail.starts_with(prefix)) {
      detail.remove_prefix(prefix.size());
    }
  }
  std::string text(detail.substr(0, k_max_detail));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c == 0x7F; }, ' ');
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) {
    text.pop_back();
  }
  if (text.size() > 1 && lower(text[1]) == text[1]) {
    text[0] = lower(text[0]);
  }
  return text;
}

std::string with_detail(std::string text, std::string_view detail) {
  const std::string more = detail_text(detail);
  return more.empty() ? text : text + ": " + more;
}

std::string os_text(long os_error) {
  std::string text = std::generic_category().message(static_cast<int>(os_error));
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

Error cannot_connect(const Situation& situation, const std::string& why) {
  return {ErrorCode::unavailable, "cannot connect to " + situation.origin.url() + ": " + why};
}

Error lost(const Situation& situation) {
  const std::string name = situation.origin.url();
  if (situation.head_seen) {
    return {ErrorCode::truncated, name + " broke off in the middle of an answer"};
  }
  if (!situation.sent) {
    return cannot_connect(situation, detail_text(situation.detail));
  }
  std::string text = name + " closed the connection before answering";
  if (situation.write) {
    text += "; the request may have been carried out";
  }
  return {ErrorCode::unavailable, std::move(text)};
}

Error malformed(const Situation& situation) {
  if (situation.head_seen) {
    return lost(situation);
  }
  return {ErrorCode::invalid_input, situation.origin.url() + " sent an answer that is not HTTP"};
}

Error tls_failed(const Situation& situation) {
  if (situation.sent) {
    return lost(situation);
  }
  return {ErrorCode::unavailable,
          with_detail("TLS handshake with " + situation.origin.url() + " failed", situation.detail)};
}

Error connect_failed(const Situation& situation) {
  // libcurl's own repeat of a write is refused before it can connect (Transfer::open_socket).
  if (situation.write && situation.sent) {
    return lost(situation);
  }
  return cannot_connect(situation,
                        situation.os_error != 0 ? os_text(situation.os_error) : detail_text(situation.detail));
}

}  // namespace

std::string seconds_text(base::Millis duration) {
  const auto whole = duration.count() / 1000;
  const auto tenths = duration.count() % 1000 / 100;
  return std::to_string(whole) + (tenths != 0 ? "." + std::to_string(tenths) : "") + " s";
}

Error describe(CURLcode code, const Situation& situation) {
  // Not an enum of ours: libcurl's list is open, so this switch has a default.
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return cannot_connect(situation, "cannot resolve its host name; check the network and DNS");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return cannot_connect(situation, "cannot resolve the proxy's host name; check HTTPS_PROXY and NO_PROXY");
    case CURLE_PROXY: return cannot_connect(situation, "the proxy refused; check HTTPS_PROXY and NO_PROXY");
    case CURLE_COULDNT_CONNECT: return connect_failed(situation);
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::timeout,
              situation.origin.url() + " accepted no connection within " + seconds_text(situation.connect_deadline)};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ErrorCode::unavailable,
              with_detail("TLS certificate of " + situation.origin.url() + " not trusted", situation.detail)};
    case CURLE_SSL_CACERT_BADFILE: return cannot_connect(situation, "the file of trusted certificates cannot be read");
    case CURLE_SSL_CONNECT_ERROR: return tls_failed(situation);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_ABORTED_BY_CALLBACK: return lost(situation);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return malformed(situation);
    case CURLE_OUT_OF_MEMORY: return {ErrorCode::system, "out of memory while talking to " + situation.origin.url()};
    default:
      if (situation.head_seen) {
        return lost(situation);
      }
      return {ErrorCode::unavailable,
              "request to " + situation.origin.url() + " failed: " + detail_text(curl_easy_strerror(code))};
  }
}

}  // namespace ghoard::upstream
