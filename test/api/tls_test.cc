// Serving over mutual TLS, with real sockets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <deque>
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
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TlsTest : public test::TlsFixture {};

TEST_F(TlsTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
  Start();
  {
    TlsClient client(port(), Good());
    ASSERT_TRUE(client.Handshake()) << client.error();
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(client.Get(kTargets));
      ASSERT_THAT(client.ReadAnswer(),
                  EndsWith("[{\"targets\":[\"a:1\"],\"labels\":{"
                           "\"__address__\":\"a:1\"}}]\n"));
    }
    EXPECT_EQ(server_->stats().tls.connections.load(), 1);
  }
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().tls.connections.load() == 0; }));
  EXPECT_EQ(server_->stats().tls.handshakes.load(), 1u);
}

TEST_F(TlsTest, BothVersionsAreServed) {
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient::Options options = Good();
    options.min_version = options.max_version = version;
    TlsClient client(port(), options);
    EXPECT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"))
        << client.error();
    EXPECT_EQ(SSL_version(client.native()), version);
  }
}

TEST_F(TlsTest, AnAnswerOfMegabytesArrivesWhole) {
  test::SnapshotBuilder builder;
  builder.Member("c").Job("web");
  for (int i = 0; i < 20'000; ++i) {
    builder.Target("web", "c",
                   {{"__address__", "host-" + std::to_string(i) + ":9100"},
                    {"filler", std::string(150, 'x')}});
  }
  snapshots_.Set(builder.Build());
  Start();
  RawClient plain(server_->port());
  plain.Get(kTargets);
  const std::string expected = plain.ReadAnswer();
  ASSERT_GT(expected.size(), 4'000'000u);
  TlsClient client(port(), Good());
  const std::string answer = client.Ask(kTargets);
  EXPECT_EQ(answer.size(), expected.size());
  // Their Date may differ.
  const auto body = [](const std::string& whole) {
    return whole.substr(whole.find("\r\n\r\n"));
  };
  EXPECT_TRUE(body(answer) == body(expected));
}

// A header without a body was sent as if one followed, and lay in the kernel
// for 200 ms. The fastest of several tells a slow machine from that.
TEST_F(TlsTest, AnAnswerWithoutABodyIsSentAtOnce) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  for (const auto& [request, status] :
       std::vector<std::pair<std::string, std::string>>{
           {"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
           {"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
           {std::string("GET ") + kTargets +
                " HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
            "304"}}) {
    auto fastest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 10; ++i) {
      const auto before = std::chrono::steady_clock::now();
      ASSERT_TRUE(client.Send(request));
      ASSERT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 " + status));
      fastest = std::min(fastest, std::chrono::steady_clock::now() - before);
    }
    EXPECT_LT(fastest, std::chrono::milliseconds(100)) << request;
  }
}

TEST_F(TlsTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += std::string("GET ") + (i % 2 == 0 ? "/jobs" : "/livez") +
                " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(requests);  // one record, from which the server reads for long
  for (int i = 0; i < 200; ++i) {
    const std::string answer = client.ReadAnswer();
    ASSERT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n")) << i;
    ASSERT_EQ(answer.ends_with("}\n"), i % 2 == 0) << i;
  }
}

