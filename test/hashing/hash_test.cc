#include "hashing/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ta {
namespace {

using std::string_view_literals::operator""sv;

TEST(HashTest, Xxh3OfNothingIsThePublishedValue) {
  // From xxHash's own sanity tests (tests/sanity_test_vectors.h): length 0,
  // seed 0.
  EXPECT_EQ(Hash64("", 0), 0x2d06800538d394c2u);
  EXPECT_EQ(Hash128("", 0), (ItemId{0x99aa06d3014798d8, 0x6001c324468d497f}));
}

TEST(HashTest, SeedChangesTheHash) {
  EXPECT_NE(Hash64("collector-0", kRingSeed), Hash64("collector-0", kSeatSeed));
  EXPECT_NE(Hash128("a", kKeySeed), Hash128("a", kRingSeed));
}

TEST(HasherTest, WritesIntegersLeastSignificantByteFirst) {
  Hasher hasher;
  hasher.Append(std::uint64_t{0x0102030405060708});
  EXPECT_EQ(hasher.bytes(), "\x08\x07\x06\x05\x04\x03\x02\x01"sv);
}

TEST(HasherTest, WritesStringsBehindTheirLength) {
  Hasher hasher;
  hasher.Append("ab").Append(std::string("\0c", 2));
  EXPECT_EQ(hasher.bytes(), "\2\0\0\0\0\0\0\0ab\2\0\0\0\0\0\0\0\0c"sv);
}

TEST(HasherTest, ListsThatConcatenateAlikeDiffer) {
  const auto a = Hasher().Append("ab").Append("c").Hash64();
  const auto b = Hasher().Append("a").Append("bc").Hash64();
  const auto c = Hasher().Append("abc").Append("").Hash64();
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(b, c);
}

TEST(HasherTest, IsTheHashOfItsBytes) {
  Hasher hasher(kRingSeed);
  hasher.Append("collector-0").Append(std::uint64_t{7});
  EXPECT_EQ(hasher.Hash64(), Hash64(hasher.bytes(), kRingSeed));
  EXPECT_EQ(hasher.Hash128(), Hash128(hasher.bytes(), kRingSeed));
}

TEST(HasherTest, ClearForgetsTheFieldsAndKeepsTheSeed) {
  Hasher hasher(kRingSeed);
  const auto fresh = hasher.Append("a").Hash64();
  hasher.Append("b").Clear();
  EXPECT_EQ(hasher.Append("a").Hash64(), fresh);
}

TEST(ItemIdTest, OrdersByHighThenLow) {
  EXPECT_LT((ItemId{1, 9}), (ItemId{2, 0}));
  EXPECT_LT((ItemId{1, 1}), (ItemId{1, 2}));
}

}  // namespace
}  // namespace ta
