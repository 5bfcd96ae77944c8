#include "api/body_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace ta {
namespace {

Body BodyOf(std::size_t bytes, char fill = 'x') {
  return {std::make_shared<const std::string>(bytes, fill), false};
}

TEST(BodyCacheTest, FindsWhatWasInserted) {
  BodyCache cache(100'000);
  EXPECT_FALSE(cache.Find({1, 2, 3}));
  cache.Insert({1, 2, 3}, BodyOf(10, 'a'));
  const auto found = cache.Find({1, 2, 3});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->bytes, "aaaaaaaaaa");
  EXPECT_EQ(cache.stats().hits, 1u);
  EXPECT_EQ(cache.stats().misses, 1u);
  EXPECT_EQ(cache.stats().hit_bytes, 10u);
  EXPECT_TRUE(cache.Find({1, 2, 3}));
  EXPECT_EQ(cache.stats().hit_bytes, 20u);
}

TEST(BodyCacheTest, EachPartOfTheKeyCounts) {
  BodyCache cache(100'000);
  cache.Insert({1, 2, 3}, BodyOf(1));
  EXPECT_FALSE(cache.Find({0, 2, 3}));
  EXPECT_FALSE(cache.Find({1, 0, 3}));
  EXPECT_FALSE(cache.Find({1, 2, 0}));
}

TEST(BodyCacheTest, DropsTheLeastRecentlyUsedAboveTheLimit) {
  BodyCache cache(10'000);
  for (std::uint64_t i = 0; i < 4; ++i) cache.Insert({i, 0, 0}, BodyOf(2000));
  EXPECT_TRUE(cache.Find({0, 0, 0}));  // 1 is the oldest now
  cache.Insert({4, 0, 0}, BodyOf(2000));
  EXPECT_TRUE(cache.Find({0, 0, 0}));
  EXPECT_FALSE(cache.Find({1, 0, 0}));
  EXPECT_LE(cache.stats().bytes, 10'000u);
}

TEST(BodyCacheTest, OneHugeBodyDoesNotEmptyIt) {
  BodyCache cache(10'000);
  cache.Insert({1, 0, 0}, BodyOf(100));
  cache.Insert({2, 0, 0}, BodyOf(9000));
  EXPECT_TRUE(cache.Find({1, 0, 0}));
  EXPECT_FALSE(cache.Find({2, 0, 0}));
}

TEST(BodyCacheTest, WithoutALimitKeepsNothing) {
  BodyCache cache(0);
  cache.Insert({1, 0, 0}, BodyOf(1));
  EXPECT_FALSE(cache.Find({1, 0, 0}));
  EXPECT_EQ(cache.stats().entries, 0u);
}

TEST(BodyCacheTest, InsertingTwiceCountsOnce) {
  BodyCache cache(100'000);
  cache.Insert({1, 0, 0}, BodyOf(100));
  const std::size_t bytes = cache.stats().bytes;
  cache.Insert({1, 0, 0}, BodyOf(100));
  EXPECT_EQ(cache.stats().bytes, bytes);
  EXPECT_EQ(cache.stats().entries, 1u);
}

TEST(BodyCacheTest, ManyThreadsMayShareIt) {
  BodyCache cache(5'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (std::uint64_t i = 0; i < 2000; ++i) {
        const BodyCache::Key key{(i * 31 + t) % 40, 0, 0};
        const auto found = cache.Find(key);
        if (found) {
          EXPECT_EQ(found->bytes->size(), key.content + 1);
        } else {
          cache.Insert(key, BodyOf(key.content + 1));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(cache.stats().bytes, 5'000u);
}

}  // namespace
}  // namespace ta