TEST_F(TlsTest, ARequestMayComeByteByByte) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  for (const char byte : std::string("GET /jobs HTTP/1.1\r\nHost: x\r\n\r\n")) {
    client.Send({&byte, 1});
  }
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// The record of new keys was taken for the beginning of a request, whose header
// did not come in time.
TEST_F(TlsTest, NewKeysLeaveAnIdleConnectionIdle) {
  options_.threads = 1;
  options_.header_timeout = std::chrono::milliseconds(50);
  for (const int answer :
       {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    Start();
    TlsClient client(port(), Good());
    TlsClient slow(port(), Good());
    ASSERT_THAT(client.Ask("/livez"), StartsWith("HTTP/1.1 200"));
    ASSERT_THAT(slow.Ask("/livez"), StartsWith("HTTP/1.1 200"));
    ASSERT_EQ(SSL_key_update(client.native(), answer), 1);
    ASSERT_EQ(SSL_do_handshake(client.native()), 1);
    // Its time begins later, and is over when this returns.
    ASSERT_TRUE(slow.Send("G"));
    EXPECT_EQ(slow.ReadAnswer(), "");
    EXPECT_EQ(server_->stats().timeouts.load(), 1u);
    EXPECT_TRUE(client.Get("/livez"));
    EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(TlsTest, AConnectionIsClosedWithAGoodbye) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  client.Get("/jobs", "Connection: close\r\n");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(client.ReadAnswer(), "");
  EXPECT_EQ(SSL_get_shutdown(client.native()) & SSL_RECEIVED_SHUTDOWN,
            SSL_RECEIVED_SHUTDOWN);
}

TEST_F(TlsTest, WhatIsNoHttpIsRefused) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  client.Send("hello\r\n\r\n");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(TlsTest, ChoosesHttp11AmongProtocols) {
  Start();
  TlsClient::Options options = Good();
  options.protocols = "\2h2\10http/1.1";
  TlsClient client(port(), options);
  EXPECT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"))
      << client.error();
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.native(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size),
            "http/1.1");
}

// A session that is resumed would go on with the CA of before.
TEST_F(TlsTest, NoSessionIsResumed) {
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient::Options options = Good();
    options.max_version = version;
    TlsClient first(port(), options);
    EXPECT_THAT(first.Ask(kTargets), StartsWith("HTTP/1.1 200"));
    TlsClient second(port(), options);
    SSL_SESSION* const session = SSL_get1_session(first.native());
    SSL_set_session(second.native(), session);
    EXPECT_THAT(second.Ask(kTargets), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(SSL_session_reused(second.native()), 0);
    SSL_SESSION_free(session);
  }
}

TEST_F(TlsTest, TheLimitOfConnectionsIsForBothPorts) {
  options_.max_connections = 2;
  Start();
  const LogCapture log;
  RawClient plain(server_->port());
  plain.Get("/livez");
  EXPECT_THAT(plain.ReadAnswer(), StartsWith("HTTP/1.1 200"));
  TlsClient first(port(), Good());
  EXPECT_THAT(first.Ask("/livez"), StartsWith("HTTP/1.1 200"));
  TlsClient second(port(), Good());
  EXPECT_FALSE(second.Handshake());
  RawClient other(server_->port());
  EXPECT_THAT(other.ReadAnswer(), StartsWith("HTTP/1.1 503"));
}

TEST_F(TlsTest, ItsMetricsAreServedOnBothPorts) {
  Start();
  TlsClient client(port(), Good());
  ASSERT_TRUE(client.Handshake()) << client.error();
  ASSERT_TRUE(client.Get("/metrics"));
  const std::string page = client.ReadAnswer();
  EXPECT_THAT(page, HasSubstr("\ntarget_allocator_tls_connections 1\n"));
  EXPECT_THAT(page, HasSubstr("\ntarget_allocator_tls_files_good 1\n"));
  EXPECT_THAT(page, HasSubstr("\ntarget_allocator_tls_handshake_failures_total{"
                              "reason=\"no_certificate\"} 0\n"));
  RawClient plain(server_->port());
  plain.Get("/metrics");
  EXPECT_THAT(
      plain.ReadAnswer(),
      HasSubstr("target_allocator_tls_certificate_expiry_timestamp_seconds "));
}

TEST_F(TlsTest, WithoutHttpsThereIsNoPortAndNoMetric) {
  options_.https.reset();
  Start();
  EXPECT_EQ(port(), 0);
  RawClient plain(server_->port());
  plain.Get("/metrics");
  EXPECT_THAT(plain.ReadAnswer(), Not(HasSubstr("target_allocator_tls_")));
}

TEST_F(TlsTest, APortThatIsTakenIsAnError) {
  Start();
  ServerOptions same = options_;
  same.https->listen_addr = "127.0.0.1:" + std::to_string(port());
  const auto taken = Server(same, snapshots_).Start();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, "listen on " + same.https->listen_addr +
                                       ": bind: Address already in use");
}

// Bytes of the heap in use, clients' included: they are let go before.
double HeapBytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

TEST_F(TlsTest, AnIdleConnectionCostsLittleMemory) {
  constexpr int kConnections = 300;
  Start();
  // The client's side: a socket without its SSL, which would count, too.
  std::deque<RawClient> sockets;
  const auto open = [&](int count) {
    for (int i = 0; i < count; ++i) {
      TlsClient client(port(), Good());
      ASSERT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"));
      sockets.emplace_back(std::move(client.raw()));
    }
  };
  open(50);  // first use of everything
  const double before = HeapBytes();
  open(kConnections);
  const double each = (HeapBytes() - before) / kConnections;
  RecordProperty("bytes_each", static_cast<int>(each));
  EXPECT_EQ(server_->stats().tls.connections.load(), kConnections + 50);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(each, 32'768);
#endif
}

}  // namespace
}  // namespace ta
