#include "allocator/telemetry/push_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::Ge;
using testing::Le;
using Kind = PushOutcome::Kind;

constexpr std::int64_t kNow = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT

PushOutcome Judge(int status, std::string body, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return OutcomeOf(response, kNow);
}

TEST(OutcomeOfTest, SuccessNeedsNoBody) {
  for (const auto* body : {"", "{}", R"({"partialSuccess":{}})", "\x0a\x02"}) {
    const PushOutcome outcome = Judge(200, body);
    EXPECT_EQ(outcome.kind, Kind::kTaken) << body;
    EXPECT_EQ(outcome.problem, "") << body;
  }
  EXPECT_EQ(Judge(202, "").kind, Kind::kTaken);
}

TEST(OutcomeOfTest, PartialSuccessIsTakenAndSaid) {
  PushOutcome outcome =
      Judge(200, R"({"partialSuccess":{"rejectedDataPoints":"3",)"
                 R"("errorMessage":"too old"}})");
  EXPECT_EQ(outcome.kind, Kind::kTaken);
  EXPECT_EQ(outcome.rejected_points, 3u);
  EXPECT_EQ(outcome.problem, "3 data points were rejected: too old");
  outcome = Judge(200, R"({"partialSuccess":{"rejectedDataPoints":2}})");
  EXPECT_EQ(outcome.problem, "2 data points were rejected");
  // The specification: then it is a warning, to nobody's loss.
  outcome = Judge(200, R"({"partialSuccess":{"errorMessage":"deprecated"}})");
  EXPECT_EQ(outcome.problem, "");
}

TEST(OutcomeOfTest, OnlySomeStatusesAreWorthAnotherTry) {
  for (const int status : {429, 502, 503, 504})
    EXPECT_EQ(Judge(status, "").kind, Kind::kFailed) << status;
  for (const int status : {301, 307, 400, 401, 403, 404, 408, 413, 500, 501})
    EXPECT_EQ(Judge(status, "").kind, Kind::kRefused) << status;
  EXPECT_EQ(Judge(400, R"({"code":3,"message":"bad data"})").problem,
            "HTTP 400: bad data");
  EXPECT_EQ(Judge(404, "<html>").problem, "HTTP 404");
  for (const int status : {401, 403})
    EXPECT_EQ(Judge(status, R"({"message":"no such token: hunter2"})").problem,
              "HTTP " + std::to_string(status));
}

TEST(OutcomeOfTest, AnErrorOfTheNetworkMayPass) {
  const PushOutcome outcome = OutcomeOf(
      std::unexpected(Error{Error::Code::kRetry, "POST http://a: refused"}),
      kNow);
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_EQ(outcome.problem, "POST http://a: refused");
}

TEST(OutcomeOfTest, RetryAfterIsOfFailuresOnly) {
  EXPECT_EQ(Judge(503, "", {{"Retry-After", "17"}}).retry_after, seconds(17));
  EXPECT_EQ(Judge(400, "", {{"Retry-After", "17"}}).retry_after, std::nullopt);
  EXPECT_EQ(Judge(503, "").retry_after, std::nullopt);
}

TEST(ParseRetryAfterTest, SecondsOrADate) {
  EXPECT_EQ(ParseRetryAfter(" 120 ", kNow), minutes(2));
  EXPECT_EQ(ParseRetryAfter("0", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("-5", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("999999999", kNow), std::chrono::hours(24));
  EXPECT_EQ(ParseRetryAfter("Tue, 14 Nov 2023 22:13:50 GMT", kNow),
            seconds(30));
  EXPECT_EQ(ParseRetryAfter("Tue, 14 Nov 2023 22:13:00 GMT", kNow), seconds(0));
  for (const auto* text :
       {"", "soon", "1.5", "12s", "Tue, 14 Nov 2023 22:13:50 GMT+1"})
    EXPECT_EQ(ParseRetryAfter(text, kNow), std::nullopt) << text;
}

constexpr TimePoint kBegan{std::chrono::hours(1)};
constexpr TimePoint kEnded = kBegan + milliseconds(200);

PushOutcome Failed(std::optional<Duration> retry_after = std::nullopt) {
  return {.kind = Kind::kFailed, .problem = "x", .retry_after = retry_after};
}

TEST(PushScheduleTest, AnIntervalFromBeginningToBeginning) {
  PushSchedule schedule(minutes(1), 1);
  EXPECT_EQ(schedule.Next(kBegan, kEnded, {}), kBegan + minutes(1));
  EXPECT_EQ(schedule.Next(kBegan, kEnded, {.kind = Kind::kRefused}),
            kBegan + minutes(1));
  // A push that took longer is followed at once.
  EXPECT_EQ(schedule.Next(kBegan, kBegan + minutes(2), {}),
            kBegan + minutes(2));
}

TEST(PushScheduleTest, AfterFailuresSoonerAndThenLessSo) {
  PushSchedule schedule(minutes(1), 1);
  for (const int most : {5, 10, 20, 30, 30}) {
    const Duration wait = schedule.Next(kBegan, kEnded, Failed()) - kEnded;
    EXPECT_THAT(wait, AllOf(Ge(seconds(most) * 9 / 10), Le(seconds(most))));
  }
  schedule.Next(kBegan, kEnded, {});
  EXPECT_LE(schedule.Next(kBegan, kEnded, Failed()) - kEnded, seconds(5));
}

TEST(PushScheduleTest, NeverLaterThanTheIntervalUnlessTheReceiverWants) {
  PushSchedule schedule(seconds(2), 1);
  EXPECT_EQ(schedule.Next(kBegan, kEnded, Failed()), kBegan + seconds(2));
  EXPECT_EQ(schedule.Next(kBegan, kEnded, Failed(seconds(1))),
            kBegan + seconds(2));
  EXPECT_EQ(schedule.Next(kBegan, kEnded, Failed(minutes(5))),
            kEnded + minutes(5));
}

}  // namespace
}  // namespace ta
