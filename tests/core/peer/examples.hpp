#pragma once

#include <cstdint>
#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "core/peer/identity.hpp"

namespace ghoard::testing {

inline nlohmann::json read_cases(const std::string& name) {
  nlohmann::json document = nlohmann::json::parse(std::ifstream(GHOARD_SOURCE_DIR "/tests/data/" + name));
  REQUIRE(document.is_object());
  return document;
}

/// The id of the identity whose seed has 32 such bytes.
inline peer::PeerId id_of_seed(std::uint8_t byte) {
  std::array<std::uint8_t, peer::Identity::seed_size> seed{};
  seed.fill(byte);
  return peer::Identity::create(seed)->id();
}

/// Numbers below `bound`, the same on every machine: std's distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : m_generator(seed) {}
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(m_generator() % bound); }

 private:
  std::mt19937_64 m_generator;
};

}  // namespace ghoard::testing
