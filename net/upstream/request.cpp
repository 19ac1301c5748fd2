#include "net/upstream/request.hpp"

#include <algorithm>
#include <array>

#include "net/upstream/headers.hpp"

namespace ghoard::upstream {

namespace {

using base::ErrorCode;

bool is_host_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

bool is_host(std::string_view host) {
  if (host.size() > 255) {
    return false;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return !host.empty() && host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), is_host_char);
}

bool is_target(std::string_view target) {
  return target.starts_with('/') &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

bool is_field_value(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

base::Result<void> check_origin(const http::Origin& origin) {
  if ((origin.scheme != "https" && origin.scheme != "http") || !is_host(origin.host) || origin.port == 0) {
    return base::fail(ErrorCode::invalid_input, "malformed upstream address");
  }
  if (origin.scheme == "http" && !http::is_loopback_host(origin.host)) {
    return base::fail(ErrorCode::refused,
                      "plain http to " + origin.authority() + " refused: only https is accepted beyond this machine");
  }
  return {};
}

/// Fields that belong to this hop: libcurl writes them itself, or nobody does.
bool is_ours(std::string_view name) {
  static constexpr std::array<std::string_view, 4> k_names{"host", "content-length", "accept-encoding", "expect"};
  return is_connection_field(name) ||
         std::any_of(k_names.begin(), k_names.end(), [&](std::string_view own) { return http::iequals(own, name); });
}

bool append(Slist& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) {
    return false;
  }
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

base::Result<Slist> field_list(const cache::UpstreamRequest& request, const Options& options) {
  Slist list;
  bool complete = true;
  for (const http::Header& field : request.headers) {
    if (!is_ours(field.name)) {
      // libcurl's form for a field without a value is "Name;".
      const std::string_view value = http::trim(field.value);
      complete = complete && append(list, value.empty() ? field.name + ";" : field.name + ": " + std::string(value));
    }
  }
  // "Name:" takes back what libcurl would add by itself.
  for (const char* name : {"Accept", "Content-Type"}) {
    if (!request.headers.contains(name)) {
      complete = complete && append(list, std::string(name) + ":");
    }
  }
  complete = complete && append(list, "Expect:");
  if (!options.user_agent.empty() && !request.headers.contains("User-Agent")) {
    complete = complete && append(list, "User-Agent: " + options.user_agent);
  }
  // A range counts bytes of the encoded form (RFC 9110 section 14), which could not be decoded.
  if (!request.headers.contains("Range")) {
    complete = complete && append(list, "Accept-Encoding: gzip");
  }
  if (!complete) {
    return base::fail(ErrorCode::system, "out of memory");
  }
  return list;
}

void set_connection(CURL* easy, const http::Origin& origin, const Options& options) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, origin.scheme.c_str());
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_deadline.count()));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L * 1024);
  // Own fields are for the server, never for a proxy.
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (http::is_loopback_host(origin.host)) {
    // This machine is not reached through another one; plain http would show the token to it.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
  if (origin.scheme == "https") {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    // A burst waits for the first handshake and then shares its connection, instead of shaking sixteen hands.
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  }
}

/// POST, PUT and PATCH say that their body is empty; other methods without a body say nothing (RFC 9110 section 8.6).
bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void set_body(CURL* easy, const cache::UpstreamRequest& request) {
  if (is_streamed(request)) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    const std::optional<std::uint64_t> length =
        request.stream ? request.content_length : std::optional<std::uint64_t>(request.body.size());
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, length ? static_cast<curl_off_t>(*length) : curl_off_t{-1});
  } else if (!request.body.empty() || expects_body(request.method)) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  } else if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

bool is_read(const cache::UpstreamRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

bool is_repeatable(const cache::UpstreamRequest& request) {
  return is_read(request) && !request.stream && request.body.empty();
}

bool is_streamed(const cache::UpstreamRequest& request) {
  return request.stream != nullptr || request.body.size() > k_small_body;
}

base::Result<void> check_request(const cache::UpstreamRequest& request) {
  if (base::Result<void> origin = check_origin(request.origin); !origin) {
    return origin;
  }
  const std::string name = "request to " + request.origin.url();
  if (!is_token(request.method) || request.method.size() > 64) {
    return base::fail(ErrorCode::invalid_input, name + ": malformed method");
  }
  if (!is_target(request.target)) {
    return base::fail(ErrorCode::invalid_input, name + ": malformed target");
  }
  for (const http::Header& field : request.headers) {
    if (!is_token(field.name)) {
      return base::fail(ErrorCode::invalid_input, name + ": malformed header name");
    }
    if (!is_field_value(field.value)) {
      return base::fail(ErrorCode::invalid_input, name + ": line end or NUL in header " + field.name);
    }
  }
  if (request.method == "HEAD" && (request.stream || !request.body.empty())) {
    return base::fail(ErrorCode::invalid_input, name + ": HEAD with a body");
  }
  return {};
}

base::Result<Slist> configure(CURL* easy, const cache::UpstreamRequest& request, const Options& options) {
  base::Result<Slist> fields = field_list(request, options);
  if (!fields) {
    return fields;
  }
  set_connection(easy, request.origin, options);
  set_body(easy, request);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields->get());
  // The target goes out byte for byte; the URL serves to find the connection.
  curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, request.target.c_str());
  const CURLcode set = curl_easy_setopt(easy, CURLOPT_URL, (request.origin.url() + "/").c_str());
  if (set != CURLE_OK) {
    return base::fail(ErrorCode::system, "out of memory");
  }
  return fields;
}

}  // namespace ghoard::upstream
