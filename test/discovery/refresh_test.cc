#include "discovery/refresh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/log.h"
#include "test/discovery/manual_time.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RecordingSink;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::Optional;
using testing::SizeIs;
using State = RecordingSink::State;

const TimePoint kStart{std::chrono::hours(1)};

// Up to a tenth shorter than `most`.
auto About(Duration most) { return AllOf(Ge(most - most / 10), Le(most)); }

TargetGroup Group(const std::string& source,
                  const std::vector<std::string>& addresses) {
  TargetGroup group;
  group.source = source;
  for (const std::string& address : addresses) {
    group.targets.push_back(Labels::Of({{"__address__", address}}));
  }
  return group;
}

// -- when --

TEST(RefreshScheduleTest, AfterASuccessItIsTheIntervalFromStartToStart) {
  RefreshSchedule schedule(seconds(30), 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(schedule.Next(kStart, kStart + seconds(2), true) - kStart,
                About(seconds(30)));
  }
}

TEST(RefreshScheduleTest, WaitsDiffer) {
  RefreshSchedule schedule(seconds(30), 1);
  std::set<Duration> waits;
  for (int i = 0; i < 100; ++i) {
    waits.insert(schedule.Next(kStart, kStart, true) - kStart);
  }
  EXPECT_THAT(waits, SizeIs(Ge(30u)));
}

TEST(RefreshScheduleTest, AnAskingThatTookTooLongIsFollowedAtOnce) {
  RefreshSchedule schedule(seconds(30), 1);
  const TimePoint ended = kStart + seconds(31);
  EXPECT_EQ(schedule.Next(kStart, ended, true), ended);
}

TEST(RefreshScheduleTest, BeforeTheFirstSuccessWaitsDoubleUpToTheInterval) {
  RefreshSchedule schedule(seconds(5), 1);
  for (const int wait : {1, 2, 4, 5, 5}) {
    EXPECT_THAT(schedule.Next(kStart, kStart + seconds(9), false) -
                    (kStart + seconds(9)),
                About(seconds(wait)));
  }
}

TEST(RefreshScheduleTest, FailuresAfterASuccessWaitForTheInterval) {
  RefreshSchedule schedule(seconds(30), 1);
  schedule.Next(kStart, kStart, true);
  EXPECT_THAT(schedule.Next(kStart, kStart + seconds(1), false) - kStart,
              About(seconds(30)));
}

TEST(RefreshScheduleTest, IntervalIsASecondAtLeast) {
  RefreshSchedule schedule(Duration::zero(), 1);
  EXPECT_THAT(schedule.Next(kStart, kStart, false) - kStart, About(seconds(1)));
  EXPECT_THAT(schedule.Next(kStart, kStart, true) - kStart, About(seconds(1)));
}

// -- the discoverer --

// Answers as the test says, in order; then fails.
class FakeMechanism final : public PolledMechanism {
 public:
  using Answers = std::deque<Result<Refreshed>>;
  FakeMechanism(Answers* answers, test::ManualTime* time, bool* alive)
      : answers_(answers), time_(time), alive_(alive) {
    *alive_ = true;
  }
  ~FakeMechanism() override { *alive_ = false; }

  boost::asio::awaitable<Result<Refreshed>> Ask(std::stop_token) override {
    time_->Pass(milliseconds(250));
    if (answers_->empty()) co_return Reject("nobody answers");
    auto answer = std::move(answers_->front());
    answers_->pop_front();
    co_return answer;
  }

 private:
  Answers* const answers_;
  test::ManualTime* const time_;
  bool* const alive_;
};

class PolledDiscovererTest : public testing::Test {
 protected:
  void Start(FakeMechanism::Answers answers) {
    answers_ = std::move(answers);
    discoverer_.emplace(
        PolledDiscoverer::Settings{"key", "fake", seconds(30), 7,
                                   counters_.SeriesOf("fake", "job")},
        [this](const boost::asio::any_io_executor&) {
          return std::make_unique<FakeMechanism>(&answers_, &time_, &alive_);
        },
        &io_, &sink_, time_.time());
    discoverer_->Start();
    time_.Waiting();
  }
  static Refreshed Complete(std::vector<TargetGroup> groups) {
    return {std::move(groups), true, ""};
  }

  const LogCapture log_;
  RefreshCounters counters_;
  RecordingSink sink_;
  test::ManualTime time_;
  FakeMechanism::Answers answers_;
  bool alive_ = false;
  IoThread io_;
  std::optional<PolledDiscoverer> discoverer_;
};

TEST_F(PolledDiscovererTest, AsksAtOnceAndIsSyncedByTheFirstSuccess) {
  Start({Complete({Group("a", {"a:1"})})});
  const State state = sink_.state();
  ASSERT_THAT(state.updates, SizeIs(1));
  EXPECT_EQ(state.updates[0].discoverer, "key");
  EXPECT_TRUE(state.synced());
  EXPECT_EQ(state.problem(), "");
  EXPECT_THAT(state.Addresses(), ElementsAre("a:1"));
}

