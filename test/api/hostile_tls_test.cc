// Clients of the HTTPS port that take their time over a record, or come all at
// once.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/api/tls_fixture.h"

namespace ta {
namespace {

using test::Eventually;
using test::kTargets;
using test::RawClient;
using test::TlsClient;
using testing::StartsWith;

class HostileTlsTest : public test::TlsFixture {};

// They kept their connection for as long as an idle one, five minutes.
TEST_F(HostileTlsTest, ARecordThatIsNotFinishedIsClosed) {
  options_.header_timeout = std::chrono::milliseconds(50);
  Start();
  TlsClient old_one(port(), Good());
  ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));
  // Of its header a part, all, and all with a part of what it announces.
  std::uint64_t closed = 0;
  for (const std::size_t bytes : {1, 4, 5, 6, 20}) {
    TlsClient client(port(), Good());
    ASSERT_THAT(client.Ask("/livez"), StartsWith("HTTP/1.1 200"));
    std::string record("\x17\x03\x03\x00\x40", 5);
    record.resize(bytes, 'x');
    ASSERT_TRUE(client.raw().Send(record.substr(0, bytes)));
    client.raw().ReadAll();
    EXPECT_EQ(server_->stats().timeouts.load(), ++closed) << bytes << " bytes";
  }
  ExpectOthersUnaffected(old_one);
}

TEST_F(HostileTlsTest, ARecordThatComesByteByByteIsClosed) {
  options_.header_timeout = std::chrono::milliseconds(50);
  Start();
  TlsClient client(port(), Good());
  ASSERT_THAT(client.Ask("/livez"), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(client.raw().Send(std::string("\x17\x03\x03\x40\x00", 5)));
  int sent = 0;
  EXPECT_TRUE(Eventually([&] {
    // Fewer than the record announces.
    if (++sent < 16'000) {
      ::send(client.raw().fd(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return server_->stats().timeouts.load() == 1;
  }));
}

// Runs on the server's thread, in the midst of an answer to /metrics.
class Hook final : public prometheus::Collectable {
 public:
  explicit Hook(std::function<void()> run) : run_(std::move(run)) {}
  std::vector<prometheus::MetricFamily> Collect() const override {
    run_();
    return {};
  }

 private:
  const std::function<void()> run_;
};

// A handshake's first step, which signs, is a millisecond of CPU. No clock: how
// many have had it by the time of the probe's turn is counted on the server's
// only thread, where nothing else can happen meanwhile.
TEST_F(HostileTlsTest, AProbeDoesNotWaitForAllHandshakes) {
  constexpr int kClients = 100;
  options_.threads = 1;
  options_.handshake_timeout = std::chrono::minutes(5);
  std::deque<TlsClient> clients;
  const auto served = [&clients] {
    int count = 0;
    for (TlsClient& client : clients) {
      pollfd one{client.raw().fd(), POLLIN, 0};
      count += ::poll(&one, 1, 0);
    }
    return count;
  };
  std::promise<void> busy;
  std::promise<void> go_on;
  std::atomic<int> asked{0};
  std::atomic<int> before_probe{-1};
  options_.more_metrics.push_back(std::make_shared<Hook>([&] {
    if (asked++ == 0) {
      busy.set_value();
      go_on.get_future().wait();
    } else {
      before_probe = served();
    }
  }));
  Start();
  RawClient blocker = Connect();
  RawClient probe = Connect();
  for (int i = 0; i < kClients; ++i) clients.emplace_back(port(), Good());
  ASSERT_TRUE(Eventually(
      [&] { return server_->stats().connections.load() == kClients + 2; }));
  // While the thread is busy they all begin, and the probe comes last.
  blocker.Get("/metrics");
  busy.get_future().wait();
  for (TlsClient& client : clients) {
    ::fcntl(client.raw().fd(), F_SETFL, O_NONBLOCK);
    EXPECT_FALSE(client.Handshake());  // it has sent its part
  }
  probe.Send(
      "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  go_on.set_value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(probe.ReadAnswer(), StartsWith("HTTP/1.1 200"));
  }
  // One a round of the loop, of which three requests take a few.
  EXPECT_LE(before_probe.load(), kClients / 3);
  EXPECT_TRUE(Eventually([&] { return served() == kClients; }));
}

}  // namespace
}  // namespace ta
