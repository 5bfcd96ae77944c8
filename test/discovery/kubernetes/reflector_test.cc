#include "discovery/kubernetes/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Kind = Reflector::Step::Kind;

ObjectPtr MakePod(const std::string& name) {
  return test::ReadObject(
      Resource::kPods,
      R"({"metadata":{"namespace":"x","name":")" + name + "\"}}");
}

class ReflectorTest : public ::testing::Test {
 protected:
  explicit ReflectorTest(ReflectorOptions options = {})
      : reflector_(store_, options) {}

  // Answers a list with these pods, and begins to watch.
  void ListAndWatch(std::vector<std::string> pods) {
    ASSERT_EQ(reflector_.Next(now_).kind, Kind::kList);
    reflector_.Listed(Page(std::move(pods), ""), now_);
    ASSERT_EQ(reflector_.Next(now_).kind, Kind::kWatch);
  }
  static ListPage Page(const std::vector<std::string>& pods,
                       const std::string& token) {
    ListPage page{.resource_version = "5", .continue_token = token};
    for (const std::string& pod : pods) page.objects.push_back(MakePod(pod));
    return page;
  }
  static WatchEvent Event(WatchEvent::Kind kind, const std::string& pod,
                          const std::string& version) {
    return {.kind = kind, .object = MakePod(pod), .resource_version = version};
  }
  static std::unexpected<Failure> Http(int code) {
    return std::unexpected(FailureOf({.code = code}));
  }
  // How long it wants to wait now.
  Duration Wait() {
    const auto step = reflector_.Next(now_);
    EXPECT_EQ(step.kind, Kind::kWait);
    return step.wait;
  }
  // Lets a watch do well, so that the next failure is a first one.
  void WatchWell() { now_ += minutes(1); }

  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    store_.ForEach([&](const Object& each) { keys.push_back(each.key); });
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  Store store_{Scope{Resource::kPods}};
  TimePoint now_{std::chrono::hours(1)};
  Reflector reflector_;
};

TEST_F(ReflectorTest, ListTakesEffectWithItsLastPage) {
  auto step = reflector_.Next(now_);
  EXPECT_EQ(step.list, ListOptions{});
  reflector_.Listed(Page({"a", "b"}, "t"), now_);
  EXPECT_FALSE(store_.synced());
  step = reflector_.Next(now_);
  EXPECT_EQ(step.list, ListOptions{.continue_token = "t"});
  reflector_.Listed(Page({"c"}, ""), now_);
  EXPECT_TRUE(store_.synced());
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/b", "x/c"));
  step = reflector_.Next(now_);
  ASSERT_EQ(step.kind, Kind::kWatch);
  EXPECT_EQ(step.watch.resource_version, "5");
  EXPECT_GE(step.watch.timeout, minutes(5));
  EXPECT_LE(step.watch.timeout, minutes(10));
}

TEST_F(ReflectorTest, WatchGoesOnFromTheLastVersionItWasTold) {
  ListAndWatch({"a"});
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "b", "6"), now_);
  reflector_.Received(Event(WatchEvent::Kind::kDeleted, "a", "7"), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/b"));
  reflector_.WatchEnded({}, now_);
  EXPECT_EQ(reflector_.Next(now_).watch.resource_version, "7");
  reflector_.Received(
      {.kind = WatchEvent::Kind::kBookmark, .resource_version = "9"}, now_);
  reflector_.WatchEnded({}, now_);
  EXPECT_EQ(reflector_.Next(now_).watch.resource_version, "9");
}

