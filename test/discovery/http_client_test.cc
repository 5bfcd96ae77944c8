// The client against servers that do what they should, and all that they
// shouldn't. TLS and proxies are in http_client_tls_test.cc.

#include "discovery/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <memory>
#include <string>

#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpClientTest : public testing::Test {
 protected:
  void Make(HttpClientSettings settings = {}) {
    client = *HttpClient::Make(loop.get_executor(), std::move(settings));
  }
  // Each step may take this long; short where a test waits for it.
  static HttpClientSettings Steps(milliseconds step) {
    HttpClientSettings settings;
    settings.timeouts = {step, step, step, step, step};
    return settings;
  }
  static HttpRequest Request(const std::string& url) {
    HttpRequest request;
    request.url = *ParseHttpUrl(url);
    return request;
  }
  Result<HttpResponse> Get(HttpRequest request) {
    if (!client) Make();
    return test::RunOn(loop,
                       client->Fetch(std::move(request), stop.get_token()));
  }
  Result<HttpResponse> Get(const std::string& url) { return Get(Request(url)); }
  std::string ErrorOf(const std::string& url) {
    const auto response = Get(url);
    return response ? "HTTP " + std::to_string(response->status)
                    : response.error().message;
  }

  boost::asio::io_context loop;
  std::stop_source stop;
  std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, SendsOneRequestAndReturnsItsAnswer) {
  std::promise<std::string> head;
  ScriptServer server([&](ScriptConnection& peer) {
    head.set_value(peer.ReadHead());
    peer.Answer("hello", "X-Y: z\r\n");
  });
  HttpRequest request = Request(
      "http://us:pw@127.0.0.1:" + std::to_string(server.port()) + "/a?b=c");
  request.headers = {{"Accept", "application/json"}};
  const auto response = Get(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(head.get_future().get(),
            "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" +
                std::to_string(server.port()) +
                "\r\nAccept-Encoding: gzip\r\nAuthorization: Basic "
                "dXM6cHc=\r\nAccept: application/json\r\n\r\n");
}

TEST_F(HttpClientTest, HeaderThatBreaksOutOfItsLineIsRefused) {
  HttpRequest request = Request("http://127.0.0.1:1/");
  request.headers = {{"Authorization", "Bearer x\r\nX: y"}};
  const auto response = Get(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message,
            "GET http://127.0.0.1:1/: a header is not valid");
  EXPECT_EQ(response.error().code, Error::Code::kReject);
}

TEST_F(HttpClientTest, ConnectionIsUsedAgain) {
  ScriptServer server([](ScriptConnection& peer) {
    while (!peer.ReadHead().empty()) peer.Answer("x");
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Get(server.url()));
  EXPECT_EQ(server.accepted(), 1);
  EXPECT_EQ(client->idle_connections(), 1u);
}

TEST_F(HttpClientTest, ConnectionThatAnswersToCloseIsNotKept) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Answer("x", "Connection: close\r\n");
  });
  EXPECT_TRUE(Get(server.url()));
  EXPECT_EQ(client->idle_connections(), 0u);
  EXPECT_TRUE(Get(server.url()));
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(HttpClientTest, BytesBehindAnAnswerSpoilTheConnection) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK");
    peer.WaitClosed();
  });
  EXPECT_EQ(Get(server.url())->body, "x");
  EXPECT_EQ(client->idle_connections(), 0u);
}

TEST_F(HttpClientTest, IdleConnectionsAreBounded) {
  std::vector<std::unique_ptr<ScriptServer>> servers;
  for (int i = 0; i < 6; ++i) {
    servers.push_back(
        std::make_unique<ScriptServer>([](ScriptConnection& peer) {
          while (!peer.ReadHead().empty()) peer.Answer("x");
        }));
    EXPECT_TRUE(Get(servers.back()->url()));
  }
  EXPECT_EQ(client->idle_connections(), 4u);
}

// The server closes just when the next request is on its way.
TEST_F(HttpClientTest, RequestOnAConnectionThatWasClosedMeanwhileIsSentAgain) {
  for (const bool reset : {false, true}) {
    ScriptServer server([&](ScriptConnection& peer) {
      peer.ReadHead();
      peer.Answer("first");
      peer.ReadHead();
      if (peer.number() == 0) {
        if (reset) peer.Reset();
        return;  // closes without an answer
      }
      peer.Answer("again");
    });
    Make();
    EXPECT_TRUE(Get(server.url()));
    const auto second = Get(server.url());
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(server.accepted(), 2);
  }
}

TEST_F(HttpClientTest, RequestOnANewConnectionIsNotSentAgain) {
  ScriptServer server([](ScriptConnection& peer) { peer.ReadHead(); });
  EXPECT_EQ(
      ErrorOf(server.url("/p?secret=1")),
      "GET " + server.url("/p") + ": answer: the server closed the connection");
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(HttpClientTest, NobodyListensIsSaidPlainly) {
  std::string url;
  {
    const ScriptServer gone([](ScriptConnection&) {});
    url = gone.url();
  }
  const auto response = Get(url);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Error::Code::kRetry);
  EXPECT_THAT(response.error().message,
              StartsWith("GET " + url + ": connect "));
  EXPECT_THAT(response.error().message, EndsWith(": connection refused"));
}

