// The server as HTTP, among those who mean well. What is answered is the
// router's tests' matter.

#include "api/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <malloc.h>

#include <deque>
#include <fstream>
#include <memory>
#include <string>

#include "api/connection.h"
#include "test/api/server_fixture.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::kTargets;
using test::RawClient;
using test::SnapshotBuilder;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerTest : public test::ServerFixture {};

TEST_F(ServerTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
  Start();
  httplib::Client client("127.0.0.1", server_->port());
  client.set_keep_alive(true);
  for (int i = 0; i < 100; ++i) {
    const auto answer = client.Get(kTargets);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->status, 200);
    ASSERT_EQ(
        answer->body,
        "[{\"targets\":[\"a:1\"],\"labels\":{\"__address__\":\"a:1\"}}]\n");
  }
  EXPECT_EQ(server_->stats().accepted.load(), 1u);
}

TEST_F(ServerTest, SendsTheHeadersOfAnAnswer) {
  Start();
  RawClient client = Connect();
  client.Get(kTargets);
  const std::string answer = client.ReadAnswer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr(" GMT\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 53\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nETag: W/\""));
  EXPECT_THAT(answer, HasSubstr("\r\nVary: Accept-Encoding\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("\r\nConnection:")));
}

TEST_F(ServerTest, GzipIsUnpackedByAClient) {
  SnapshotBuilder builder;
  builder.Member("c").Job("web");
  for (int i = 0; i < 100; ++i) {
    builder.Target("web", "c", {{"__address__", "a:" + std::to_string(i)}});
  }
  snapshots_.Set(builder.Build());
  Start();
  RawClient plain = Connect();
  plain.Get(kTargets);
  RawClient packed = Connect();
  packed.Get(kTargets, "accept-encoding: br\r\nAccept-Encoding: gzip\r\n");
  const std::string answer = packed.ReadAnswer();
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_LT(answer.size(), plain.ReadAnswer().size() / 2);
}

TEST_F(ServerTest, HeadHasTheHeadersAndNoBody) {
  Start();
  RawClient client = Connect();
  client.Get(kTargets, "", "HEAD");
  const std::string head = client.ReadAnswer(false);
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 53\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  client.Get("/livez");  // had a body followed, this would read it
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, A304HasNoBodyAndNoLength) {
  Start();
  RawClient client = Connect();
  client.Get(kTargets, "If-None-Match: \"x\"\r\nIf-None-Match: *\r\n");
  client.Get("/livez");
  const std::string answer = client.ReadAnswer(false);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nETag: W/\""));
  EXPECT_THAT(answer, Not(HasSubstr("Content-")));
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(server_->stats().not_modified.load(), 1u);
}

TEST_F(ServerTest, ErrorsNameWhatIsAllowedAndWhereToGo) {
  Start();
  RawClient client = Connect();
  client.Get("/jobs", "", "DELETE");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  client.Get("/jobs/");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("\r\nLocation: /jobs\r\n"));
  client.Get("/jobs/%zz/targets");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient client = Connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += std::string("GET ") + (i % 2 == 0 ? "/jobs" : "/livez") +
                " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(requests);
  for (int i = 0; i < 50; ++i) {
    const std::string answer = client.ReadAnswer();
    ASSERT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n")) << i;
    ASSERT_EQ(answer.ends_with("}\n"), i % 2 == 0) << i;
  }
}

