#include "api/byte_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "api/json.h"

namespace ta {
namespace {

using Use = ByteBudget::Use;

constexpr std::size_t kLimit = 800'000;  // people: 700'000

class ByteBudgetTest : public testing::Test {
 protected:
  ByteCharge Charge(Use use = Use::kPerson) { return {budget_, use}; }
  std::size_t used() const { return budget_->stats().bytes; }

  std::shared_ptr<ByteBudget> budget_ = std::make_shared<ByteBudget>(kLimit);
};

TEST_F(ByteBudgetTest, WhatIsTakenComesBackWithTheCharge) {
  {
    ByteCharge charge = Charge();
    EXPECT_TRUE(charge.Set(500'000));
    EXPECT_EQ(used(), 500'000u);
    EXPECT_TRUE(charge.Set(100'000));
    EXPECT_EQ(used(), 100'000u);
    const ByteCharge moved = std::move(charge);
    EXPECT_EQ(used(), 100'000u);
  }
  EXPECT_EQ(used(), 0u);
}

TEST_F(ByteBudgetTest, WhatDoesNotFitIsRefusedAndChangesNothing) {
  ByteCharge first = Charge(), second = Charge();
  ASSERT_TRUE(first.Set(400'000));
  ASSERT_TRUE(second.Set(200'000));
  EXPECT_FALSE(second.Set(300'001));
  EXPECT_EQ(used(), 600'000u);
  EXPECT_FALSE(second.too_large());
  EXPECT_TRUE(second.Set(300'000));
}

TEST_F(ByteBudgetTest, PeopleLeaveAnEighthToScrapers) {
  ByteCharge people = Charge(), scraper = Charge(Use::kScraper);
  ASSERT_TRUE(people.Set(700'000));
  EXPECT_TRUE(scraper.Set(100'000));
  EXPECT_FALSE(scraper.Set(100'001));
}

TEST_F(ByteBudgetTest, PeopleAreRefusedForGoodWhatCanNeverFit) {
  ByteCharge people = Charge();
  EXPECT_FALSE(people.Set(700'001));
  EXPECT_TRUE(people.too_large());
}

// Ten that were rendered one after the other kept a probe waiting for seconds.
TEST_F(ByteBudgetTest, TwoLargeBodiesOfPeopleAtATime) {
  constexpr std::size_t kLarge = (4 << 20) + 1;
  budget_ = std::make_shared<ByteBudget>(1 << 30);
  ByteCharge first = Charge(), third = Charge();
  {
    ByteCharge second = Charge();
    ASSERT_TRUE(first.Set(kLarge));
    ASSERT_TRUE(second.Set(kLarge));
    ASSERT_TRUE(second.Set(2 * kLarge));
    EXPECT_TRUE(third.Set(kLarge - 1));
    EXPECT_FALSE(third.Set(kLarge));
    EXPECT_FALSE(third.too_large());
    EXPECT_EQ(used(), 4 * kLarge - 1);
    ByteCharge scraper = Charge(Use::kScraper);
    EXPECT_TRUE(scraper.Set(kLarge));
  }
  const ByteCharge moved = std::move(first);
  EXPECT_TRUE(third.Set(kLarge));
  EXPECT_FALSE(Charge().Set(kLarge));
}

TEST_F(ByteBudgetTest, OneScrapersBodyAtATimeIsLetInBesideTheBudget) {
  ByteCharge other = Charge(), third = Charge(Use::kScraper);
  ASSERT_TRUE(other.Set(100'000));
  {
    ByteCharge huge = Charge(Use::kScraper);
    EXPECT_TRUE(huge.Set(2 * kLimit));
    EXPECT_TRUE(huge.Set(3 * kLimit));
    EXPECT_FALSE(third.Set(2 * kLimit));
    EXPECT_FALSE(third.too_large());  // coming back will help
    EXPECT_TRUE(third.Set(10'000));   // and others don't notice
  }
  EXPECT_TRUE(third.Set(2 * kLimit));
}

TEST_F(ByteBudgetTest, SmallBodiesAreFreeAndNeverRefused) {
  ByteCharge all = Charge(Use::kScraper), small = Charge();
  ASSERT_TRUE(all.Set(kLimit));
  EXPECT_TRUE(small.Set(ByteCharge::kFreeBytes));
  EXPECT_EQ(used(), kLimit);
}

TEST_F(ByteBudgetTest, ManyThreadsNeverTakeMoreThanThereIs) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (std::size_t i = 0; i < 2'000; ++i) {
        ByteCharge charge = Charge(Use::kScraper);
        (void)charge.Set(5'000 + (i * 7919) % 600'000);
        EXPECT_LE(used(), kLimit);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(used(), 0u);
}

TEST_F(ByteBudgetTest, ABufferIsChargedForTheRoomThatItHas) {
  ByteCharge charge = Charge();
  ByteBuffer out(&charge);
  for (int i = 0; i < 1'000; ++i) out.Append("0123456789");
  EXPECT_EQ(used(), out.room());
  const std::string bytes = out.Take();
  EXPECT_EQ(bytes.size(), 10'000u);
  EXPECT_EQ(used(), bytes.capacity());
}

TEST_F(ByteBudgetTest, ABufferThatIsRefusedRoomStaysWithinWhatItHas) {
  ByteCharge charge = Charge();
  ByteBuffer out(&charge);
  for (int i = 0; i < 1'000'000; ++i) out.Append("0123456789");
  EXPECT_TRUE(out.refused());
  EXPECT_LE(out.room(), kLimit);
  out.Append(std::string(kLimit, 'x'));  // one piece, longer than all so far
  EXPECT_EQ(out.room(), kLimit);
}

}  // namespace
}  // namespace ta
