#include "allocator/label_bases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocator/labels.h"

namespace ta {
namespace {

using Content = std::map<std::string, std::string>;

Labels LabelsOf(const Content& content) {
  std::vector<LabelPair> pairs;
  for (const auto& [name, value] : content) pairs.push_back({name, value});
  return Labels::Of(std::move(pairs));
}

// All ways to read them say the same.
void ExpectContent(const Labels& labels, const Content& content) {
  ASSERT_EQ(labels.size(), content.size());
  Labels::PairIdRoom room;
  ASSERT_EQ(labels.pair_ids(room).size(), content.size());
  std::size_t i = 0;
  auto seen = labels.begin();
  for (const auto& [name, value] : content) {
    const LabelPair expected{name, value};
    ASSERT_EQ(*seen++, expected);
    ASSERT_EQ(labels[i], expected);
    ASSERT_EQ(labels.Find(name), value);
    const auto& pair = *label_pool::PairAt(labels.pair_ids(room)[i]);
    ASSERT_EQ(pair.value(), value);
    ASSERT_EQ(label_pool::NameText(pair.name), name);
    ++i;
  }
  EXPECT_EQ(seen, labels.end());
  EXPECT_EQ(labels.Find("~ is no name"), std::nullopt);
  EXPECT_EQ(labels.Find(""), std::nullopt);
}

// A pod of an application: 30 pairs, ten that all pods have, sixteen of its
// application, four of its own.
Content Pod(int application, int pod) {
  const std::string of = " of app-" + std::to_string(application);
  Content content;
  for (int i = 0; i < 10; ++i) content["common-" + std::to_string(i)] = "true";
  for (int i = 0; i < 16; ++i) content["app-" + std::to_string(i)] = of;
  for (const char* name : {"address", "b-uid", "node", "zz-id"}) {
    content[name] = std::to_string(pod) + of;
  }
  return content;
}

class LabelBasesTest : public ::testing::Test {
 protected:
  // Bases beyond those that other tests' labels have left.
  std::size_t Bases() const { return Labels::Stats().bases - before_.bases; }
  std::size_t NewPairs() const { return Labels::Stats().pairs - before_.pairs; }

