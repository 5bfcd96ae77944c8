#include "allocator/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "allocator/label_pool.h"

namespace ta {
namespace {

using ::testing::ElementsAre;

std::vector<LabelPair> Pairs(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

TEST(LabelsTest, SortsByNameAndKeepsEmptyValues) {
  const Labels labels = Labels::Of({{"b", "2"}, {"a", ""}, {"a!", "3"}});
  EXPECT_THAT(Pairs(labels),
              ElementsAre(LabelPair{"a", ""}, LabelPair{"a!", "3"},
                          LabelPair{"b", "2"}));
  EXPECT_EQ(labels.Find("a"), "");
  EXPECT_EQ(labels.Find("c"), std::nullopt);
  EXPECT_EQ(labels.Get("b"), "2");
  EXPECT_EQ(labels.Get("c"), "");
}

TEST(LabelsTest, LastOfEqualNamesWins) {
  const Labels labels =
      Labels::Of({{"a", "1"}, {"b", "x"}, {"a", "2"}, {"a", "3"}});
  EXPECT_THAT(Pairs(labels),
              ElementsAre(LabelPair{"a", "3"}, LabelPair{"b", "x"}));
}

TEST(LabelsTest, NothingIsEmptyAndCostsNothing) {
  const Labels none = Labels::Of({});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none, Labels());
  EXPECT_EQ(none.Hash(), 0u);
  EXPECT_EQ(none.Find("a"), std::nullopt);
  EXPECT_EQ(none.begin(), none.end());
}

TEST(LabelsTest, MergeLetsTheUpperSetWin) {
  const Labels under = Labels::Of({{"a", "1"}, {"b", "2"}, {"d", "4"}});
  const Labels over = Labels::Of({{"b", ""}, {"c", "3"}});
  EXPECT_THAT(Pairs(Labels::Merge(under, over)),
              ElementsAre(LabelPair{"a", "1"}, LabelPair{"b", ""},
                          LabelPair{"c", "3"}, LabelPair{"d", "4"}));
  EXPECT_EQ(Labels::Merge(under, {}), under);
  EXPECT_EQ(Labels::Merge({}, over), over);
}

// It decides which of several duplicates is served: comparing the merged sets
// themselves is the specification.
TEST(LabelsTest, ComparingMergedIsComparingWhatMergeMakes) {
  std::mt19937 random(11);
  const auto some = [&random] {
    constexpr std::string_view kValues[] = {"", "v", "vv"};
    std::vector<LabelPair> pairs;
    for (const char* name : {"a", "aa", "b", "c"}) {
      if (random() % 2 != 0) pairs.push_back({name, kValues[random() % 3]});
    }
    return Labels::Of(pairs);
  };
  int equal = 0;
  for (int i = 0; i < 5'000; ++i) {
    const Labels under_a = some(), over_a = some();
    const Labels under_b = some(), over_b = some();
    const auto expected =
        Labels::Merge(under_a, over_a) <=> Labels::Merge(under_b, over_b);
    ASSERT_EQ(Labels::CompareMerged(under_a, over_a, under_b, over_b),
              expected);
    equal += expected == 0;
  }
  EXPECT_GT(equal, 0);
}

TEST(LabelsTest, ComparesAndHashesByContent) {
  const Labels a = Labels::Of({{"x", "1"}, {"y", "2"}});
  const Labels b = Labels::Of({{"y", "2"}, {"x", "1"}});
  const Labels c = Labels::Of({{"x", "1"}, {"y", "3"}});
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.Hash(), b.Hash());
  EXPECT_NE(a, c);
  EXPECT_NE(a.Hash(), c.Hash());
  EXPECT_NE(a, Labels());
  EXPECT_EQ(Labels::Merge(Labels::Of({{"x", "1"}}), Labels::Of({{"y", "2"}})),
            a);
}

TEST(LabelsTest, HashIsEqualInEveryVersion) {
  EXPECT_EQ(
      Labels::Of({{"__address__", "10.0.0.1:8080"}, {"job", "node"}}).Hash(),
      8912445726906432067u);
  EXPECT_EQ(Labels::Of({{"__address__", "10.0.0.1:8080"}}).Hash(),
            8186499416535665235u);
}

// The second is written down by the first.
TEST(LabelsTest, HashIsEqualInEveryVersionForManyPairs) {
  const auto made = [](std::string_view last) {
    std::vector<std::string> names;
    for (int i = 10; i < 40; ++i) names.push_back(std::to_string(i));
    std::vector<LabelPair> pairs;
    for (const std::string& name : names) pairs.push_back({name, "v"});
    pairs.back().value = last;
    return Labels::Of(std::move(pairs));
  };
  const Labels first = made("last 0");
  const Labels second = made("last 1");
  EXPECT_EQ(first.Hash(), 15112782262996969788u);
  EXPECT_EQ(second.Hash(), 3898298541892513828u);
}

// One pair alone stands in the Labels itself.
TEST(LabelsTest, ASinglePairIsLikeAnyOther) {
  const auto before = Labels::Stats().pairs;
  {
    const Labels one = Labels::Of({{"single", "1"}});
    Labels copy = one;
    EXPECT_EQ(Labels::Stats().pairs, before + 1);
    EXPECT_EQ(copy.size(), 1u);
    EXPECT_EQ(copy[0], (LabelPair{"single", "1"}));
    EXPECT_THAT(Pairs(copy), ElementsAre(LabelPair{"single", "1"}));
    EXPECT_EQ(copy.Find("single"), "1");
    EXPECT_EQ(copy.Find("other"), std::nullopt);
    Labels::PairIdRoom room;
    EXPECT_EQ(copy.pair_ids(room).size(), 1u);
    EXPECT_EQ(one, copy);

    const Labels other = Labels::Of({{"single", "2"}});
    EXPECT_NE(one, other);
    EXPECT_NE(one.Hash(), other.Hash());
    EXPECT_LT(one, other);
    EXPECT_EQ(Labels::Merge(one, other), other);
    const Labels two = Labels::Merge(one, Labels::Of({{"z", "3"}}));
    EXPECT_THAT(Pairs(two),
                ElementsAre(LabelPair{"single", "1"}, LabelPair{"z", "3"}));
    EXPECT_NE(one, two);
    EXPECT_LT(one, two);
    EXPECT_LT(Labels(), one);
    const Labels moved = std::move(copy);
    copy = moved;
    copy = Labels();
    EXPECT_EQ(moved.Get("single"), "1");
  }
  EXPECT_EQ(Labels::Stats().pairs, before);
}

TEST(LabelsTest, OrdersByBytesAndPutsPrefixesFirst) {
  const Labels one = Labels::Of({{"a", "1"}});
  const Labels two = Labels::Of({{"a", "1"}, {"b", "1"}});
  const Labels high = Labels::Of({{"a", "\xff"}});
  const Labels longer_name = Labels::Of({{"aa", "0"}});
  EXPECT_LT(Labels(), one);
  EXPECT_LT(one, two);
  EXPECT_LT(two, high) << "values compare as unsigned bytes";
  EXPECT_LT(high, longer_name) << "names compare before values";
  EXPECT_EQ(one <=> Labels::Of({{"a", "1"}}), std::strong_ordering::equal);
}

TEST(LabelsTest, KeepsAnyBytesOfAnyLength) {
  std::vector<Labels> all;
  std::vector<std::string> values;
  for (std::size_t length = 0; length < 600; ++length) {
    values.push_back(std::string(length, static_cast<char>(length)));
    all.push_back(Labels::Of({{"name", values.back()}}));
  }
  values.push_back(std::string(5'000'000, 'x'));
  all.push_back(Labels::Of({{"name", values.back()}}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].Get("name"), values[i]) << "value " << i;
  }
}