TEST_F(ReflectorTest, TooOldVersionListsAgainAndRemovesWhatVanished) {
  ListAndWatch({"a", "b"});
  WatchWell();
  EXPECT_FALSE(reflector_.Received(
      {.kind = WatchEvent::Kind::kError, .status = {.code = 410}}, now_));
  reflector_.WatchEnded({}, now_);
  ASSERT_EQ(reflector_.Next(now_).kind, Kind::kList);
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/b"));
  reflector_.Listed(Page({"b", "c"}, ""), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/b", "x/c"));
}

TEST_F(ReflectorTest, RelistsThatFollowEachOtherAreSpaced) {
  ListAndWatch({});
  reflector_.WatchEnded(Http(410), now_);
  EXPECT_GE(Wait(), milliseconds(800));
}

TEST_F(ReflectorTest, ExpiredTokenListsAllInOnePage) {
  reflector_.Next(now_);
  reflector_.Listed(Page({"old"}, "t"), now_);
  reflector_.Next(now_);
  reflector_.Listed(Http(410), now_);
  now_ += Wait();
  EXPECT_EQ(reflector_.Next(now_).list, ListOptions{.limit = 0});
  reflector_.Listed(Page({"a"}, ""), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/a"));
}

TEST_F(ReflectorTest, PageThatFailsIsAskedForAgain) {
  reflector_.Next(now_);
  reflector_.Listed(Page({"a"}, "t"), now_);
  reflector_.Next(now_);
  reflector_.Listed(std::unexpected(NoAnswer("refused")), now_);
  now_ += Wait();
  EXPECT_EQ(reflector_.Next(now_).list.continue_token, "t");
  reflector_.Listed(Page({"b"}, ""), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/b"));
}

TEST_F(ReflectorTest, BackoffDoublesUpToItsLimitAndStartsOver) {
  Duration least = milliseconds(800);
  for (int i = 0; i < 12; ++i) {
    reflector_.Next(now_);
    reflector_.Listed(Http(500), now_);
    const Duration wait = Wait();
    EXPECT_GE(wait, least) << i;
    EXPECT_LE(wait, 2 * least) << i;
    least = std::min<Duration>(2 * least, seconds(30));
    now_ += wait;
  }
  reflector_.Next(now_);
  reflector_.Listed(Page({}, "t"), now_);
  reflector_.Next(now_);
  reflector_.Listed(Http(500), now_);
  EXPECT_LE(Wait(), milliseconds(1600));
}

TEST_F(ReflectorTest, ServerIsLeftAloneForAsLongAsItAsks) {
  reflector_.Next(now_);
  reflector_.Listed(
      std::unexpected(FailureOf({.code = 429, .retry_after = seconds(17)})),
      now_);
  EXPECT_EQ(Wait(), seconds(17));
}

TEST_F(ReflectorTest, RetryAfterOfHoursIsNotBelieved) {
  const Status status{.code = 503, .retry_after = std::chrono::hours(9)};
  reflector_.Next(now_);
  reflector_.Listed(std::unexpected(FailureOf(status)), now_);
  EXPECT_EQ(Wait(), minutes(5));
}

TEST_F(ReflectorTest, WatchThatDidWellAndWasCutBeginsAgainAtOnce) {
  ListAndWatch({"a"});
  WatchWell();
  reflector_.WatchEnded(std::unexpected(NoAnswer("reset")), now_);
  ASSERT_EQ(reflector_.Next(now_).kind, Kind::kWatch);
  // Refused at once, it waits.
  reflector_.WatchEnded(std::unexpected(NoAnswer("refused")), now_);
  EXPECT_GE(Wait(), milliseconds(800));
  EXPECT_THAT(Keys(), ElementsAre("x/a"));
}

// A server that comes back soon is asked for what changed, and not for all.
TEST_F(ReflectorTest, UnreachableServerIsListedAgainAfterMinutesOnly) {
  ListAndWatch({"a"});
  const TimePoint heard = now_;
  while (now_ - heard <= minutes(5)) {
    reflector_.WatchEnded(std::unexpected(NoAnswer("refused")), now_);
    now_ += Wait();
    ASSERT_EQ(reflector_.Next(now_).kind, Kind::kWatch);
  }
  EXPECT_EQ(reflector_.health().problem, "refused");
  reflector_.WatchEnded(std::unexpected(NoAnswer("refused")), now_);
  EXPECT_EQ(reflector_.Next(now_).kind, Kind::kList);
  EXPECT_THAT(Keys(), ElementsAre("x/a"));
}

TEST_F(ReflectorTest, WatchThatIsRefusedAgainAndAgainListsAgain) {
  for (const auto& [code, most] : {std::pair{400, 3}, std::pair{500, 10}}) {
    Store store(Scope{Resource::kPods});
    Reflector reflector(store, {});
    reflector.Next(now_);
    reflector.Listed(Page({"a"}, ""), now_);
    int refused = 0;
    for (;;) {
      const auto step = reflector.Next(now_);
      if (step.kind == Kind::kList) break;
      if (step.kind == Kind::kWait) {
        now_ += step.wait;
        continue;
      }
      reflector.WatchEnded(Http(code), now_);
      ++refused;
      ASSERT_LE(refused, most);
    }
    EXPECT_EQ(refused, most);
  }
}

TEST_F(ReflectorTest, WatchThatEndsAtOnceWithNothingIsNotBegunInALoop) {
  ListAndWatch({});
  reflector_.WatchEnded({}, now_);
  EXPECT_GE(Wait(), milliseconds(800));
}

TEST_F(ReflectorTest, BadObjectIsLeftOutUntilItIsMended) {
  ListAndWatch({"a", "b"});
  const BadObject bad{"x/a", {Error::Code::kReject, "pods x/a: odd"}};
  reflector_.Received(
      {.kind = WatchEvent::Kind::kBad, .resource_version = "6", .bad = bad},
      now_);
  EXPECT_THAT(Keys(), ElementsAre("x/b"));
  EXPECT_THAT(reflector_.health().bad,
              ElementsAre(Pair("x/a", "pods x/a: odd")));
  EXPECT_EQ(reflector_.resource_version(), "6");
  reflector_.Received(Event(WatchEvent::Kind::kModified, "a", "7"), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/b"));
  EXPECT_THAT(reflector_.health().bad, IsEmpty());
}

TEST_F(ReflectorTest, BadObjectOfAListIsReported) {
  reflector_.Next(now_);
  ListPage page = Page({"b"}, "");
  page.bad.push_back({"x/a", {Error::Code::kReject, "pods x/a: odd"}});
  reflector_.Listed(std::move(page), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/b"));
  EXPECT_EQ(reflector_.health().bad_objects, 1u);
}

// An idle cluster may send nothing for a minute.
TEST_F(ReflectorTest, ProblemEndsWhenTheServerAcceptsAWatch) {
  ListAndWatch({});
  const TimePoint heard = now_;
  now_ += seconds(5);
  reflector_.WatchEnded(Http(500), now_);
  EXPECT_EQ(reflector_.health().problem, "HTTP 500");
  now_ += Wait();
  EXPECT_EQ(reflector_.Next(now_).kind, Reflector::Step::Kind::kWatch);
  EXPECT_TRUE(reflector_.Received({.kind = WatchEvent::Kind::kOpened}, now_));
  EXPECT_EQ(reflector_.health().problem, "");
  EXPECT_EQ(reflector_.health().heard_at, heard);
  EXPECT_EQ(reflector_.health().events, 0u);
}

// One that was accepted, and failed in the next moment, counted as healed.
TEST_F(ReflectorTest, WatchFollowsOnceItBringsSomethingOrHasLasted) {
  EXPECT_FALSE(reflector_.Follows(now_));
  ListAndWatch({});
  EXPECT_FALSE(reflector_.Follows(now_));
  reflector_.Received({.kind = WatchEvent::Kind::kOpened}, now_);
  EXPECT_FALSE(reflector_.Follows(now_ + milliseconds(999)));
  EXPECT_TRUE(reflector_.Follows(now_ + seconds(1)));
  reflector_.Received(
      {.kind = WatchEvent::Kind::kError, .status = {.code = 500}}, now_);
  EXPECT_FALSE(reflector_.Follows(now_ + seconds(1)));
  reflector_.WatchEnded({}, now_);
  EXPECT_EQ(reflector_.health().problem, "watch pods: HTTP 500");
  now_ += Wait();
  reflector_.Next(now_);
  EXPECT_FALSE(reflector_.Follows(now_ + seconds(1)));
  reflector_.Received({.kind = WatchEvent::Kind::kBookmark}, now_);
  EXPECT_TRUE(reflector_.Follows(now_));
  reflector_.WatchEnded({}, now_);
  EXPECT_FALSE(reflector_.Follows(now_));
}

TEST_F(ReflectorTest, ProblemIsSaidUntilSomethingWorks) {
  reflector_.Next(now_);
  reflector_.Listed(Http(403), now_);
  EXPECT_EQ(reflector_.health().problem, "HTTP 403");
  EXPECT_EQ(reflector_.health().failures, 1u);
  EXPECT_EQ(reflector_.health().heard_at, std::nullopt);
  now_ += Wait();
  ListAndWatch({});
  EXPECT_EQ(reflector_.health().problem, "");
  EXPECT_EQ(reflector_.health().heard_at, now_);
}

class StreamingReflectorTest : public ReflectorTest {
 protected:
  StreamingReflectorTest() : ReflectorTest({.streaming_lists = true}) {}
  static WatchEvent End(const std::string& version) {
    return {.kind = WatchEvent::Kind::kBookmark,
            .resource_version = version,
            .initial_events_end = true};
  }
};

TEST_F(StreamingReflectorTest, ListTakesEffectAtItsBookmark) {
  const auto step = reflector_.Next(now_);
  ASSERT_EQ(step.kind, Kind::kWatch);
  EXPECT_TRUE(step.watch.send_initial_events);
  EXPECT_EQ(step.watch.resource_version, "");
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "a", "3"), now_);
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "b", "4"), now_);
  reflector_.Received(Event(WatchEvent::Kind::kDeleted, "b", "5"), now_);
  EXPECT_FALSE(store_.synced());
  reflector_.Received(End("6"), now_);
  EXPECT_TRUE(store_.synced());
  EXPECT_THAT(Keys(), ElementsAre("x/a"));
  // The same stream goes on as a watch.
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "c", "7"), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/c"));
  reflector_.WatchEnded({}, now_);
  const auto next = reflector_.Next(now_);
  EXPECT_FALSE(next.watch.send_initial_events);
  EXPECT_EQ(next.watch.resource_version, "7");
}

