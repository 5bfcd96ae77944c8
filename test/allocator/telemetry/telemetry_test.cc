#include "allocator/telemetry/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/metric_family.h"
#include "discovery/http_gzip.h"
#include "test/discovery/manual_time.h"
#include "test/discovery/script_server.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::StartsWith;

struct Push {
  std::string head;
  std::string body;

  // Of the only family's only point.
  double value() const {
    simdjson::dom::parser parser;
    double out = 0;
    EXPECT_EQ(parser.parse(body)
                  .at_pointer("/resourceMetrics/0/scopeMetrics/0/metrics/0/sum/"
                              "dataPoints/0/asDouble")
                  .get(out),
              simdjson::SUCCESS)
        << body;
    return out;
  }
};

// An OTLP receiver that answers as it is told, and 200 when told nothing.
class Receiver {
 public:
  static constexpr const char* kSilence = "";

  Receiver() : server_([this](auto& connection) { Serve(connection); }) {}

  // The status line and headers of the next answer not yet planned.
  void Plan(std::string answer) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
  }
  // The next push; nothing within the deadline is a failure.
  Push Take() {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, test::kDeadline, [&] { return !pushes_.empty(); });
    if (pushes_.empty()) {
      ADD_FAILURE() << "no push";
      return {};
    }
    Push push = std::move(pushes_.front());
    pushes_.pop_front();
    return push;
  }
  std::string url() const { return server_.url("/v1/metrics"); }

 private:
  void Serve(test::ScriptConnection& connection) {
    for (std::string head = connection.ReadHead(); !head.empty();
         head = connection.ReadHead()) {
      constexpr std::string_view kLength = "Content-Length: ";
      const auto at = head.find(kLength);
      const auto size =
          at == head.npos ? 0 : std::stoul(head.substr(at + kLength.size()));
      std::string body = connection.ReadBytes(size);
      std::string answer = "HTTP/1.1 200 OK\r\n";
      {
        const std::lock_guard lock(mutex_);
        if (!answers_.empty()) {
          answer = std::move(answers_.front());
          answers_.pop_front();
        }
        pushes_.push_back({std::move(head), std::move(body)});
        arrived_.notify_all();
      }
      if (answer == kSilence) return connection.WaitClosed();
      connection.Send(answer + "Content-Length: 2\r\n\r\n{}");
    }
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::deque<std::string> answers_;
  std::deque<Push> pushes_;
  test::ScriptServer server_;  // the last: its threads use the rest
};

// One reader of a counter that a test sets.
class TelemetryTest : public testing::Test {
 protected:
  TelemetryTest() {
    OtlpReaderConfig reader;
    reader.index = 1;
    reader.url = receiver_.url();
    reader.interval = minutes(1);
    reader.client.follow_redirects = false;
    config_.readers.push_back(reader);
  }

  OtlpReaderConfig& reader() { return config_.readers.front(); }

  void Start() {
    metrics_ = std::make_unique<TelemetryMetrics>(config_);
    telemetry_ = std::make_unique<Telemetry>(
        config_,
        Telemetry::Options{.version = "1.2.3",
                           .host_name = "pod-0",
                           .last_push = last_push_,
                           .time = time_.time()},
        [this] {
          FamilyList out;
          out.Counter("served_total", "").Sample(served_.load());
          return out.Take();
        },
        *metrics_);
  }

  // Lets the reader push, and returns how long it had waited for that.
  Duration WaitAndPush() {
    const auto waited = time_.SkipWait();
    EXPECT_TRUE(waited);
    return waited.value_or(Duration::zero());
  }
  Push NextPush() {
    WaitAndPush();
    return receiver_.Take();
  }
  // The one sample of ours, once the push that was made has been answered.
  double Metric(const std::string& name) {
    EXPECT_TRUE(time_.Waiting());
    for (const auto& family : metrics_->Collect()) {
      if (family.name != name) continue;
      EXPECT_EQ(family.metric.at(0).label.at(0).value, "1");
      return family.metric.at(0).gauge.value;
    }
    ADD_FAILURE() << name;
    return -1;
  }

  test::ManualTime time_;
  Receiver receiver_;
  std::atomic<double> served_ = 5;
  Duration last_push_ = seconds(5);
  TelemetryConfig config_;
  std::unique_ptr<TelemetryMetrics> metrics_;
  std::unique_ptr<Telemetry> telemetry_;
};

