#include "core/cache/judge.hpp"
#include "core/cache/reply.hpp"
#include "core/cache/store.hpp"
#include "core/cache/upstream.hpp"
