#include "discovery/http_oauth2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "discovery/http_auth.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// -- answers --

TEST(Oauth2TokenTest, JsonIsRead) {
  const auto token = ParseOauth2Token(
      200, "application/json",
      R"({"access_token": "t", "token_type": "bearer", "expires_in": 3600})");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->type, "Bearer");
  EXPECT_EQ(token->value, "t");
  EXPECT_EQ(token->lifetime, seconds(3600));
}

TEST(Oauth2TokenTest, LifetimeMayBeTextOrMissing) {
  EXPECT_EQ(
      ParseOauth2Token(200, "", R"({"access_token":"t","expires_in":"60"})")
          ->lifetime,
      seconds(60));
  EXPECT_EQ(ParseOauth2Token(200, "", R"({"access_token":"t"})")->lifetime,
            std::nullopt);
  EXPECT_EQ(
      ParseOauth2Token(200, "", R"({"access_token":"t","expires_in":null})")
          ->lifetime,
      std::nullopt);
}

TEST(Oauth2TokenTest, TypesHaveTheirSpelling) {
  for (const auto& [said, type] :
       {std::pair("BEARER", "Bearer"), std::pair("mac", "MAC"),
        std::pair("", "Bearer"), std::pair("DPoP", "DPoP")}) {
    const auto token = ParseOauth2Token(
        201, "",
        std::string(R"({"access_token":"t","token_type":")") + said + "\"}");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->type, type);
  }
}

TEST(Oauth2TokenTest, AFormIsRead) {
  const auto token =
      ParseOauth2Token(200, "text/plain; charset=utf-8",
                       "access_token=a%20b%2B&token_type=bearer&expires_in=7");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value, "a b+");
  EXPECT_EQ(token->lifetime, seconds(7));
}

TEST(Oauth2TokenTest, RefusalsNameTheCodeAndNothingElse) {
  const auto said = [](int status, std::string_view body) {
    const auto token = ParseOauth2Token(status, "application/json", body);
    return token ? "a token" : token.error().message;
  };
  EXPECT_EQ(said(400, R"({"error":"invalid_client","error_description":"s"})"),
            "HTTP 400: invalid_client");
  EXPECT_EQ(said(200, R"({"error":"invalid_scope","access_token":"t"})"),
            "HTTP 200: invalid_scope");
  EXPECT_EQ(said(400, R"({"error":"my secret is 5"})"),
            "HTTP 400: an error of its own");
  EXPECT_EQ(said(500, "oops"), "HTTP 500");
  EXPECT_EQ(said(200, "oops"), "the answer is no JSON object");
  EXPECT_EQ(said(200, "{}"), "the answer has no access_token");
}

TEST(Oauth2FormTest, IsSortedAndEncoded) {
  EXPECT_EQ(
      *Oauth2Form({{"scope", "a b"}, {"grant_type", "g"}}, {{"aud", "x&y=ü"}}),
      "aud=x%26y%3D%C3%BC&grant_type=g&scope=a+b");
}

TEST(Oauth2FormTest, OnlyTheGrantTypeMayBeReplaced) {
  EXPECT_EQ(*Oauth2Form({{"grant_type", "g"}}, {{"grant_type", "h"}}),
            "grant_type=h");
  EXPECT_EQ(Oauth2Form({{"scope", "a"}}, {{"scope", "b"}}).error().message,
            "endpoint_params may not set scope");
}

// -- tokens --

// A token endpoint: numbers its tokens; remembers what it was asked.
class TokenServer {
 public:
  explicit TokenServer(std::string lifetime = "3600", bool in_form = false)
      : lifetime_(std::move(lifetime)),
        server_([this, in_form](ScriptConnection& peer) {
          while (true) {
            const std::string head = peer.ReadHead();
            if (head.empty()) return;
            const auto at = head.find("Content-Length: ");
            const std::string body =
                peer.ReadBytes(std::stoul(head.substr(at + 16)));
            const bool form = body.find("client_id=") != std::string::npos;
            if (in_form && !form) {
              peer.Send(
                  "HTTP/1.1 401 Unauthorized\r\nContent-Length: 26\r\n\r\n"
                  R"({"error":"invalid_client"})");
              continue;
            }
            peer.Answer(R"({"access_token":"t)" +
                            std::to_string(Add(head + body)) +
                            R"(","expires_in":)" + lifetime_ + "}",
                        "Content-Type: application/json\r\n");
          }
        }) {}

  std::string url() const { return server_.url("/token"); }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::size_t Add(std::string request) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(request));
    return asked_.size();
  }

  const std::string lifetime_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;  // guarded by mutex_
  ScriptServer server_;
};

