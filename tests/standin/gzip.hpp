#pragma once

#include "core/http/message.hpp"

namespace ghoard::standin {

/// RFC 1952, with Beast's own deflate.
[[nodiscard]] http::Body gzip(const http::Body& plain);

}  // namespace ghoard::standin