  const Labels::PoolStats before_ = Labels::Stats();
};

TEST_F(LabelBasesTest, ThePodsOfAnApplicationHaveOneBase) {
  std::vector<Labels> pods;
  for (int i = 0; i < 100; ++i) pods.push_back(LabelsOf(Pod(1, i)));
  EXPECT_EQ(Bases(), 1u);
  for (int i = 0; i < 100; ++i) ExpectContent(pods[i], Pod(1, i));
}

TEST_F(LabelBasesTest, APodFindsItsApplicationAmongManyThatLookAlike) {
  std::vector<std::pair<int, int>> order;
  for (int i = 0; i < 2'000; ++i) order.emplace_back(i % 50, i);
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  std::vector<Labels> pods;
  for (const auto& [application, pod] : order) {
    pods.push_back(LabelsOf(Pod(application, pod)));
  }
  EXPECT_EQ(Bases(), 50u);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ExpectContent(pods[i], Pod(order[i].first, order[i].second));
  }
}

// As where a role shows pods and another one endpoints, or some ports have an
// app protocol: the bases of one set of names must not hide the others'.
TEST_F(LabelBasesTest, ThreeSetsOfNamesHaveThreeBases) {
  const auto shown = [](int application, int pod) {
    Content content = Pod(application, pod / 3);
    for (int i = 0; i < pod % 3; ++i) {
      content["port-" + std::to_string(i)] = "http";
    }
    return content;
  };
  std::mt19937 random(4);
  std::vector<std::pair<int, int>> order;
  for (int i = 0; i < 3'000; ++i) order.emplace_back(i % 50, i / 50);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<Labels> pods;
  for (const auto& [application, pod] : order) {
    pods.push_back(LabelsOf(shown(application, pod)));
  }
  EXPECT_EQ(Bases(), 150u);
  for (int pod = 1'000; pod < 4'000; ++pod) {
    const std::size_t changed = random() % pods.size();
    auto& [application, number] = order[changed];
    number = pod;
    pods[changed] = LabelsOf(shown(application, number));
  }
  EXPECT_EQ(Bases(), 150u) << "what changes finds its base again";
  for (std::size_t i = 0; i < order.size(); ++i) {
    ExpectContent(pods[i], shown(order[i].first, order[i].second));
  }
}

// What nobody has any more must not stay with a base, if it is long.
TEST_F(LabelBasesTest, ALongValueGoesWithItsLastUser) {
  Content content = Pod(1, 1);
  content["note"] = std::string(1'000'000, 'x');
  Labels labels = LabelsOf(content);
  Content other = content;
  other["address"] = "another";
  Labels shares = LabelsOf(other);
  EXPECT_EQ(Bases(), 1u) << "who has it, too, may be written down by it";
  content["note"] = "short";
  labels = LabelsOf(content);
  ExpectContent(labels, content);
  EXPECT_EQ(Bases(), 2u);
  const std::size_t with_it = Labels::Stats().bytes;
  shares = Labels();
  EXPECT_LT(Labels::Stats().bytes + 900'000, with_it);
}

TEST_F(LabelBasesTest, ACopyOfABaseIsTheBase) {
  const Labels one = LabelsOf(Pod(1, 1));
  const Labels other = LabelsOf(Pod(1, 1));
  Labels::PairIdRoom room;
  EXPECT_EQ(one.pair_ids(room).data(), other.pair_ids(room).data());
  EXPECT_EQ(Bases(), 1u);
}

TEST_F(LabelBasesTest, ABaseLivesAsLongAsWhatIsWrittenDownByIt) {
  Labels first = LabelsOf(Pod(1, 1));
  {
    const Labels second = LabelsOf(Pod(1, 2));
    const Labels copy = second;
    first = Labels();
    ExpectContent(copy, Pod(1, 2));
    EXPECT_EQ(Bases(), 1u);
    EXPECT_EQ(NewPairs(), 34u) << "30, and four that the second has otherwise";
  }
  EXPECT_EQ(Bases(), 0u);
  EXPECT_EQ(NewPairs(), 0u);
}

TEST_F(LabelBasesTest, OtherNamesOrTooManyDifferencesAreABaseOfTheirOwn) {
  const Labels pod = LabelsOf(Pod(1, 1));
  Content renamed = Pod(1, 2);
  renamed.erase("node");
  renamed["nodes"] = "n";
  Content longer = Pod(1, 2);
  longer["one more"] = "";
  Content seven = Pod(1, 1);  // of 30: a quarter
  for (int i = 0; i < 7; ++i) seven["app-" + std::to_string(i)] = "otherwise";
  Content eight = seven;
  eight["app-7"] = "otherwise";

  const Labels near = LabelsOf(seven);
  EXPECT_EQ(Bases(), 1u);
  const Labels others[] = {LabelsOf(renamed), LabelsOf(longer),
                           LabelsOf(eight)};
  EXPECT_EQ(Bases(), 4u);
  ExpectContent(near, seven);
  ExpectContent(others[0], renamed);
  ExpectContent(others[1], longer);
  ExpectContent(others[2], eight);
}

TEST_F(LabelBasesTest, FewAndVeryManyPairsAreWrittenDownAsTheyAre) {
  const auto numbered = [](int count, const std::string& last) {
    Content content;
    for (int i = 0; i < count; ++i) content[std::to_string(1000 + i)] = "v";
    content[std::to_string(1000)] = "first of " + last;
    content[std::to_string(1000 + count - 1)] = "last of " + last;
    return content;
  };
  for (const auto& [count, bases] :
       {std::pair{2, 0u}, {11, 0u}, {12, 1u}, {255, 1u}, {256, 0u}}) {
    const Labels one = LabelsOf(numbered(count, "one"));
    const Labels other = LabelsOf(numbered(count, "other"));
    EXPECT_EQ(Bases(), bases) << count;
    ExpectContent(one, numbered(count, "one"));
    ExpectContent(other, numbered(count, "other"));
  }
}

// Equality, order and hash are of the content, however it is written down.
TEST_F(LabelBasesTest, ComparesByContent) {
  std::mt19937 random(5);
  std::map<Content, std::uint64_t> hashes;
  std::vector<std::pair<Labels, Content>> all(40);
  for (int step = 0; step < 4'000; ++step) {
    auto& [labels, content] = all[random() % all.size()];
    content =
        Pod(static_cast<int>(random() % 3), static_cast<int>(random() % 3));
    labels = Labels();  // its base may go first, or stay
    if (random() % 2 == 0) {
      labels = LabelsOf(content);
    } else {
      Content upper;
      for (const char* name : {"address", "app-3"}) upper[name] = content[name];
      Content under = content;
      under["app-3"] = "hidden";
      under.erase("address");
      labels = Labels::Merge(LabelsOf(under), LabelsOf(upper));
    }
    ExpectContent(labels, content);
    const auto [at, is_new] = hashes.try_emplace(content, labels.Hash());
    ASSERT_EQ(at->second, labels.Hash());
    const auto& other = all[random() % all.size()];
    ASSERT_EQ(labels == other.first, content == other.second);
    ASSERT_EQ(labels <=> other.first, content <=> other.second);
  }
  all.clear();
  EXPECT_EQ(Bases(), 0u);
  EXPECT_EQ(NewPairs(), 0u);
}

// Bases die, and their numbers are given again, while others look for them.
// Under tsan this is the test of their lock.
TEST_F(LabelBasesTest, ThreadsShareBases) {
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::mt19937 random(t);
      std::vector<Labels> mine(4);
      for (int step = 0; step < 2'000; ++step) {
        const Content content =
            Pod(static_cast<int>(random() % 3), static_cast<int>(random() % 4));
        Labels& labels = mine[random() % mine.size()];
        labels = LabelsOf(content);
        const Labels copy = labels;
        ASSERT_EQ(copy.Get("zz-id"), content.at("zz-id"));
        ASSERT_EQ(copy.Get("app-15"), content.at("app-15"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Bases(), 0u);
  EXPECT_EQ(NewPairs(), 0u);
}

}  // namespace
}  // namespace ta
