#include "api/render.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

struct Rendered {
  std::string body;
  std::size_t room = 0;  // that it took
};

// Of so many targets, one of which, by number, has a label of so many bytes. It
// is no part of the identity, so that the order stays.
Rendered Render(int targets, int long_one = -1, std::size_t long_bytes = 0) {
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
  ByteBuffer out;
  RenderTargets(job, job.ListOf(1), LabelsMode::kDiscovered, out);
  const std::size_t room = out.room();
  return {out.Take(), room};
}

TEST(RenderTest, AListOfAlikeTargetsGetsItsRoomAtOnce) {
  const Rendered rendered = Render(1'000);
  EXPECT_LT(rendered.room, rendered.body.size() * 9 / 8);
}

TEST(RenderTest, OneLongTargetDoesNotMakeRoomForAsLongOnes) {
  constexpr std::string_view kBefore = R"([{"targets":["host-)";
  const std::string alike = Render(1'000).body;
  ASSERT_TRUE(alike.starts_with(kBefore));
  const int first = std::stoi(alike.substr(kBefore.size()));
  const Rendered rendered = Render(1'000, first, 100'000);
  EXPECT_GT(rendered.body.find("host-", 100'000), std::size_t{100'000});
  EXPECT_LT(rendered.room, std::size_t{3} << 20);
}

TEST(RenderTest, OneTargetIsAListToo) {
  EXPECT_EQ(Render(1).body,
            R"([{"targets":["host-0:80"],"labels":{"__address__":"host-0:80",)"
            R"("__meta_note":"xxx"}}])");
  EXPECT_EQ(Render(0).body, "[]");
}

}  // namespace
}  // namespace ta
