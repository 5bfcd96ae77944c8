#include "discovery/http_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "test/discovery/certificates.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using test::TempFolder;
using test::Write;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kSecret = "hunter2-is-no-word-for-a-log";

// Answers each request with its own head; remembers the heads.
class EchoServer {
 public:
  explicit EchoServer(std::optional<test::ScriptTls> tls = std::nullopt)
      : server_(
            [this](ScriptConnection& peer) {
              while (true) {
                const std::string head = peer.ReadHead();
                if (head.empty()) return;
                {
                  const std::lock_guard lock(mutex_);
                  heads_.push_back(head);
                }
                peer.Answer(head);
              }
            },
            std::move(tls)) {}
  std::string url(std::string_view path = "/") const {
    return server_.url(path);
  }
  int accepted() const { return server_.accepted(); }

 private:
  std::mutex mutex_;
  std::vector<std::string> heads_;  // guarded by mutex_
  ScriptServer server_;
};

class HttpAuthTest : public testing::Test {
 protected:
  void Make(const HttpClientConfig& config) {
    auto made =
        ConfiguredHttpClient::Make(loop_.get_executor(), config, {}, "ta/1");
    ASSERT_TRUE(made) << made.error().message;
    client_ = *std::move(made);
  }
  Result<HttpResponse> Get(const std::string& url) {
    HttpRequest request;
    request.url = *ParseHttpUrl(url);
    request.timeout = seconds(20);
    return test::RunOn(loop_, client_->Fetch(request, stop_.get_token()));
  }
  std::string BodyOf(const std::string& url) {
    const auto response = Get(url);
    return response ? response->body : "error: " + response.error().message;
  }
  std::string MakeError(const HttpClientConfig& config) {
    const auto made =
        ConfiguredHttpClient::Make(loop_.get_executor(), config, {}, "ta/1");
    return made ? "" : made.error().message;
  }

  boost::asio::io_context loop_;
  std::stop_source stop_;
  const TempFolder folder_;
  std::unique_ptr<ConfiguredHttpClient> client_;
};

TEST_F(HttpAuthTest, WithoutSettingsThereIsOnlyTheUserAgent) {
  const EchoServer server;
  Make({});
  const std::string head = BodyOf(server.url("/p?q"));
  EXPECT_THAT(head, HasSubstr("GET /p?q HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("User-Agent: ta/1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Authorization")));
}

TEST_F(HttpAuthTest, BasicAuthIsSent) {
  const EchoServer server;
  HttpClientConfig config;
  config.basic_auth = {{"user", ""}, {kSecret, ""}};
  Make(config);
  EXPECT_THAT(
      BodyOf(server.url()),
      HasSubstr("Authorization: " + BasicAuthorization("user", kSecret)));
}

TEST_F(HttpAuthTest, FilesAreReadForEachRequest) {
  const EchoServer server;
  const std::string user = folder_ / "user", password = folder_ / "password";
  Write(user, "one\n");
  Write(password, "p1\n");
  HttpClientConfig config;
  config.basic_auth = {{"", user}, {"", password}};
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr(BasicAuthorization("one", "p1")));
  Write(password, "p2");
  EXPECT_THAT(BodyOf(server.url()), HasSubstr(BasicAuthorization("one", "p2")));
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(HttpAuthTest, AFileThatCannotBeReadFailsTheRequest) {
  const EchoServer server;
  HttpClientConfig config;
  config.authorization = {"Bearer", {"", folder_ / "token"}};
  Make(config);
  EXPECT_THAT(BodyOf(server.url()),
              AllOf(HasSubstr("authorization: "), HasSubstr("/token: ")));
  EXPECT_EQ(server.accepted(), 0);
  Write(folder_ / "token", " t0k \n");
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("Authorization: Bearer t0k\r\n"));
}

TEST_F(HttpAuthTest, AuthorizationHasItsOwnType) {
  const EchoServer server;
  HttpClientConfig config;
  config.authorization = {"Token", {"abc", ""}};
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("Authorization: Token abc\r\n"));
}

TEST_F(HttpAuthTest, UserOfTheUrlGoesFirst) {
  const EchoServer server;
  HttpClientConfig config;
  config.authorization = {"Bearer", {"abc", ""}};
  Make(config);
  std::string url = server.url();
  url.insert(url.find("//") + 2, "u:p@");
  const std::string head = BodyOf(url);
  EXPECT_THAT(head, HasSubstr(BasicAuthorization("u", "p")));
  EXPECT_THAT(head, Not(HasSubstr("abc")));
}

TEST_F(HttpAuthTest, HeadersAreSentOnceForEachValue) {
  const EchoServer server;
  Write(folder_ / "v", "from file\n");
  HttpClientConfig config;
  config.http_headers = {{"X-A", {"1", "2"}, {kSecret}, {folder_ / "v"}},
                         {"X-None", {}, {}, {}}};
  Make(config);
  const std::string head = BodyOf(server.url());
  EXPECT_THAT(head, HasSubstr("X-A: 1\r\nX-A: 2\r\nX-A: " + kSecret +
                              "\r\nX-A: from file\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("X-None")));
}

TEST_F(HttpAuthTest, AHeaderThatBreaksOutOfItsLineIsNotShown) {
  const EchoServer server;
  HttpClientConfig config;
  config.http_headers = {{"X-A", {}, {kSecret + "\r\nX-B: 1"}, {}}};
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), AllOf(HasSubstr("a header is not valid"),
                                          Not(HasSubstr(kSecret))));
}

