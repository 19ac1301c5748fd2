#pragma once

#include "core/base/budget.hpp"

namespace ghoard::cache {

/// What all exchanges share.
struct Budgets {
  base::Budget bytes;      ///< of bodies being gathered or handed on; what does not fit is streamed through uncached
  base::Budget exchanges;  ///< flights and relays under way, whether or not anybody still waits for them
};

}  // namespace ghoard::cache
