// The API client against servers that follow a script.

#include "discovery/kubernetes/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "allocator/base/log.h"
#include "test/discovery/certificates.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"
#include "test/discovery/support.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(RateLimitTest, BurstIsFreeAndThenTheRateHolds) {
  RateLimit rate(10, 3);
  TimePoint now{seconds(1)};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rate.Take(now), Duration::zero());
  EXPECT_EQ(rate.Take(now), milliseconds(100));
  EXPECT_EQ(rate.Take(now), milliseconds(200));
  now += milliseconds(300);
  EXPECT_EQ(rate.Take(now), Duration::zero());
  now += seconds(100);  // no more than a burst is saved up
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rate.Take(now), Duration::zero());
  EXPECT_GT(rate.Take(now), Duration::zero());
}

TEST(ForbiddenTextTest, SaysWhichRightToGrant) {
  EXPECT_EQ(ForbiddenText({Resource::kPods}, "list"),
            "list pods at cluster scope is forbidden for this service account: "
            "grant verb list on resource pods");
  EXPECT_EQ(ForbiddenText({Resource::kEndpointSlices, "web"}, "watch"),
            "watch endpointslices in namespace web is forbidden for this "
            "service account: grant verb watch on resource endpointslices of "
            "API group discovery.k8s.io in namespace web");
}

class ApiClientTest : public testing::Test {
 protected:
  void Make(ClientSettings settings, ClientOptions options = {}) {
    options.version = "1.2.3";
    auto made =
        ApiClient::Make(loop.get_executor(), std::move(settings), options);
    ASSERT_TRUE(made) << made.error().message;
    client = *std::move(made);
  }
  void Make(const ScriptServer& server) {
    ClientSettings settings;
    settings.server = server.url("");
    Make(settings);
  }
  Answer<std::string> List(Scope scope = {}) {
    const std::string path = ListPath(scope, {});
    return test::RunOn(loop, client->List(scope, path, stop.get_token()));
  }
  // The body, or the error.
  std::string Text() {
    const auto body = List();
    return body ? *body : body.error().error.message;
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
  }

  test::TempFolder folder;
  boost::asio::io_context loop;
  std::stop_source stop;
  std::unique_ptr<ApiClient> client;
};

// Answers with the request, or 401 unless it has this token.
ScriptServer::Script Authorized(const std::string& token) {
  return [=](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      if (head.find("Authorization: Bearer " + token + "\r\n") !=
          std::string::npos) {
        peer.Answer(head);
      } else {
        peer.Send(
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\n"
            "Unauthorized");
      }
    }
  };
}

ScriptServer::Script Always(const std::string& answer) {
  return [=](ScriptConnection& peer) {
    while (!peer.ReadHead().empty()) peer.Send(answer);
  };
}

std::string Failed(const std::string& status, const std::string& headers,
                   const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(ApiClientTest, RequestSaysWhoAsksForWhat) {
  ScriptServer server(Authorized("tok"));
  ClientSettings settings;
  settings.server = server.url("/k8s/clusters/c-1/");
  settings.token.text = "tok";
  Make(settings);
  const std::string head = Text();
  EXPECT_THAT(head, StartsWith("GET /k8s/clusters/c-1/api/v1/pods?limit=500"));
  EXPECT_THAT(head, HasSubstr("User-Agent: target-allocator/1.2.3\r\n"));
  EXPECT_THAT(head, HasSubstr("Accept: application/json\r\n"));
  EXPECT_THAT(head, HasSubstr("Accept-Encoding: gzip\r\n"));
}

TEST_F(ApiClientTest, BasicAuthorizationIsSent) {
  ScriptServer server(
      [](ScriptConnection& peer) { peer.Answer(peer.ReadHead()); });
  ClientSettings settings;
  settings.server = server.url();
  settings.username.text = "us";
  settings.password.text = "pw";
  Make(settings);
  EXPECT_THAT(Text(), HasSubstr("Authorization: Basic dXM6cHc=\r\n"));
}

TEST_F(ApiClientTest, TokenIsReadAgainOn401AndTheRequestSentOnceMore) {
  ScriptServer server(Authorized("new"));
  Write("token", "old\n");
  ClientSettings settings;
  settings.server = server.url();
  settings.token.file = folder / "token";
  Make(settings);
  EXPECT_EQ(Text(), "list pods: HTTP 401: Unauthorized");
  EXPECT_EQ(List().error().error.code, Error::Code::kGiveUp);
  Write("token", "new\n");
  EXPECT_THAT(Text(), HasSubstr("Bearer new"));
}

TEST_F(ApiClientTest, TokenIsReadAgainInTime) {
  ScriptServer server([](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      peer.Answer(head);
    }
  });
  Write("token", "one");
  ClientSettings settings;
  settings.server = server.url();
  settings.token.file = folder / "token";
  ClientOptions options;
  options.reread_interval = Duration::zero();
  Make(settings, options);
  EXPECT_THAT(Text(), HasSubstr("Bearer one"));
  Write("token", "two");
  EXPECT_THAT(Text(), HasSubstr("Bearer two"));
  // What can't be read changes nothing, and is said once.
  std::filesystem::remove(folder / "token");
  LogCapture log;
  EXPECT_THAT(Text(), HasSubstr("Bearer two"));
  EXPECT_THAT(Text(), HasSubstr("Bearer two"));
  EXPECT_EQ(log.Count("credentials for the API server cannot be read"), 1);
  EXPECT_EQ(log.Count("two"), 0);
  Write("token", "three");
  EXPECT_THAT(Text(), HasSubstr("Bearer three"));
  EXPECT_EQ(log.Count("can be read again"), 1);
}