TEST_F(HttpAuthTest, RedirectToAnotherHostCarriesHeadersButNoCredentials) {
  const EchoServer other;
  std::string elsewhere = other.url("/there");
  elsewhere.replace(elsewhere.find("127.0.0.1"), 9, "localhost");
  ScriptServer server([&](ScriptConnection& peer) {
    EXPECT_THAT(peer.ReadHead(), HasSubstr(kSecret));
    peer.Send("HTTP/1.1 302 Found\r\nLocation: " + elsewhere +
              "\r\nContent-Length: 0\r\n\r\n");
  });
  HttpClientConfig config;
  config.authorization = {"Bearer", {kSecret, ""}};
  config.http_headers = {{"X-Kept", {"kept"}, {}, {}},
                         {"Cookie", {}, {kSecret}, {}}};
  Make(config);
  const std::string head = BodyOf(server.url());
  EXPECT_THAT(head, HasSubstr("GET /there "));
  EXPECT_THAT(head, HasSubstr("X-Kept: kept"));
  EXPECT_THAT(head, Not(HasSubstr(kSecret)));
}

TEST_F(HttpAuthTest, RedirectIsReturnedWhereTheyAreNotFollowed) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
  });
  HttpClientConfig config;
  config.follow_redirects = false;
  Make(config);
  const auto response = Get(server.url());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
}

TEST_F(HttpAuthTest, ProxyIsAskedInstead) {
  const EchoServer proxy;
  HttpClientConfig config;
  config.proxy.url = proxy.url("");
  config.proxy.url.insert(config.proxy.url.find("//") + 2,
                          "u:" + kSecret + "@");
  Make(config);
  const std::string head = BodyOf("http://sd.example.test/x");
  EXPECT_THAT(head, HasSubstr("GET http://sd.example.test/x HTTP/1.1"));
  EXPECT_THAT(head, HasSubstr("Proxy-Authorization: " +
                              BasicAuthorization("u", kSecret)));
  config.proxy.no_proxy = "127.0.0.1";
  Make(config);
  EXPECT_THAT(BodyOf(proxy.url("/direct")), HasSubstr("GET /direct HTTP/1.1"));
}

TEST_F(HttpAuthTest, WhatIsNotSupportedIsAnError) {
  HttpClientConfig config;
  config.unsupported = "basic_auth.password_ref";
  EXPECT_THAT(MakeError(config),
              HasSubstr("basic_auth.password_ref is not supported"));
  config = {};
  config.oauth2.emplace();
  config.oauth2->grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  EXPECT_THAT(MakeError(config), HasSubstr("jwt-bearer is not supported"));
  config = {};
  config.proxy.url = "ftp://u:" + kSecret + "@h";
  EXPECT_THAT(MakeError(config),
              AllOf(HasSubstr("proxy"), Not(HasSubstr(kSecret))));
}

// -- TLS --

class HttpAuthTlsTest : public HttpAuthTest {
 protected:
  const test::Certificate ca_ = test::MakeCa();
  const test::Certificate server_ = test::MakeCertificate({}, &ca_);
};

TEST_F(HttpAuthTlsTest, CaInAFileIsReadAgain) {
  const EchoServer server(test::ScriptTls{server_, ""});
  const std::string file = folder_ / "ca.pem";
  HttpClientConfig config;
  config.tls.ca.file = file;
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("/ca.pem: "));
  Write(file, test::MakeCa().cert);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: "));
  Write(file, ca_.cert);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("GET / "));
  // A server that is trusted no more is asked no more, on no old connection.
  Write(file, test::MakeCa().cert);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: "));
  Write(file, "no certificate");
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: tls_config: "));
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: tls_config: "));
  Write(file, ca_.cert);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("GET / "));
}

TEST_F(HttpAuthTlsTest, ClientCertificateIsShownAndVerificationCanBeSkipped) {
  const test::Certificate client_ca = test::MakeCa();
  const test::Certificate client = test::MakeCertificate({}, &client_ca);
  const EchoServer server(test::ScriptTls{server_, client_ca.cert});
  Write(folder_ / "cert", client.cert);
  Write(folder_ / "key", client.key);
  HttpClientConfig config;
  config.tls.insecure_skip_verify = true;
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: "));
  config.tls.cert.file = folder_ / "cert";
  config.tls.key.file = folder_ / "key";
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("GET / "));
  config.tls.cert = {client.cert, ""};
  config.tls.key = {client.key, ""};
  config.tls.ca = {ca_.cert, ""};
  config.tls.insecure_skip_verify = false;
  config.tls.min_version = "TLS13";
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("GET / "));
}

TEST_F(HttpAuthTlsTest, ServerNameReplacesTheHost) {
  const test::Certificate named =
      test::MakeCertificate({.names = {"DNS:sd.example.test"}}, &ca_);
  const EchoServer server(test::ScriptTls{named, ""});
  HttpClientConfig config;
  config.tls.ca = {ca_.cert, ""};
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("error: "));
  config.tls.server_name = "sd.example.test";
  Make(config);
  EXPECT_THAT(BodyOf(server.url()), HasSubstr("GET / "));
}

}  // namespace
}  // namespace ta