TEST_F(ServerTest, ARequestMayComeByteByByte) {
  Start();
  RawClient client = Connect();
  for (const char byte : std::string("GET /jobs HTTP/1.1\r\nHost: x\r\n\r\n")) {
    client.Send({&byte, 1});
  }
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, Http10IsClosedUnlessItAsksOtherwise) {
  Start();
  RawClient client = Connect();
  client.Send("GET /jobs HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.IsClosed());
  RawClient other = Connect();
  other.Send("GET /jobs HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(other.ReadAnswer(), HasSubstr("\r\nConnection: keep-alive\r\n"));
  other.Get("/jobs");
  EXPECT_THAT(other.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, ConnectionCloseIsFollowed) {
  Start();
  RawClient client = Connect();
  client.Get("/jobs", "Connection: close\r\n");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(ServerTest, AnIdleConnectionIsClosedAtItsDeadline) {
  options_.idle_timeout = milliseconds(50);
  Start();
  RawClient fresh = Connect();
  EXPECT_TRUE(fresh.IsClosed());
  RawClient used = Connect();
  used.Get("/jobs");
  EXPECT_THAT(used.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(used.IsClosed());
  EXPECT_EQ(server_->stats().timeouts.load(), 0u);
}

TEST(WriteTimeTest, GrowsWithTheBodyWithinALimit) {
  EXPECT_EQ(WriteTime(milliseconds(30'000), 0), milliseconds(30'000));
  EXPECT_EQ(WriteTime(milliseconds(30'000), 640'000), milliseconds(40'000));
  EXPECT_EQ(WriteTime(milliseconds(30'000), std::size_t{8} << 30),
            milliseconds(120'000));
  EXPECT_EQ(WriteTime(milliseconds(300'000), 640'000), milliseconds(300'000));
}

TEST_F(ServerTest, WithoutAHostItListensOnBothFamilies) {
  options_.listen_addr = ":0";
  Start();
  httplib::Client v4("127.0.0.1", server_->port());
  EXPECT_TRUE(v4.Get("/livez"));
  if (std::ifstream("/proc/net/if_inet6").peek() == EOF) {
    GTEST_SKIP() << "IPv6 is off here: IPv4 alone was served";
  }
  httplib::Client v6("::1", server_->port());
  EXPECT_TRUE(v6.Get("/livez"));
}

TEST_F(ServerTest, WhatCannotBeBoundIsAnError) {
  Start();
  ServerOptions same = options_;
  same.listen_addr = "127.0.0.1:" + std::to_string(server_->port());
  const auto taken = Server(same, snapshots_).Start();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message,
            "listen on " + same.listen_addr + ": bind: Address already in use");
  for (const char* bad : {"8080", "127.0.0.1:x", "127.0.0.1:70000", "::1:80",
                          "127.0.0.1:", "no.such.host.invalid:0"}) {
    ServerOptions options = options_;
    options.listen_addr = bad;
    EXPECT_FALSE(Server(options, snapshots_).Start()) << bad;
  }
}

TEST_F(ServerTest, ItsMetricsAreServed) {
  Start();
  httplib::Client client("127.0.0.1", server_->port());
  client.Get(kTargets);
  // An answer is counted after its last byte was written, so the client may be
  // ahead of it.
  httplib::Result answer = client.Get("/metrics");
  ASSERT_TRUE(Eventually([&] {
    answer = client.Get("/metrics");
    return answer &&
           answer->body.contains("http_duration_seconds_count{path=\"/jobs/") &&
           answer->body.contains("\ntarget_allocator_http_connections 1\n");
  }));
  EXPECT_EQ(answer->get_header_value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer->body,
              HasSubstr("opentelemetry_allocator_http_duration_seconds_count{"
                        "path=\"/jobs/:job_id/targets\","));
  EXPECT_THAT(answer->body,
              HasSubstr("\ntarget_allocator_http_connections 1\n"));
  EXPECT_THAT(answer->body, HasSubstr("\nprocess_open_fds "));
}

// Bytes of the heap in use: what a connection holds, whatever the allocator
// keeps for later.
double HeapBytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

TEST_F(ServerTest, AnIdleConnectionCostsLittleMemory) {
  constexpr int kConnections = 2000;
  Start();
  std::deque<RawClient> clients;
  const auto open = [&](int count) {
    for (int i = 0; i < count; ++i) {
      RawClient& client = clients.emplace_back(server_->port());
      client.Get(kTargets);
      ASSERT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
  };
  open(100);  // first use of everything
  const double before = HeapBytes();
  open(kConnections);
  const double each = (HeapBytes() - before) / kConnections;
  RecordProperty("bytes_each", static_cast<int>(each));
  EXPECT_EQ(server_->stats().connections.load(), kConnections + 100);
  // A sanitizer's heap tells nothing: it is 0 there, or larger by its marks.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(each, 8192);
#endif
}

}  // namespace
}  // namespace ta