TEST_F(HttpClientTest, NameIsResolvedAndEachAddressTried) {
  // On most machines localhost is ::1 first, where nobody listens.
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Answer("x");
  });
  EXPECT_TRUE(Get("http://localhost:" + std::to_string(server.port()) + "/"));
  EXPECT_THAT(ErrorOf("http://no-such-host.invalid/"),
              StartsWith("GET http://no-such-host.invalid/: resolve "
                         "no-such-host.invalid: "));
}

TEST_F(HttpClientTest, ServerThatStopsIsNoticedAtEachStep) {
  const char* const kSent[] = {
      "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"};
  Make(Steps(milliseconds(50)));
  for (const char* sent : kSent) {
    ScriptServer server([&](ScriptConnection& peer) {
      peer.ReadHead();
      peer.Send(sent);
      peer.WaitClosed();
    });
    EXPECT_THAT(ErrorOf(server.url()), EndsWith(": timed out")) << sent;
  }
}

TEST_F(HttpClientTest, ServerThatIsCutIsNoticedAtEachStep) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nabcde\r\n0\r\n";
  for (const bool reset : {false, true}) {
    for (std::size_t end = 0; end < answer.size(); end += 5) {
      ScriptServer server([&](ScriptConnection& peer) {
        peer.ReadHead();
        peer.Send(answer.substr(0, end));
        if (reset) peer.Reset();
      });
      const auto response = Get(server.url());
      ASSERT_FALSE(response) << "cut at " << end;
      EXPECT_EQ(response.error().code, Error::Code::kRetry);
    }
  }
}

TEST_F(HttpClientTest, SlowDripIsEndedByTheWholeRequestsTimeout) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Send("x")) usleep(5000);
  });
  HttpRequest request = Request(server.url());
  request.timeout = milliseconds(100);
  const auto response = Get(request);
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, EndsWith(": body: timed out"));
}

TEST_F(HttpClientTest, ServerThatDoesNotReadIsNoticed) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    pollfd closed{peer.fd(), POLLRDHUP, 0};
    poll(&closed, 1, -1);
  });
  Make(Steps(milliseconds(100)));
  HttpRequest request = Request(server.url());
  request.method = "POST";
  request.body = std::string(50'000'000, 'x');
  const auto response = Get(request);
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, EndsWith(": write: timed out"));
}

TEST_F(HttpClientTest, TooLargeBodyIsRejected) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.Send(std::string(10'000, 'x'))) {
    }
  });
  HttpRequest request = Request(server.url());
  request.max_body_bytes = 1'000'000;
  const auto response = Get(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Error::Code::kReject);
  EXPECT_THAT(response.error().message,
              EndsWith("the body is larger than 1000000 bytes"));
}

// -- redirects --

TEST_F(HttpClientTest, RedirectIsFollowedWithItsCredentialsOnTheSameHost) {
  ScriptServer server([](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      if (head.starts_with("GET /a ")) {
        peer.Send(
            "HTTP/1.1 302 Found\r\nLocation: b?x\r\n"
            "Content-Length: 0\r\n\r\n");
      } else {
        peer.Answer(head);
      }
    }
  });
  HttpRequest request = Request(server.url("/a"));
  request.headers = {{"Authorization", "Bearer secret"}};
  const auto response = Get(request);
  ASSERT_TRUE(response);
  EXPECT_THAT(response->body, StartsWith("GET /b?x "));
  EXPECT_THAT(response->body, HasSubstr("Bearer secret"));
  EXPECT_EQ(response->url.target, "/b?x");
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(HttpClientTest, RedirectToAnotherHostCarriesNoCredentials) {
  ScriptServer other(
      [](ScriptConnection& peer) { peer.Answer(peer.ReadHead()); });
  ScriptServer server([&](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 307 Elsewhere\r\nLocation: http://localhost:" +
              std::to_string(other.port()) + "/\r\nContent-Length: 0\r\n\r\n");
  });
  HttpRequest request = Request(
      "http://user:secret@127.0.0.1:" + std::to_string(server.port()) + "/");
  request.headers = {{"Cookie", "secret"}, {"X-Kept", "kept"}};
  const auto response = Get(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_THAT(response->body, Not(HasSubstr("secret")));
  EXPECT_THAT(response->body, Not(HasSubstr("Authorization")));
  EXPECT_THAT(response->body, HasSubstr("X-Kept: kept"));
}

TEST_F(HttpClientTest, RedirectLoopEnds) {
  ScriptServer server([](ScriptConnection& peer) {
    while (!peer.ReadHead().empty()) {
      peer.Send(
          "HTTP/1.1 302 Found\r\nLocation: /\r\n"
          "Content-Length: 0\r\n\r\n");
    }
  });
  EXPECT_THAT(ErrorOf(server.url()), EndsWith(": stopped after 10 redirects"));
}

