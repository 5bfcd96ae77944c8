// Whom the HTTPS port refuses: each by a clear error and a count of its own,
// and without harm to others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <deque>
#include <string>

#include "test/api/tls_fixture.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::Identity;
using test::kTargets;
using test::RawClient;
using test::SelfSigned;
using test::TestCa;
using test::TlsClient;
using testing::HasSubstr;
using testing::StartsWith;

class TlsRefusalsTest : public test::TlsFixture {
 protected:
  // A client with `options` gets nothing but `error`, in words of OpenSSL that
  // stand for the server's alert; it is counted, and logged once.
  void ExpectRefused(const TlsClient::Options& options, TlsFailure failure,
                     const std::string& error) {
    const LogCapture log;
    if (server_ == nullptr) Start();
    TlsClient old_one(port(), Good());
    ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClient::Options mine = options;
      if (mine.max_version == 0) mine.max_version = version;
      const std::uint64_t before = Failures(failure);
      TlsClient client(port(), mine);
      EXPECT_EQ(client.Ask(kTargets), "");
      EXPECT_THAT(client.error(), HasSubstr(error)) << "TLS " << version;
      EXPECT_TRUE(Eventually([&] { return Failures(failure) == before + 1; }));
    }
    EXPECT_TRUE(Eventually([&] {
      return log.Count("reason=" + std::string(ToString(failure))) == 1;
    }));
    ExpectOthersUnaffected(old_one);
  }
};

TEST_F(TlsRefusalsTest, NoCertificate) {
  // TLS 1.2 has no alert of that name.
  ExpectRefused({.ca = ca_.pem()}, TlsFailure::kNoCertificate, "alert");
}

TEST_F(TlsRefusalsTest, AnotherCa) {
  const TestCa other("other");
  ExpectRefused(With(other.Issue()), TlsFailure::kUnknownCa,
                "alert unknown ca");
}

TEST_F(TlsRefusalsTest, AnotherCaOfTheSameName) {
  const TestCa twin("ca");
  ExpectRefused(With(twin.Issue()), TlsFailure::kUnknownCa, "alert");
}

TEST_F(TlsRefusalsTest, SelfSignedCertificate) {
  ExpectRefused(With(SelfSigned()), TlsFailure::kSelfSigned,
                "alert unknown ca");
}

TEST_F(TlsRefusalsTest, ExpiredCertificate) {
  ExpectRefused(With(ca_.Issue({.from_seconds = -7200, .until_seconds = -60})),
                TlsFailure::kExpired, "alert certificate expired");
}

TEST_F(TlsRefusalsTest, CertificateOfTomorrow) {
  ExpectRefused(
      With(ca_.Issue({.from_seconds = 86400, .until_seconds = 2 * 86400})),
      TlsFailure::kExpired, "alert bad certificate");
}

TEST_F(TlsRefusalsTest, CertificateForServersOnly) {
  ExpectRefused(With(ca_.Issue({.usage = "serverAuth"})),
                TlsFailure::kBadCertificate, "alert");
}

TEST_F(TlsRefusalsTest, CertificateForAnythingIsGood) {
  Start();
  TlsClient client(port(), With(ca_.Issue({.usage = ""})));
  EXPECT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"))
      << client.error();
}

TEST_F(TlsRefusalsTest, OldVersion) {
  TlsClient::Options options = Good();
  options.max_version = TLS1_1_VERSION;
  ExpectRefused(options, TlsFailure::kProtocol, "alert protocol version");
}

TEST_F(TlsRefusalsTest, NoProtocolInCommon) {
  TlsClient::Options options = Good();
  options.protocols = "\2h2";
  ExpectRefused(options, TlsFailure::kProtocol,
                "alert no application protocol");
}

TEST_F(TlsRefusalsTest, AClientThatDoesNotTrustUsIsToldApart) {
  Start();
  const LogCapture log;
  const TestCa other("other");
  TlsClient client(port(), {.ca = other.pem(), .own = client_});
  EXPECT_FALSE(client.Handshake());
  EXPECT_TRUE(
      Eventually([&] { return Failures(TlsFailure::kRefusedByClient) == 1; }));
  EXPECT_TRUE(
      Eventually([&] { return log.Count("reason=refused_by_client") == 1; }));
  EXPECT_EQ(log.Count("client=127.0.0.1"), 1);
}