TEST_F(StreamingReflectorTest, ListThatIsOnlyAcceptedHasNotHealed) {
  reflector_.Next(now_);
  reflector_.WatchEnded(Http(503), now_);
  now_ += Wait();
  reflector_.Next(now_);
  reflector_.Received({.kind = WatchEvent::Kind::kOpened}, now_);
  EXPECT_EQ(reflector_.health().problem, "HTTP 503");
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "a", "3"), now_);
  EXPECT_FALSE(reflector_.Follows(now_ + minutes(1)));
  reflector_.Received(End("6"), now_);
  EXPECT_TRUE(reflector_.Follows(now_));
}

TEST_F(StreamingReflectorTest, OfBadObjectsAThousandAreKeptAndAllCounted) {
  reflector_.Next(now_);
  for (int i = 0; i < 1500; ++i) {
    const BadObject bad{"x/" + std::to_string(i), {Error::Code::kReject, ""}};
    reflector_.Received(
        {.kind = WatchEvent::Kind::kBad, .resource_version = "3", .bad = bad},
        now_);
  }
  reflector_.Received(End("6"), now_);
  EXPECT_EQ(reflector_.health().bad.size(), 1000u);
  EXPECT_EQ(reflector_.health().bad_objects, 1500u);
}

TEST_F(StreamingReflectorTest, CutStreamChangesNothingAndIsTriedAgain) {
  reflector_.Next(now_);
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "a", "3"), now_);
  reflector_.WatchEnded(std::unexpected(NoAnswer("reset")), now_);
  EXPECT_FALSE(store_.synced());
  now_ += Wait();
  EXPECT_TRUE(reflector_.Next(now_).watch.send_initial_events);
  reflector_.Received(Event(WatchEvent::Kind::kAdded, "b", "3"), now_);
  reflector_.Received(End("6"), now_);
  EXPECT_THAT(Keys(), ElementsAre("x/b"));
}