TEST_F(HttpClientTest, RedirectIsReturnedWhereTheyAreNotFollowed) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
  });
  HttpClientSettings settings;
  settings.redirects = Redirects::kReturn;
  Make(settings);
  EXPECT_EQ(ErrorOf(server.url()), "HTTP 302");
}

TEST_F(HttpClientTest, RedirectToNowhereIsAnErrorWithoutTheUrl) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send(
        "HTTP/1.1 302 Found\r\nLocation: file:///secret\r\n"
        "Content-Length: 0\r\n\r\n");
  });
  EXPECT_THAT(ErrorOf(server.url()), Not(HasSubstr("secret")));
}

// -- streams --

TEST_F(HttpClientTest, StreamGivesPiecesAsTheyCome) {
  std::promise<void> seen;
  ScriptServer server([&](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.Send("5\r\nfirst\r\n");
    seen.get_future().wait();  // the second comes only after the first is in
    peer.Send("6\r\nsecond\r\n0\r\n\r\n");
  });
  Make();
  std::string body;
  int status = 0;
  const auto response = test::RunOn(
      loop, client->Stream(
                Request(server.url()), [&](int code) { status = code; },
                [&](std::string_view piece) -> Result<void> {
                  EXPECT_EQ(status, 200);
                  body += piece;
                  if (body == "first") seen.set_value();
                  return {};
                },
                stop.get_token()));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(body, "firstsecond");
  EXPECT_EQ(response->body, "");
}

TEST_F(HttpClientTest, StreamsErrorAnswerIsCollected) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone");
  });
  Make();
  const auto response =
      test::RunOn(loop, client->Stream(
                            Request(server.url()), nullptr,
                            [](std::string_view) -> Result<void> {
                              ADD_FAILURE() << "no stream";
                              return {};
                            },
                            stop.get_token()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 410);
  EXPECT_EQ(response->body, "gone");
}

TEST_F(HttpClientTest, StreamWithoutAnyByteIsHalfOpen) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n");
    peer.WaitClosed();
  });
  Make();
  HttpRequest request = Request(server.url());
  request.timeout = Duration::max();
  request.idle = milliseconds(50);
  const auto response =
      test::RunOn(loop, client->Stream(
                            request, nullptr,
                            [](std::string_view) { return Result<void>(); },
                            stop.get_token()));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, EndsWith(": body: timed out"));
}

TEST_F(HttpClientTest, ReadersErrorEndsTheStream) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\n\r\nx");
    peer.WaitClosed();
  });
  Make();
  const auto response =
      test::RunOn(loop, client->Stream(
                            Request(server.url()), nullptr,
                            [](std::string_view) {
                              return Result<void>(std::unexpected(Error{
                                  Error::Code::kRelist, "line too long"}));
                            },
                            stop.get_token()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Error::Code::kRelist);
}

// -- stopping --

TEST_F(HttpClientTest, StopEndsARequestAtEachStep) {
  const char* const kSent[] = {
      "", "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"};
  for (const char* sent : kSent) {
    std::stop_source source;
    ScriptServer server([&](ScriptConnection& peer) {
      peer.ReadHead();
      peer.Send(sent);
      boost::asio::post(loop, [&source] { source.request_stop(); });
      peer.WaitClosed();
    });
    Make();
    const auto response = test::RunOn(
        loop, client->Fetch(Request(server.url()), source.get_token()));
    ASSERT_FALSE(response);
    EXPECT_THAT(response.error().message, EndsWith(": stopped")) << sent;
  }
}

TEST_F(HttpClientTest, StopEndsALookup) {
  Make();
  std::stop_source source;
  boost::asio::post(loop, [&source] { source.request_stop(); });
  const auto response = test::RunOn(
      loop, client->Fetch(Request("http://slow.invalid/"), source.get_token()));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, Not(HasSubstr("timed out")));
}

TEST_F(HttpClientTest, StoppedBeforeItBeganSendsNothing) {
  ScriptServer server([](ScriptConnection& peer) { peer.ReadHead(); });
  stop.request_stop();
  EXPECT_THAT(ErrorOf(server.url()), EndsWith(": stopped"));
  EXPECT_EQ(server.accepted(), 0);
}

// The loop goes away under a request: nothing leaks, nothing crashes.
TEST_F(HttpClientTest, LoopMayEndUnderARequest) {
  ScriptServer server([](ScriptConnection& peer) { peer.WaitClosed(); });
  boost::asio::io_context own;
  const auto temporary = *HttpClient::Make(own.get_executor(), {});
  boost::asio::co_spawn(
      own, temporary->Fetch(Request(server.url()), std::stop_token()),
      [](std::exception_ptr, const Result<HttpResponse>&) {
        ADD_FAILURE() << "it cannot end";
      });
  while (own.run_one_for(milliseconds(50)) > 0) {
  }
}

}  // namespace
}  // namespace ta