TEST_F(ApiClientTest, WhatCannotBeReadYetMayBeReadableLater) {
  ScriptServer server(Authorized("tok"));
  ClientSettings settings;
  settings.server = server.url();
  settings.token.file = folder / "token";
  Make(settings);
  const auto early = List();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().error.code, Error::Code::kRetry);
  EXPECT_THAT(early.error().error.message,
              HasSubstr("list pods: credentials: " + (folder / "token")));
  EXPECT_EQ(server.accepted(), 0);
  Write("token", "tok");
  EXPECT_TRUE(List());
}

TEST_F(ApiClientTest, NewCaAndClientCertificateTakeEffect) {
  const test::Certificate old_ca = test::MakeCa();
  const test::Certificate ca = test::MakeCa();
  const test::Certificate mine = test::MakeCertificate({}, &ca);
  ScriptServer server(
      [](ScriptConnection& peer) { peer.Answer(peer.ReadHead()); },
      test::ScriptTls{test::MakeCertificate({}, &ca), ca.cert});
  Write("ca", old_ca.cert);
  ClientSettings settings;
  settings.server = server.url();
  settings.ca.file = folder / "ca";
  settings.client_cert.file = folder / "cert";
  settings.client_key.file = folder / "key";
  ClientOptions options;
  options.reread_interval = Duration::zero();
  Make(settings, options);
  Write("cert", mine.cert);
  Write("key", mine.key);
  EXPECT_THAT(Text(), HasSubstr("TLS: certificate of 127.0.0.1"));
  Write("ca", ca.cert);
  EXPECT_THAT(Text(), StartsWith("GET /api"));
  // Half of a new pair: the old one goes on.
  Write("key", test::MakeCertificate({}).key);
  EXPECT_THAT(Text(), StartsWith("GET /api"));
}

TEST_F(ApiClientTest, StatusSaysWhatToDo) {
  const struct {
    std::string answer;
    Error::Code code;
    const char* message;
  } kCases[] = {
      {Failed("410 Gone", "",
              R"({"kind":"Status","reason":"Expired","code":410,)"
              R"("message":"too old","status":"Failure"})"),
       Error::Code::kRelist, "list pods: HTTP 410 Expired: too old"},
      {Failed("404 Not Found", "", "404 page not found\n"),
       Error::Code::kReject, "list pods: HTTP 404: 404 page not found"},
      {Failed("500 Oh", "", ""), Error::Code::kRetry, "list pods: HTTP 500"},
      {Failed("302 Found", "Location: /x\r\n", ""), Error::Code::kReject,
       "list pods: HTTP 302"},
  };
  for (const auto& one : kCases) {
    ScriptServer server(Always(one.answer));
    Make(server);
    const auto body = List();
    ASSERT_FALSE(body) << one.answer;
    EXPECT_EQ(body.error().error.code, one.code) << one.answer;
    EXPECT_EQ(body.error().error.message, one.message);
  }
}

TEST_F(ApiClientTest, RetryAfterIsPassedOn) {
  ScriptServer server(
      Always(Failed("429 Too Many Requests", "Retry-After: 7\r\n", "")));
  Make(server);
  EXPECT_EQ(List().error().status.retry_after, seconds(7));
  EXPECT_EQ(List().error().error.code, Error::Code::kRetry);
}

TEST_F(ApiClientTest, ForbiddenSaysWhichRightToGrant) {
  ScriptServer server(
      Always(Failed("403 Forbidden", "",
                    R"({"kind":"Status","reason":"Forbidden","code":403,)"
                    R"("message":"pods is forbidden","status":"Failure"})")));
  Make(server);
  EXPECT_EQ(Text(),
            "list pods at cluster scope is forbidden for this service account: "
            "grant verb list on resource pods (HTTP 403 Forbidden: pods is "
            "forbidden)");
  EXPECT_EQ(List().error().error.code, Error::Code::kGiveUp);
}

TEST_F(ApiClientTest, ListThatHangsEnds) {
  ScriptServer server([](ScriptConnection& peer) { peer.WaitClosed(); });
  ClientSettings settings;
  settings.server = server.url();
  ClientOptions options;
  options.list_timeout = milliseconds(50);
  Make(settings, options);
  EXPECT_THAT(Text(), EndsWith("timed out"));
}

TEST_F(ApiClientTest, StopEndsTheWaitForTheRateLimit) {
  ScriptServer server(Always(Failed("200 OK", "", "x")));
  ClientSettings settings;
  settings.server = server.url();
  ClientOptions options;
  options.burst = 1;
  options.requests_per_second = 0.001;
  Make(settings, options);
  EXPECT_TRUE(List());
  boost::asio::post(loop, [this] { stop.request_stop(); });
  EXPECT_EQ(Text(), "list pods: stopped");
}

TEST_F(ApiClientTest, ServerThatMakesNoSenseIsRefusedAtOnce) {
  ClientSettings settings;
  settings.server = "gopher://secret";
  const auto made = ApiClient::Make(loop.get_executor(), settings, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, StartsWith("API server: "));
  EXPECT_THAT(made.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace ta::kubernetes
