// What flows through the server besides answers: polls, held requests, reloads,
// and its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/server.h"
#include "test/api/server_fixture.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::kScraper;
using test::kTargets;
using test::RawClient;
using test::SnapshotBuilder;
using testing::HasSubstr;
using testing::StartsWith;

class StillClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(std::chrono::hours(7)); }
};

class ServerFlowTest : public test::ServerFixture {
 protected:
  ServerFlowTest() {
    options_.clock = &clock_;
    callbacks_.on_poll = [this](Poll poll) {
      const std::lock_guard lock(mutex_);
      polls_.push_back(std::move(poll));
    };
  }

  std::vector<Poll> Polls() {
    const std::lock_guard lock(mutex_);
    return polls_;
  }
  bool WaitForPolls(std::size_t count) {
    return Eventually([&] { return Polls().size() >= count; });
  }
  // A snapshot with one job, where `members` are members.
  static std::shared_ptr<const Snapshot> World(
      const std::vector<std::string>& members, std::uint64_t generation) {
    SnapshotBuilder builder;
    builder.raw().polling_members = true;
    builder.raw().generation = generation;
    builder.Job("web");
    for (const std::string& name : members) {
      builder.Member(name);
      builder.Target("web", name, {{"__address__", name + ":1"}});
    }
    return builder.Build();
  }

  StillClock clock_;
  std::mutex mutex_;  // guards polls_
  std::vector<Poll> polls_;
};

TEST_F(ServerFlowTest, AScrapersAnswerIsReportedOnceWritten) {
  snapshots_.Set(World({"a"}, 5));
  Start();
  RawClient client = Connect();
  client.Get("/jobs/web/targets?collector_id=a", kScraper);
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("a:1"));
  ASSERT_TRUE(WaitForPolls(1));
  const Poll poll = Polls()[0];
  EXPECT_EQ(poll.collector, "a");
  EXPECT_EQ(poll.job, "web");
  EXPECT_EQ(poll.sent_generation, 5u);
  EXPECT_EQ(poll.refresh_interval, std::chrono::seconds(30));
  EXPECT_EQ(poll.at, clock_.Now());
}

TEST_F(ServerFlowTest, NeitherCurlNorHeadIsReported) {
  snapshots_.Set(World({"a"}, 5));
  Start();
  RawClient client = Connect();
  client.Get("/jobs/web/targets?collector_id=a");
  client.ReadAnswer();
  client.Get("/jobs/web/targets?collector_id=a", kScraper, "HEAD");
  client.ReadAnswer(false);
  client.Get("/jobs/web/targets?collector_id=a",
             "x-target-allocator-sidecar: 1\r\n");
  client.ReadAnswer();
  ASSERT_TRUE(WaitForPolls(1));
  EXPECT_EQ(Polls().size(), 1u);
  EXPECT_EQ(Polls()[0].refresh_interval, milliseconds(0));
}

TEST_F(ServerFlowTest, AnAnswerThatWasCutWasNotSent) {
  snapshots_.Set(test::LargeWorld());
  Start();
  RawClient client = Connect();
  client.Get(kTargets, kScraper);
  // The head is there, so that the answer has begun.
  char first;
  ASSERT_EQ(::recv(client.fd(), &first, 1, 0), 1);
  client.Reset();
  ASSERT_TRUE(WaitForPolls(1));
  EXPECT_EQ(Polls()[0].sent_generation, std::nullopt);
}

TEST_F(ServerFlowTest, ANewNameIsAnsweredFromTheSnapshotThatHasIt) {
  options_.hold_time = std::chrono::hours(1);  // only a snapshot ends it
  snapshots_.Set(World({"old"}, 1));
  Start();
  RawClient client = Connect();
  client.Get("/jobs/web/targets?collector_id=new", kScraper);
  ASSERT_TRUE(WaitForPolls(1));
  EXPECT_EQ(Polls()[0].collector, "new");
  EXPECT_EQ(Polls()[0].sent_generation, std::nullopt);
  EXPECT_EQ(server_->stats().held.load(), 1);
  snapshots_.Set(World({"old"}, 2));  // newer, but without it
  snapshots_.Set(World({"new", "old"}, 3));
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("new:1"));
  ASSERT_TRUE(WaitForPolls(2));
  EXPECT_EQ(Polls()[1].sent_generation, 3u);
  EXPECT_EQ(server_->stats().held.load(), 0);
}

// A snapshot may come between the look at the last one and the wait.
TEST_F(ServerFlowTest, ASnapshotSetFromThePollIsNotMissed) {
  options_.hold_time = std::chrono::hours(1);
  std::atomic<std::uint64_t> generation = 1;
  callbacks_.on_poll = [&](Poll poll) {
    if (!poll.sent_generation) {
      snapshots_.Set(World({poll.collector}, ++generation));
    }
  };
  snapshots_.Set(World({}, 1));
  Start();
  for (int i = 0; i < 200; ++i) {
    const std::string name = "c" + std::to_string(i);
    RawClient client = Connect();
    client.Get("/jobs/web/targets?collector_id=" + name, kScraper);
    ASSERT_THAT(client.ReadAnswer(), HasSubstr(name + ":1"));
  }
}