TEST_F(TelemetryTest, PushesEachInterval) {
  config_.resource = {{"k8s.pod.name", "p"}, {"service.name", "mine"}};
  reader().client.http_headers = {{"Api-Token", {"s3cret"}, {}, {}}};
  Start();
  EXPECT_EQ(WaitAndPush(), minutes(1));
  const Push push = receiver_.Take();
  EXPECT_THAT(push.head, StartsWith("POST /v1/metrics HTTP/1.1\r\n"));
  EXPECT_THAT(push.head, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(push.head,
              HasSubstr("\r\nUser-Agent: target-allocator/1.2.3\r\n"));
  EXPECT_THAT(push.head, HasSubstr("\r\nApi-Token: s3cret\r\n"));
  EXPECT_EQ(push.value(), 5);
  for (const auto* attribute :
       {R"({"key":"service.name","value":{"stringValue":"mine"}})",
        R"({"key":"service.instance.id","value":{"stringValue":"pod-0"}})",
        R"({"key":"k8s.pod.name","value":{"stringValue":"p"}})"})
    EXPECT_THAT(push.body, HasSubstr(attribute));
  served_ = 6;
  EXPECT_EQ(WaitAndPush(), minutes(1));
  EXPECT_EQ(receiver_.Take().value(), 6);
  EXPECT_EQ(Metric("target_allocator_telemetry_pushes_total"), 2);
  EXPECT_EQ(Metric("target_allocator_telemetry_push_failures_total"), 0);
  EXPECT_EQ(Metric("target_allocator_telemetry_problem"), 0);
}

TEST_F(TelemetryTest, AConfiguredUserAgentIsTheOnlyOne) {
  reader().client.http_headers = {{"user-agent", {}, {"mine/1"}, {}}};
  Start();
  const std::string head = NextPush().head;
  EXPECT_THAT(head, HasSubstr("\r\nUser-Agent: mine/1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("user-agent")));
}

TEST_F(TelemetryTest, GzipIsUndoneToTheSame) {
  reader().gzip = true;
  Start();
  const Push push = NextPush();
  EXPECT_THAT(push.head, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  GzipDecoder decoder(1 << 20);
  Push plain;
  ASSERT_TRUE(decoder.Feed(push.body, [&](std::string_view piece) {
    plain.body += piece;
    return Result<void>();
  }));
  EXPECT_EQ(plain.value(), 5);
}

TEST_F(TelemetryTest, ADeltaThatWasNotTakenIsInTheNext) {
  reader().temporality = Temporality::kDelta;
  receiver_.Plan("HTTP/1.1 503 Service Unavailable\r\n");
  Start();
  EXPECT_EQ(NextPush().value(), 5);
  EXPECT_EQ(Metric("target_allocator_telemetry_problem"), 1);
  served_ = 7;
  // Sooner than the interval.
  EXPECT_THAT(WaitAndPush(), AllOf(Ge(milliseconds(4500)), Le(seconds(5))));
  EXPECT_EQ(receiver_.Take().value(), 7);
  EXPECT_EQ(Metric("target_allocator_telemetry_problem"), 0);
  served_ = 8;
  EXPECT_EQ(NextPush().value(), 1);
  EXPECT_EQ(Metric("target_allocator_telemetry_pushes_total"), 3);
  EXPECT_EQ(Metric("target_allocator_telemetry_push_failures_total"), 1);
}

TEST_F(TelemetryTest, ADeltaThatNobodyWillTakeIsLost) {
  reader().temporality = Temporality::kDelta;
  receiver_.Plan("HTTP/1.1 400 Bad Request\r\n");
  Start();
  EXPECT_EQ(NextPush().value(), 5);
  served_ = 7;
  EXPECT_EQ(WaitAndPush(), minutes(1));
  EXPECT_EQ(receiver_.Take().value(), 2);
}

TEST_F(TelemetryTest, RetryAfterIsKept) {
  receiver_.Plan("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 400\r\n");
  Start();
  NextPush();
  EXPECT_EQ(WaitAndPush(), seconds(400));
}

TEST_F(TelemetryTest, ARedirectIsNotFollowed) {
  receiver_.Plan("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n");
  Start();
  NextPush();
  EXPECT_EQ(Metric("target_allocator_telemetry_push_failures_total"), 1);
  EXPECT_THAT(NextPush().head, StartsWith("POST /v1/metrics "));
}

TEST_F(TelemetryTest, ASilentReceiverIsGivenUpOn) {
  reader().timeout = milliseconds(50);
  receiver_.Plan(Receiver::kSilence);
  Start();
  NextPush();
  EXPECT_EQ(Metric("target_allocator_telemetry_push_failures_total"), 1);
  EXPECT_EQ(NextPush().value(), 5);
  EXPECT_EQ(Metric("target_allocator_telemetry_problem"), 0);
}

TEST_F(TelemetryTest, TheLastPushIsAtTheEnd) {
  Start();
  ASSERT_TRUE(time_.Waiting());
  served_ = 9;
  telemetry_->Stop();
  EXPECT_EQ(receiver_.Take().value(), 9);
}

TEST_F(TelemetryTest, TheEndWaitsNoLongerThanTheTimeout) {
  reader().timeout = milliseconds(50);
  receiver_.Plan(Receiver::kSilence);
  Start();
  ASSERT_TRUE(time_.Waiting());
  const auto began = std::chrono::steady_clock::now();
  telemetry_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, test::kDeadline);
}

TEST_F(TelemetryTest, TheEndWaitsForNoTimeoutThatIsLonger) {
  reader().timeout = minutes(60);
  last_push_ = milliseconds(50);
  receiver_.Plan(Receiver::kSilence);
  Start();
  ASSERT_TRUE(time_.Waiting());
  telemetry_->Stop();
  receiver_.Take();
}

TEST_F(TelemetryTest, TheEndCutsAPushThatIsUnderWay) {
  reader().timeout = minutes(60);
  last_push_ = milliseconds(50);
  receiver_.Plan(Receiver::kSilence);
  Start();
  NextPush();
  telemetry_->Stop();
}

TEST_F(TelemetryTest, WithoutReadersNothingHappens) {
  config_.readers.clear();
  Start();
  telemetry_->Stop();
  for (const auto& family : metrics_->Collect())
    EXPECT_THAT(family.metric, IsEmpty());
}

TEST(ResourceOfProcessTest, TheEnvironmentWins) {
  const auto resource = ResourceOfProcess(
      {{"service.instance.id", "i"}, {"a", "b"}}, "1.2.3", "host");
  EXPECT_EQ(resource,
            (ResourceAttributes{{"a", "b"},
                                {"service.instance.id", "i"},
                                {"service.name", "target-allocator"},
                                {"service.version", "1.2.3"},
                                {"telemetry.sdk.language", "cpp"},
                                {"telemetry.sdk.name", "target-allocator"},
                                {"telemetry.sdk.version", "1.2.3"}}));
}

}  // namespace
}  // namespace ta
