#include "net/upstream/curl_upstream.hpp"
