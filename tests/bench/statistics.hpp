#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

namespace ghoard::bench {

/// Smallest, quartiles and median of a row of measurements.
struct Summary {
  double least = 0;
  double lower = 0;
  double median = 0;
  double upper = 0;
};

inline Summary summarise(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  const auto at = [&](std::size_t quarter) { return values[(values.size() - 1) * quarter / 4]; };
  return {values.front(), at(1), at(2), at(3)};
}

/// One line for tests/bench/run: name, median, quartiles, least; all in microseconds, separated by tabs.
inline void print_summary(const char* name, const std::vector<double>& values) {
  const Summary summary = summarise(values);
  std::printf("%s\t%.1f\t%.1f\t%.1f\t%.1f\n", name, summary.median, summary.lower, summary.upper, summary.least);
}

}  // namespace ghoard::bench
