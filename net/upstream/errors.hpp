#pragma once

#include <curl/curl.h>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/http/message.hpp"

namespace ghoard::upstream {

/// How far an exchange had come when libcurl gave up.
struct Situation {
  http::Origin origin;
  bool write = false;      ///< neither GET nor HEAD: it is not known whether the server carried it out
  bool sent = false;       ///< bytes of the request may have left
  bool head_seen = false;  ///< the response head is complete
  base::Millis connect_deadline{0};
  long os_error = 0;        ///< errno of a failed connect, or 0
  std::string_view detail;  ///< libcurl's own words
};

/// The failure in the words of style: one lower-case line naming the origin, never a header or a path.
[[nodiscard]] base::Error describe(CURLcode code, const Situation& situation);

/// "10 s", or "1.5 s".
[[nodiscard]] std::string seconds_text(base::Millis duration);

}  // namespace ghoard::upstream
