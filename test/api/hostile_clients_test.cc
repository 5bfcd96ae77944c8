// Clients that are slow, many, or gone: each meets a deadline or a limit, and
// others don't notice. server_budget_test.cc has those who ask for much.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <deque>
#include <string>

#include "allocator/base/log.h"
#include "api/server.h"
#include "test/api/server_fixture.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::kTargets;
using test::RawClient;
using testing::EndsWith;
using testing::StartsWith;

class HostileClientsTest : public test::ServerFixture {
 protected:
  // A client that was there before goes on, and a new one is served.
  void ExpectOthersUnaffected(RawClient& old_one) {
    old_one.Get("/livez");
    EXPECT_THAT(old_one.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(Ask(kTargets), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  bool Left(std::int64_t connections) {
    return Eventually(
        [&] { return server_->stats().connections.load() == connections; });
  }
};

// -- slow --

TEST_F(HostileClientsTest, ASlowHeaderIsClosed) {
  options_.header_timeout = milliseconds(30);
  Start();
  RawClient client = Connect();
  client.Send("GET /jobs HT");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(server_->stats().timeouts.load(), 1u);
}

// Each byte comes soon after the one before: what counts is the whole.
TEST_F(HostileClientsTest, AHeaderThatNeverEndsIsClosed) {
  options_.header_timeout = milliseconds(50);
  Start();
  RawClient client = Connect();
  client.Send("GET /jobs HTTP/1.1\r\nHost: x\r\nA: ");
  int sent = 0;
  EXPECT_TRUE(Eventually([&] {
    // Fewer than a header may have.
    if (++sent < 16'000) {
      ::send(client.fd(), "b", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return server_->stats().timeouts.load() == 1;
  }));
  EXPECT_TRUE(Left(0));
}

TEST_F(HostileClientsTest, ASlowBodyIsClosed) {
  options_.body_timeout = milliseconds(30);
  Start();
  RawClient client = Connect();
  client.Get("/-/reload", "Content-Length: 10\r\n", "POST");
  client.Send("123");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HostileClientsTest, ManySlowOnesHoldUpNobody) {
  options_.header_timeout = options_.body_timeout = std::chrono::hours(1);
  Start();
  RawClient old_one = Connect();
  std::deque<RawClient> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(server_->port()).Send("GET /jobs HT");
    slow.emplace_back(server_->port())
        .Get("/-/reload", "Content-Length: 10\r\n", "POST");
  }
  ASSERT_TRUE(Left(201));
  ExpectOthersUnaffected(old_one);
  slow.front().Send("TP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(slow.front().ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HostileClientsTest, AClientThatReadsNothingIsClosed) {
  snapshots_.Set(test::LargeWorld());
  options_.write_timeout =
      milliseconds(-1'000'000);  // cancels the time by size
  Start();
  RawClient client = Connect();
  client.Get(kTargets);
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().timeouts.load() == 1; }));
}

// Requests are taken one at a time: what piles up is in the kernel's buffers,
// which are bounded, and the client's own.
TEST_F(HostileClientsTest, WhoPipelinesWithoutReadingIsClosed) {
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  options_.write_timeout = milliseconds(100);
  Start();
  RawClient old_one = Connect();
  RawClient client = Connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    requests += "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  std::size_t sent = 0;
  while (sent < kMostBytes && client.Send(requests)) sent += requests.size();
  EXPECT_LT(sent, kMostBytes);
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().timeouts.load() == 1; }));
  ExpectOthersUnaffected(old_one);
}

// -- many --

TEST_F(HostileClientsTest, AboveTheCapConnectionsAreRefused) {
  options_.max_connections = 2;
  Start();
  const LogCapture log;
  RawClient first = Connect();
  RawClient second = Connect();
  ASSERT_TRUE(
      Eventually([&] { return server_->stats().connections.load() == 2; }));
  RawClient third = Connect();
  const std::string answer = third.ReadAnswer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer,
              EndsWith("\r\n\r\n{\"error\":\"too many connections\"}\n"));
  EXPECT_EQ(server_->stats().refused.load(), 1u);
  first.Close();
  ASSERT_TRUE(
      Eventually([&] { return server_->stats().connections.load() == 1; }));
  RawClient fourth = Connect();
  fourth.Get("/livez");
  EXPECT_THAT(fourth.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HostileClientsTest, AtTheLimitThoseWhoAreInAreServed) {
  options_.max_connections = 50;
  Start();
  const LogCapture log;
  std::deque<RawClient> idle;
  for (int i = 0; i < 50; ++i) idle.emplace_back(server_->port());
  ASSERT_TRUE(Left(50));
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(Connect().ReadAnswer(), StartsWith("HTTP/1.1 503 "));
  }
  for (RawClient& client : idle) {
    client.Get("/livez");
    EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(server_->stats().refused.load(), 200u);
  EXPECT_EQ(log.Count("refusing connections"), 1);
}

TEST_F(HostileClientsTest, RunningOutOfFilesIsSurvived) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan looks at memory through a pipe, which takes files";
#endif
  Start();
  const LogCapture log;
  RawClient client;  // its own descriptor, before there are none
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);
  client.Connect(server_->port());
  client.Get("/livez");
  const bool failed =
      Eventually([&] { return server_->stats().accept_failures.load() > 0; });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(failed);
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// -- gone --

TEST_F(HostileClientsTest, AHalfClosedClientIsAnswered) {
  Start();
  RawClient client = Connect();
  client.Get("/jobs");
  client.FinishSending();
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HostileClientsTest, HalfARequestOfAHalfClosedClientIsTheEnd) {
  Start();
  for (const char* begin :
       {"", "GET /jobs HT", "GET /jobs HTTP/1.1\r\nHost: x\r\n",
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n12"}) {
    RawClient client = Connect();
    client.Send(begin);
    client.FinishSending();
    EXPECT_TRUE(client.IsClosed()) << begin;
  }
  EXPECT_TRUE(Left(0));
  EXPECT_EQ(server_->stats().timeouts.load(), 0u);
}

TEST_F(HostileClientsTest, AResetConnectionHarmsNoOther) {
  Start();
  for (int i = 0; i < 20; ++i) {
    RawClient client = Connect();
    client.Get(kTargets);
    client.Reset();
  }
  RawClient client = Connect();
  client.Get(kTargets);
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  client.Close();
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().connections.load() == 0; }));
}

TEST_F(HostileClientsTest, AStormOfResetsLeavesNothingBehind) {
  snapshots_.Set(test::LargeWorld());
  Start();
  RawClient old_one = Connect();
  for (int i = 0; i < 200; ++i) {
    Connect().Reset();
    RawClient begun = Connect();
    begun.Send("GET /jobs HT");
    RawClient body = Connect();
    body.Get("/-/reload", "Content-Length: 10\r\n", "POST");
    RawClient answered = Connect();
    answered.Get(i % 100 == 0 ? kTargets : "/livez");
    begun.Reset();
    body.Reset();
    answered.Reset();
  }
  RawClient last = Connect();  // accepted after all of them
  last.Get("/livez");
  EXPECT_THAT(last.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  last.Close();
  EXPECT_TRUE(Left(1)) << server_->stats().connections.load() << " are left";
  old_one.Get("/livez");
  EXPECT_THAT(old_one.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace ta