TEST(LabelsTest, SharedPairsAreStoredOnce) {
  const auto before = Labels::Stats().pairs;
  const Labels a = Labels::Of({{"LabelsTest", "shared"}, {"n", "pairs-a"}});
  const Labels b = Labels::Of({{"LabelsTest", "shared"}, {"n", "pairs-b"}});
  EXPECT_EQ(Labels::Stats().pairs, before + 3);
  const Labels copy = b;
  EXPECT_EQ(Labels::Stats().pairs, before + 3);
}

TEST(LabelsTest, PoolShrinksToNothingWithItsLastUser) {
  const auto before = Labels::Stats();
  {
    std::vector<Labels> all;
    for (int i = 0; i < 20'000; ++i) {
      const std::string value = "LabelsTest-pool-" + std::to_string(i);
      all.push_back(Labels::Of({{"LabelsTest", value},
                                {"name-" + std::to_string(i % 5000), value},
                                {"long", std::string(300, 'x') + value}}));
    }
    EXPECT_GT(Labels::Stats().bytes, before.bytes + 1'000'000);
    // Out of order, so that slabs are freed from all sides.
    std::shuffle(all.begin(), all.end(), std::mt19937(1));
    while (!all.empty()) all.pop_back();
  }
  EXPECT_EQ(Labels::Stats().pairs, before.pairs);
  // What is left are the numbers of free names, to be used again.
  EXPECT_LE(Labels::Stats().bytes, before.bytes + 64 * 1024);
}