TEST_F(ServerFlowTest, ANameThatDoesNotBecomeAMemberIs503) {
  options_.hold_time = milliseconds(20);
  snapshots_.Set(World({"old"}, 1));
  Start();
  RawClient client = Connect();
  client.Get("/jobs/web/targets?collector_id=new", kScraper);
  EXPECT_THAT(client.ReadAnswer(),
              StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

// -- reload --

TEST_F(ServerFlowTest, AReloadIsAnsweredWhenItHasEnded) {
  std::promise<ServerCallbacks::ReloadReply> asked;
  callbacks_.on_reload = [&](ServerCallbacks::ReloadReply reply) {
    asked.set_value(std::move(reply));
  };
  Start();
  RawClient client = Connect();
  client.Get("/-/reload", "Content-Length: 2\r\nExpect: 100-continue\r\n",
             "POST");
  EXPECT_EQ(client.ReadAnswer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("{}");
  asked.get_future().get()({});
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerFlowTest, AReloadThatFailedIs500WithTheMistakes) {
  callbacks_.on_reload = [](ServerCallbacks::ReloadReply reply) {
    reply(Reject("ta.yaml:1:1: not a map"));
  };
  Start();
  RawClient client = Connect();
  client.Get("/-/reload", "", "POST");
  const std::string answer = client.ReadAnswer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"error\":\"ta.yaml:1:1: not a map\"}\n"));
}

TEST_F(ServerFlowTest, AReloadThatDoesNotEndIs500) {
  options_.reload_timeout = milliseconds(20);
  std::promise<ServerCallbacks::ReloadReply> asked;
  callbacks_.on_reload = [&](ServerCallbacks::ReloadReply reply) {
    asked.set_value(std::move(reply));
  };
  Start();
  RawClient client = Connect();
  client.Get("/-/reload", "", "POST");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 500 "));
  const auto reply = asked.get_future().get();
  reply({});  // too late, and harmless
  client.Get("/livez");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  server_.reset();
  reply({});  // later still
}

TEST_F(ServerFlowTest, WithoutAReloaderItIs503) {
  Start();
  RawClient client = Connect();
  client.Get("/-/reload", "", "POST");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 503 "));
}

// -- the end --

TEST_F(ServerFlowTest, StopClosesWhatIsIdleAndAnswersWhatIsHeld) {
  options_.hold_time = std::chrono::hours(1);
  options_.reload_timeout = std::chrono::hours(1);
  callbacks_.on_reload = [](ServerCallbacks::ReloadReply) {};
  snapshots_.Set(World({}, 1));
  Start();
  RawClient idle = Connect();
  idle.Get("/livez");
  idle.ReadAnswer();
  RawClient held = Connect();
  held.Get("/jobs/web/targets?collector_id=new", kScraper);
  RawClient reloading = Connect();
  reloading.Get("/-/reload", "", "POST");
  ASSERT_TRUE(Eventually([&] { return server_->stats().held.load() == 1; }));
  std::thread reader([&] {
    EXPECT_TRUE(idle.IsClosed());
    const std::string answer = held.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    // It may have come too late to be read at all; never is it left hanging.
    EXPECT_THAT(reloading.ReadAll(),
                testing::AnyOf("", StartsWith("HTTP/1.1 503 ")));
  });
  server_->Stop();
  reader.join();
  EXPECT_EQ(server_->stats().connections.load(), 0);
  EXPECT_FALSE(RawClient().Connect(server_->port()));
}

TEST_F(ServerFlowTest, StopDoesNotWaitForAClientThatDoesNotRead) {
  options_.stop_timeout = milliseconds(30);
  snapshots_.Set(test::LargeWorld());
  Start();
  RawClient client = Connect();
  client.Get(kTargets);
  char first;
  ASSERT_EQ(::recv(client.fd(), &first, 1, 0), 1);
  server_->Stop();  // the test would hang
  EXPECT_EQ(server_->stats().connections.load(), 0);
}

TEST_F(ServerFlowTest, StopMayBeCalledTwiceAndBeforeStart) {
  Server never(options_, snapshots_);
  never.Stop();
  Start();
  server_->Stop();
  server_->Stop();
}

TEST_F(ServerFlowTest, SnapshotsMayChangeWhileManyAskAndWhileItStops) {
  snapshots_.Set(World({"a"}, 1));
  options_.hold_time = milliseconds(5);
  Start();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::uint64_t generation = 1;
    while (!done) snapshots_.Set(World({"a"}, ++generation));
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      RawClient client = Connect();
      const std::string name = i % 2 == 0 ? "a" : "nobody";
      for (int request = 0; request < 50; ++request) {
        client.Get("/jobs/web/targets?collector_id=" + name, kScraper);
        const std::string answer = client.ReadAnswer();
        EXPECT_THAT(answer,
                    StartsWith(i % 2 == 0 ? "HTTP/1.1 200 " : "HTTP/1.1 503 "));
      }
    });
  }
  for (auto& client : clients) client.join();
  server_->Stop();
  done = true;
  writer.join();
}

}  // namespace
}  // namespace ta
