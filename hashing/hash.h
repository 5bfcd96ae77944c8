// How everything that decides an assignment is written as bytes and hashed.
// The result is the same in every process, on every platform and in every later
// version, so that replicas agree without talking and an upgrade moves nothing.
//
// The hash is XXH3 (xxHash 0.8 fixed its output for good), 64 or 128 bits, with
// one of the seeds below. What is hashed is a string of fields:
//
//   integer   8 bytes, least significant first
//   string    its length in bytes as an integer, then the bytes
//   list      its fields in order (write the count first if lists can follow
//             each other)
//
// A length before every string makes it unambiguous: ("ab", "c") and ("a",
// "bc") differ. The golden vectors in test/testdata/hashing lock all of it.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ta {

// The version of everything that decides who owns what: this file, ring.h,
// capacity.h and bounded_matching.h. Two replicas of one version agree. A
// change that alters any assignment needs a new number and new golden vectors.
inline constexpr int kAlgorithmVersion = 1;

// One seed a purpose, so that a collector named like a target's key has nothing
// to do with it. Each reads as eight letters, most significant first.
inline constexpr std::uint64_t kKeySeed = 0x74612d6b65797331;   // "ta-keys1"
inline constexpr std::uint64_t kRingSeed = 0x74612d72696e6731;  // "ta-ring1"
inline constexpr std::uint64_t kSeatSeed = 0x74612d7365617431;  // "ta-seat1"

// 128 bits that name one thing among all, and its place in a strict order:
// compared as one number, high before low.
struct ItemId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const ItemId&) const = default;
};

// XXH3 of bytes as they are, nothing added.
std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed = kKeySeed);
ItemId Hash128(std::string_view bytes, std::uint64_t seed = kKeySeed);

// Collects fields and hashes them at once. One Hasher is meant to serve many
// values: Clear keeps the buffer, so that hashing ten labels costs ten small
// copies and one call of XXH3, and no allocation. Confined to one thread.
class Hasher {
 public:
  explicit Hasher(std::uint64_t seed = kKeySeed) : seed_(seed) {}

  // Forgets the fields, keeps the seed and the memory.
  void Clear() { bytes_.clear(); }

  Hasher& Append(std::uint64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    bytes_.append(bytes, sizeof bytes);
    return *this;
  }
  Hasher& Append(std::string_view value) {
    Append(std::uint64_t{value.size()});
    bytes_.append(value);
    return *this;
  }
  // Without these a literal or a small number would pick an overload by itself.
  Hasher& Append(const char* value) { return Append(std::string_view(value)); }
  Hasher& Append(const std::string& value) {
    return Append(std::string_view(value));
  }
  template <typename T>
  Hasher& Append(T) = delete;

  // The hash of the fields so far; more may follow.
  std::uint64_t Hash64() const { return ta::Hash64(bytes_, seed_); }
  ItemId Hash128() const { return ta::Hash128(bytes_, seed_); }

  // What is hashed, for tests and golden vectors. Valid until the next call.
  std::string_view bytes() const { return bytes_; }

 private:
  std::uint64_t seed_;
  std::string bytes_;
};

}  // namespace ta