TEST_F(TlsRefusalsTest, PlainHttpIsToldSo) {
  Start();
  const LogCapture log;
  for (const char* method : {"GET", "HEAD", "DELETE", "get"}) {
    RawClient client(port());
    client.Get("/jobs", "", method);
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(answer,
                HasSubstr("Client sent an HTTP request to an HTTPS server."));
  }
  EXPECT_EQ(Failures(TlsFailure::kPlainHttp), 4u);
  EXPECT_TRUE(Eventually([&] { return log.Count("reason=plain_http") == 1; }));
}

TEST_F(TlsRefusalsTest, TlsOnThePlainPortIsAnsweredInHttp) {
  Start();
  TlsClient client(server_->port(), Good());
  EXPECT_FALSE(client.Handshake());
  RawClient raw(server_->port());
  raw.Send(std::string("\x16\x03\x01\x00\x05hello\r\n\r\n", 14));
  EXPECT_THAT(raw.ReadAll(), HasSubstr("this port speaks HTTP, not TLS"));
}

TEST_F(TlsRefusalsTest, GarbageIsRefused) {
  Start();
  TlsClient old_one(port(), Good());
  ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));
  RawClient client(port());
  client.Send(std::string("\x16\x99garbage, not TLS at all\0\xff", 28));
  client.ReadAll();
  EXPECT_TRUE(Eventually([&] {
    return Failures(TlsFailure::kProtocol) + Failures(TlsFailure::kOther) == 1;
  }));
  ExpectOthersUnaffected(old_one);
}

TEST_F(TlsRefusalsTest, RenegotiationIsRefused) {
  Start();
  TlsClient::Options options = Good();
  options.max_version = TLS1_2_VERSION;
  TlsClient old_one(port(), Good());
  ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));
  TlsClient client(port(), options);
  ASSERT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(SSL_renegotiate(client.native()), 1);
  EXPECT_LE(SSL_do_handshake(client.native()), 0);
  EXPECT_EQ(server_->stats().tls.handshakes.load(), 2u);
  ExpectOthersUnaffected(old_one);
}

TEST_F(TlsRefusalsTest, WhoIsSilentOrSlowIsCutOff) {
  options_.handshake_timeout = milliseconds(50);
  Start();
  RawClient silent(port());
  RawClient slow(port());
  slow.Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(slow.IsClosed());
  EXPECT_TRUE(silent.IsClosed());
  EXPECT_TRUE(Eventually([&] {
    return Failures(TlsFailure::kTimeout) == 2 &&
           server_->stats().connections.load() == 0;
  }));
}

TEST_F(TlsRefusalsTest, WhoLeavesOrResetsIsCounted) {
  Start();
  {
    RawClient silent(port());
  }
  RawClient half(port());
  half.Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  half.Close();
  RawClient reset(port());
  reset.Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  reset.Reset();
  EXPECT_TRUE(Eventually([&] { return Failures(TlsFailure::kClosed) == 3; }));
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().connections.load() == 0; }));
}

TEST_F(TlsRefusalsTest, AClientThatResetsWhileItIsAnsweredHarmsNobody) {
  Start();
  TlsClient old_one(port(), Good());
  ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));
  for (int i = 0; i < 20; ++i) {
    TlsClient client(port(), Good());
    ASSERT_TRUE(client.Handshake());
    client.Get(kTargets);
    client.raw().Reset();
  }
  ExpectOthersUnaffected(old_one);
  EXPECT_TRUE(
      Eventually([&] { return server_->stats().connections.load() == 1; }));
}

TEST_F(TlsRefusalsTest, ManyHandshakesAtOnceAllEndWell) {
  options_.threads = 1;
  // All are connected at first and some begin late, under a sanitizer later.
  options_.handshake_timeout = std::chrono::minutes(5);
  Start();
  std::deque<TlsClient> clients;
  for (int i = 0; i < 100; ++i) {
    SSL_set_mode(clients.emplace_back(port(), Good()).native(),
                 SSL_MODE_AUTO_RETRY);
  }
  std::deque<std::thread> threads;
  std::atomic<int> served{0};
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t * 10; i < t * 10 + 10; ++i) {
        served +=
            clients[static_cast<std::size_t>(i)].Ask("/livez").starts_with(
                "HTTP/1.1 200");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), 100);
}

TEST_F(TlsRefusalsTest, StoppingDoesNotWaitForHandshakes) {
  Start();
  RawClient silent(port());
  RawClient slow(port());
  slow.Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  TlsClient idle(port(), Good());
  ASSERT_THAT(idle.Ask("/livez"), StartsWith("HTTP/1.1 200"));
  const auto before = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, options_.stop_timeout);
  for (int i = 0; i < kTlsFailures; ++i) {
    EXPECT_EQ(Failures(static_cast<TlsFailure>(i)), 0u) << i;
  }
}

}  // namespace
}  // namespace ta