class Oauth2Test : public testing::Test {
 protected:
  void Make(Oauth2Config config) {
    HttpClientConfig http;
    http.oauth2 = std::move(config);
    client_ =
        *ConfiguredHttpClient::Make(loop_.get_executor(), http, {}, "ta/1");
  }
  static Oauth2Config Config(const TokenServer& server) {
    Oauth2Config config;
    config.client_id = "id";
    config.client_secret.text = "s&cret";
    config.token_url = server.url();
    return config;
  }
  std::string Get(const std::string& url) {
    HttpRequest request;
    request.url = *ParseHttpUrl(url);
    request.timeout = seconds(20);
    const auto response =
        test::RunOn(loop_, client_->Fetch(request, stop_.get_token()));
    if (!response) return "error: " + response.error().message;
    if (response->status != 200) return std::to_string(response->status);
    const auto at = response->body.find("Authorization: ");
    return response->body.substr(at, response->body.find("\r\n", at) - at);
  }

  boost::asio::io_context loop_;
  std::stop_source stop_;
  std::unique_ptr<ConfiguredHttpClient> client_;
  // Answers with the head it was sent.
  ScriptServer echo_{[](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      peer.Answer(head);
    }
  }};
};

TEST_F(Oauth2Test, OneTokenIsUsedUntilItEnds) {
  const TokenServer server;
  Oauth2Config config = Config(server);
  config.scopes = {"a", "b"};
  config.endpoint_params = {{"audience", "x"}};
  Make(config);
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t1");
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t1");
  ASSERT_THAT(server.asked(), SizeIs(1));
  const std::string asked = server.asked()[0];
  EXPECT_THAT(asked, StartsWith("POST /token HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr(BasicAuthorization("id", "s%26cret")));
  EXPECT_THAT(asked,
              HasSubstr("Content-Type: application/x-www-form-urlencoded"));
  EXPECT_THAT(asked, EndsWith("\r\n\r\naudience=x&grant_type=client_credentials"
                              "&scope=a+b"));
}

TEST_F(Oauth2Test, ATokenThatIsAboutToEndIsReplaced) {
  const TokenServer server("9");
  Make(Config(server));
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t1");
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t2");
}

TEST_F(Oauth2Test, AnEndpointMayWantItsCredentialsInTheForm) {
  const TokenServer server("9", true);
  Make(Config(server));
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t1");
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t2");
  ASSERT_THAT(server.asked(), SizeIs(2));
  EXPECT_THAT(server.asked()[0],
              EndsWith("client_id=id&client_secret=s%26cret&grant_type="
                       "client_credentials"));
  EXPECT_THAT(server.asked()[0], Not(HasSubstr("Authorization")));
}

TEST_F(Oauth2Test, ANewSecretMeansANewToken) {
  const TokenServer server;
  const test::TempFolder folder;
  test::Write(folder / "secret", "one\n");
  Oauth2Config config = Config(server);
  config.client_secret = {"", folder / "secret"};
  Make(config);
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t1");
  test::Write(folder / "secret", "two\n");
  EXPECT_EQ(Get(echo_.url()), "Authorization: Bearer t2");
  EXPECT_THAT(server.asked()[1], HasSubstr(BasicAuthorization("id", "two")));
}

TEST_F(Oauth2Test, ATokenThatIsRefusedIsReplacedOnce) {
  const TokenServer server;
  ScriptServer strict([](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      if (head.find("Bearer t2") != std::string::npos) {
        peer.Answer(head);
      } else {
        peer.Send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
      }
    }
  });
  Make(Config(server));
  EXPECT_EQ(Get(strict.url()), "Authorization: Bearer t2");
  ScriptServer closed([](ScriptConnection& peer) {
    while (!peer.ReadHead().empty()) {
      peer.Send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    }
  });
  EXPECT_EQ(Get(closed.url()), "401");
  EXPECT_THAT(server.asked(), SizeIs(3));
}

TEST_F(Oauth2Test, WithoutATokenTheServerIsNotAsked) {
  ScriptServer down([](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      peer.ReadBytes(
          std::stoul(head.substr(head.find("Content-Length: ") + 16)));
      peer.Send("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Oauth2Config config;
  config.client_id = "id";
  config.client_secret.text = "s&cret";
  config.token_url = down.url("/token?key=s&cret");
  Make(config);
  EXPECT_THAT(Get(echo_.url()),
              AllOf(StartsWith("error: oauth2: POST http://127.0.0.1:"),
                    EndsWith("/token: HTTP 503"), Not(HasSubstr("cret"))));
  EXPECT_EQ(echo_.accepted(), 0);
}

}  // namespace
}  // namespace ta