TEST_F(StreamingReflectorTest, ServerWithoutThemIsListedInPages) {
  reflector_.Next(now_);
  reflector_.WatchEnded(Http(422), now_);
  EXPECT_TRUE(reflector_.streaming_was_refused());
  EXPECT_EQ(reflector_.Next(now_).kind, Kind::kList);
}

TEST_F(StreamingReflectorTest, ErrorEventOfCode500MeansThatThereAreNone) {
  reflector_.Next(now_);
  reflector_.Received(
      {.kind = WatchEvent::Kind::kError, .status = {.code = 500}}, now_);
  reflector_.WatchEnded({}, now_);
  EXPECT_EQ(reflector_.Next(now_).kind, Kind::kList);
}

TEST_F(StreamingReflectorTest, LackOfPermissionDoesNotMeanThatThereAreNone) {
  for (const int code : {401, 403, 429, 500, 503}) {
    Reflector reflector(store_, {.streaming_lists = true});
    reflector.Next(now_);
    reflector.WatchEnded(Http(code), now_);
    now_ += reflector.Next(now_).wait;
    EXPECT_TRUE(reflector.Next(now_).watch.send_initial_events) << code;
  }
}

TEST_F(StreamingReflectorTest, StreamsThatDoNotReachTheirEndGiveWayToPages) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(reflector_.Next(now_).kind, Kind::kWatch);
    reflector_.Received(Event(WatchEvent::Kind::kAdded, "a", "3"), now_);
    reflector_.WatchEnded(std::unexpected(NoAnswer("reset")), now_);
    now_ += Wait();
  }
  ListAndWatch({"a"});
  EXPECT_FALSE(reflector_.streaming_was_refused());
  // The next list is streamed again.
  WatchWell();
  reflector_.WatchEnded(Http(410), now_);
  EXPECT_TRUE(reflector_.Next(now_).watch.send_initial_events);
}

}  // namespace
}  // namespace ta::kubernetes
