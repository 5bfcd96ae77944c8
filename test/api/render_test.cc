#include "api/render.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "api/byte_budget.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

struct Rendered {
  std::string body;
  std::size_t room = 0;  // that it took
  bool refused = false;
};

// For people, with a limit; nobody else takes of it.
ByteCharge ChargeOf(std::size_t limit) {
  return {std::make_shared<ByteBudget>(limit), ByteBudget::Use::kPerson};
}

// Of so many targets, one of which, by number, has a label of so many bytes. It
// is no part of the identity, so that the order stays.
Rendered Render(int targets, int long_one = -1, std::size_t long_bytes = 0,
                ByteCharge charge = {}) {
  test::SnapshotBuilder builder;
  builder.Member("c-0");
  builder.Job("node", {});
  for (int i = 0; i < targets; ++i) {
    builder.Target(
        "node", "c-0",
        {{"__address__", "host-" + std::to_string(i) + ":80"},
         {"__meta_note", std::string(i == long_one ? long_bytes : 3, 'x')}});
  }
  const auto snapshot = builder.Build();
  const JobView& job = *snapshot->jobs[0];
  ByteBuffer out(&charge);
  RenderTargets(job, job.ListOf(1), LabelsMode::kDiscovered, out);
  const std::size_t room = out.room();
  const bool refused = out.refused() || charge.too_large();
  return {out.Take(), room, refused};
}

// The number of the target that stands first in the list of so many.
int FirstOf(int targets) {
  constexpr std::string_view kBefore = R"([{"targets":["host-)";
  const std::string body = Render(targets).body;
  EXPECT_TRUE(body.starts_with(kBefore));
  return std::stoi(body.substr(kBefore.size()));
}

TEST(RenderTest, AListOfAlikeTargetsGetsItsRoomAtOnce) {
  const Rendered rendered = Render(1'000);
  EXPECT_LT(rendered.room, rendered.body.size() * 9 / 8);
}

TEST(RenderTest, OneLongTargetDoesNotMakeRoomForAsLongOnes) {
  const Rendered rendered = Render(1'000, FirstOf(1'000), 100'000);
  EXPECT_GT(rendered.body.find("host-", 100'000), std::size_t{100'000});
  EXPECT_LT(rendered.room, std::size_t{3} << 20);
}

// The room ahead was asked for like any other, and its refusal was the list's.
TEST(RenderTest, RoomAheadThatTheBudgetRefusesIsDoneWithout) {
  const int first = FirstOf(1'000);
  const std::string body = Render(1'000, first, 10'000).body;
  ASSERT_LT(body.size(), std::size_t{200'000});
  const Rendered rendered = Render(1'000, first, 10'000, ChargeOf(1'000'000));
  EXPECT_FALSE(rendered.refused);
  EXPECT_TRUE(rendered.body == body);
}

TEST(RenderTest, AListThatDoesNotFitIsRefused) {
  EXPECT_TRUE(Render(1'000, -1, 0, ChargeOf(50'000)).refused);
}

TEST(RenderTest, OneTargetIsAListToo) {
  EXPECT_EQ(Render(1).body,
            R"([{"targets":["host-0:80"],"labels":{"__address__":"host-0:80",)"
            R"("__meta_note":"xxx"}}])");
  EXPECT_EQ(Render(0).body, "[]");
}

}  // namespace
}  // namespace ta
