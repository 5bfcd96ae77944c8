// Inputs for tests and benchmarks: the same in every run and on every machine.

#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace ta::test {

// "collector-0" to "collector-<count - 1>", named like a StatefulSet's pods.
inline std::vector<std::string> Collectors(int count) {
  std::vector<std::string> names;
  names.reserve(count);
  for (int i = 0; i < count; ++i) {
    names.push_back("collector-" + std::to_string(i));
  }
  return names;
}

// Evenly random keys. The engine's output is fixed by the C++ standard.
inline std::vector<std::uint64_t> Keys(int count, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> keys(count);
  for (auto& key : keys) key = random();
  return keys;
}

}  // namespace ta::test