TEST_F(PolledDiscovererTest, AnEmptyAnswerIsAnAnswer) {
  Start({Complete({})});
  EXPECT_TRUE(sink_.state().synced());
}

TEST_F(PolledDiscovererTest, NothingIsSentWhileNothingChanges) {
  Start({Complete({Group("a", {"a:1"})}), Complete({}), Complete({}),
         Complete({Group("a", {"a:2"})})});
  for (int i = 0; i < 3; ++i) time_.SkipWait();
  time_.Waiting();
  EXPECT_THAT(sink_.state().updates, SizeIs(2));
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:2"));
}

TEST_F(PolledDiscovererTest, FailuresBeforeTheFirstSuccessBackOff) {
  Start({});
  EXPECT_FALSE(sink_.state().synced());
  EXPECT_EQ(sink_.state().problem(), "nobody answers");
  for (const int wait : {1, 2, 4, 8, 16, 30, 30}) {
    EXPECT_THAT(time_.SkipWait(), Optional(About(seconds(wait))));
  }
  time_.Waiting();
  answers_.push_back(Complete({Group("a", {"a:1"})}));
  time_.SkipWait();
  time_.Waiting();
  EXPECT_TRUE(sink_.state().synced());
  EXPECT_EQ(sink_.state().problem(), "");
  EXPECT_EQ(log_.Count("discovery is not answered yet"), 1);
  EXPECT_EQ(log_.Count("discovery is answered again"), 1);
}

TEST_F(PolledDiscovererTest, FailuresKeepTheLastAnswerAndTheInterval) {
  Start({Complete({Group("a", {"a:1"})}), Reject("down"), Reject("down"),
         Complete({})});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(time_.SkipWait(),
                Optional(About(seconds(30) - milliseconds(250))));
    time_.Waiting();
    EXPECT_TRUE(sink_.state().synced());
    EXPECT_EQ(sink_.state().problem(), "down");
    EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:1"));
  }
  time_.SkipWait();
  time_.Waiting();
  EXPECT_EQ(sink_.state().problem(), "");
  EXPECT_THAT(sink_.state().updates, SizeIs(3));
  EXPECT_EQ(log_.Count("targets stay as they were"), 1);
}

TEST_F(PolledDiscovererTest, AnAnswerInPartIsPartial) {
  Start({Refreshed{{Group("a", {"a:1"})}, false, "b: no answer"},
         Complete({Group("b", {"b:1"})})});
  EXPECT_FALSE(sink_.state().synced());
  EXPECT_TRUE(sink_.state().updates.back().partial);
  EXPECT_EQ(sink_.state().problem(), "b: no answer");
  EXPECT_THAT(time_.SkipWait(), Optional(About(seconds(1))));
  time_.Waiting();
  EXPECT_TRUE(sink_.state().synced());
  EXPECT_FALSE(sink_.state().updates.back().partial);
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:1", "b:1"));
}

TEST_F(PolledDiscovererTest, StopEndsItsWaitAndItsMechanism) {
  Start({Complete({})});
  EXPECT_TRUE(alive_);
  discoverer_->Stop();
  EXPECT_FALSE(alive_);
  discoverer_->Stop();  // idempotent
}

TEST_F(PolledDiscovererTest, OneThatNeverStartedStops) {
  PolledDiscoverer discoverer({}, nullptr, &io_, &sink_);
  discoverer.Stop();
}

TEST_F(PolledDiscovererTest, AskingsAreCounted) {
  Start({Complete({}), Reject("down")});
  time_.SkipWait();
  time_.Waiting();
  const auto values = counters_.values(time_.now());
  ASSERT_THAT(values.series, SizeIs(1));
  EXPECT_EQ(values.series[0].mechanism, "fake");
  EXPECT_EQ(values.series[0].config, "job");
  EXPECT_EQ(values.series[0].count, 2u);
  EXPECT_EQ(values.series[0].failures, 1u);
  EXPECT_DOUBLE_EQ(values.series[0].seconds, 0.5);
  EXPECT_THAT(values.series[0].recent_seconds, ElementsAre(0.25, 0.25));
  EXPECT_THAT(values.durations.at("fake").counts, ElementsAre(0, 0, 2, 0, 0));
  EXPECT_THAT(counters_.values(time_.now() + std::chrono::minutes(11))
                  .series[0]
                  .recent_seconds,
              IsEmpty());
  discoverer_.reset();
  EXPECT_THAT(counters_.values().series, IsEmpty());
  EXPECT_EQ(counters_.values().durations.size(), 1u);
}

}  // namespace
}  // namespace ta
