#include "hashing/ranked_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace ta {
namespace {

// A RankedSet and a std::set that are told the same.
class RankedSetTest : public testing::Test {
 protected:
  using Key = std::tuple<std::uint64_t, ItemId, std::uint32_t>;

  Key KeyOf(const RankedSet::Entry& entry) const {
    return {entry.rank(), ids_[entry.item()], entry.item()};
  }
  auto Ids() const {
    return [this](std::uint32_t item) -> const ItemId& { return ids_[item]; };
  }

  RankedSet::Neighbours Insert(std::uint64_t rank, std::uint32_t item) {
    model_.insert({rank, ids_[item], item});
    return set_.Insert({rank, item}, Ids());
  }
  void Erase(const Key& key) {
    const auto [rank, id, item] = key;
    model_.erase(key);
    set_.Erase({rank, item}, Ids());
  }
  void Check() const {
    ASSERT_EQ(set_.size(), model_.size());
    ASSERT_EQ(set_.empty(), model_.empty());
    if (!model_.empty()) {
      ASSERT_EQ(KeyOf(set_.front()), *model_.begin());
      ASSERT_EQ(KeyOf(set_.back()), *model_.rbegin());
    }
    std::vector<Key> all;
    set_.ForEach([&](const auto& entry) { all.push_back(KeyOf(entry)); });
    ASSERT_EQ(all, std::vector<Key>(model_.begin(), model_.end()));
  }

  std::vector<ItemId> ids_;
  RankedSet set_;
  std::set<Key> model_;
};

TEST_F(RankedSetTest, BehavesLikeASetOverAnyHistory) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    // From all different to all equal, where ids decide.
    const std::uint64_t ranks = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 50 : ~0ull;
    ids_.clear();
    for (int i = 0; i < 3'000; ++i)
      ids_.push_back({random() % 3, random() % 99});
    set_.Clear();
    model_.clear();
    std::vector<std::uint32_t> absent(ids_.size());
    for (std::uint32_t i = 0; i < ids_.size(); ++i) absent[i] = i;
    std::vector<Key> present;
    for (int step = 0; step < 8'000; ++step) {
      const bool grow = step < 3'000 ? random() % 4 != 0 : random() % 3 == 0;
      if (grow && !absent.empty()) {
        std::swap(absent[random() % absent.size()], absent.back());
        const std::uint64_t rank = random() % ranks;
        const auto around = Insert(rank, absent.back());
        const auto at = model_.find({rank, ids_[absent.back()], absent.back()});
        ASSERT_EQ(KeyOf(around.before),
                  at == model_.begin() ? *model_.rbegin() : *std::prev(at));
        ASSERT_EQ(KeyOf(around.after), std::next(at) == model_.end()
                                           ? *model_.begin()
                                           : *std::next(at));
        present.push_back(*at);
        absent.pop_back();
      } else if (!present.empty()) {
        std::swap(present[random() % present.size()], present.back());
        Erase(present.back());
        absent.push_back(std::get<2>(present.back()));
        present.pop_back();
      }
      if (step % 97 == 0) Check();
      if (HasFatalFailure()) return;
    }
    Check();
  }
}

TEST_F(RankedSetTest, EndsComeOffInOrder) {
  for (std::uint32_t i = 0; i < 1'000; ++i) ids_.push_back({0, i});
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    set_.PushBack({i / 10, i});
    model_.insert({i / 10, ids_[i], i});
  }
  Check();
  while (!model_.empty()) {
    set_.PopBack();
    model_.erase(std::prev(model_.end()));
    if (model_.size() % 50 == 0) Check();
  }
}

TEST_F(RankedSetTest, GivesMemoryBackWhenItShrinks) {
  for (std::uint32_t i = 0; i < 20'000; ++i) ids_.push_back({0, i});
  for (std::uint32_t i = 0; i < 20'000; ++i) Insert(i * 7919 % 20'000, i);
  const auto full = set_.bytes();
  EXPECT_LT(full, 20'000 * 24);
  while (model_.size() > 200) {
    Erase(*std::next(model_.begin(), model_.size() / 3));
  }
  Check();
  EXPECT_LT(set_.bytes(), full / 4);
}

}  // namespace
}  // namespace ta