// Random changes against a plain map of strings.
TEST(LabelsTest, ChurnKeepsContent) {
  std::mt19937 random(7);
  std::vector<std::pair<Labels, std::map<std::string, std::string>>> all(500);
  for (int step = 0; step < 20'000; ++step) {
    auto& [labels, expected] = all[random() % all.size()];
    std::map<std::string, std::string> added;
    for (unsigned i = random() % 6; i > 0; --i) {
      added["name" + std::to_string(random() % 40)] =
          std::string(random() % 300, static_cast<char>('a' + random() % 3));
    }
    std::vector<LabelPair> pairs;
    for (const auto& [name, value] : added) pairs.push_back({name, value});
    const Labels over = Labels::Of(std::move(pairs));
    if (random() % 3 == 0) {
      labels = over;
      expected = added;
    } else {
      labels = Labels::Merge(labels, over);
      added.merge(expected);
      expected = added;
    }
    ASSERT_TRUE(std::ranges::equal(labels, expected,
                                   [](const LabelPair& got, const auto& want) {
                                     return got.name == want.first &&
                                            got.value == want.second;
                                   }))
        << "step " << step;
  }
}

// Many threads make, copy, read and drop the same few labels, so that pairs die
// and are found again all the time. Under tsan this is the test of the pool.
TEST(LabelsTest, ThreadsShareThePool) {
  const auto before = Labels::Stats().pairs;
  const Labels shared = Labels::Of({{"shared", "by all"}, {"a", "0"}});
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t, &shared] {
      std::mt19937 random(t);
      std::vector<Labels> mine(8);
      for (int step = 0; step < 3000; ++step) {
        const std::string value = std::to_string(random() % 10);
        Labels made = Labels::Of({{"a", value}, {"name" + value, "b"}});
        ASSERT_EQ(made.Get("a"), value);
        mine[random() % mine.size()] = Labels::Merge(shared, made);
        ASSERT_EQ(mine[0].empty() ? "by all" : mine[0].Get("shared"), "by all");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Labels::Stats().pairs, before + 2);
}

TEST(LabelNameTest, EqualNamesHaveOneNumberWhileOneLives) {
  const LabelName a("LabelNameTest");
  LabelName b("other");
  EXPECT_NE(a, b);
  b = a;
  EXPECT_EQ(a.id(), b.id());
  EXPECT_EQ(LabelName("LabelNameTest").id(), a.id());
  EXPECT_EQ(LabelName::Holding(a.id()).text(), "LabelNameTest");
}

}  // namespace
}  // namespace ta
