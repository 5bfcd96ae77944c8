// The client against servers that do what they should, and all that they
// shouldn't. Streams and stops are in http_client_stream_test.cc, TLS and
// proxies in http_client_tls_test.cc.

#include "discovery/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "test/discovery/http_client_fixture.h"
#include "test/discovery/script_server.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::HttpClientTest;
using test::ScriptConnection;
using test::ScriptServer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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
    // A byte each 5 ms, until the client is gone.
    pollfd closed{peer.fd(), POLLRDHUP, 0};
    while (poll(&closed, 1, 5) == 0) peer.Send("x");
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
  std::atomic<int> requests{0};
  ScriptServer server([&](ScriptConnection& peer) {
    while (!peer.ReadHead().empty()) {
      ++requests;
      peer.Send(
          "HTTP/1.1 302 Found\r\nLocation: /\r\n"
          "Content-Length: 0\r\n\r\n");
    }
  });
  EXPECT_THAT(ErrorOf(server.url()), EndsWith(": stopped after 10 redirects"));
  // As Go: the tenth answer's redirect is followed no more.
  EXPECT_EQ(requests, 10);
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

}  // namespace
}  // namespace ta
