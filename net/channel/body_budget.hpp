#pragma once

#include "core/base/budget.hpp"

namespace ghoard::channel {

/// What the bodies being gathered by all channels share: 64 MiB for the overlay. Outlives the channels. One thread.
struct BodyBudget {
  explicit BodyBudget(std::uint64_t limit) : gathered(limit), ahead(limit) {}

  /// Memory. What does not fit is cancelled.
  base::Budget gathered;
  /// Address space set aside ahead of the bytes, which nothing has touched, so that a body need not be copied as it
  /// grows.
  base::Budget ahead;
};

}  // namespace ghoard::channel
