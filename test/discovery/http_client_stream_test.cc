// Streams, stops, and connections that hang.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <string>

#include "discovery/http_client.h"
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

using HttpClientStreamTest = HttpClientTest;

// -- streams --

TEST_F(HttpClientStreamTest, StreamGivesPiecesAsTheyCome) {
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

TEST_F(HttpClientStreamTest, StreamsErrorAnswerIsCollected) {
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

TEST_F(HttpClientStreamTest, StreamWithoutAnyByteIsHalfOpen) {
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

TEST_F(HttpClientStreamTest, ReadersErrorEndsTheStream) {
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

TEST_F(HttpClientStreamTest, StopEndsARequestAtEachStep) {
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

TEST_F(HttpClientStreamTest, StopEndsALookup) {
  Make();
  std::stop_source source;
  boost::asio::post(loop, [&source] { source.request_stop(); });
  const auto response = test::RunOn(
      loop, client->Fetch(Request("http://slow.invalid/"), source.get_token()));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, Not(HasSubstr("timed out")));
}

TEST_F(HttpClientStreamTest, StoppedBeforeItBeganSendsNothing) {
  ScriptServer server([](ScriptConnection& peer) { peer.ReadHead(); });
  stop.request_stop();
  EXPECT_THAT(ErrorOf(server.url()), EndsWith(": stopped"));
  EXPECT_EQ(server.accepted(), 0);
}

// The loop goes away under a request: nothing leaks, nothing crashes.
TEST_F(HttpClientStreamTest, LoopMayEndUnderARequest) {
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

// A listener that accepts nobody, with its queue full: the kernel drops who
// comes now, so that connecting hangs.
class FullListener {
 public:
  FullListener() {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address_), sizeof(address_));
    socklen_t size = sizeof(address_);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
    listen(listener_, 0);
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      connect(filler, reinterpret_cast<sockaddr*>(&address_), sizeof(address_));
    }
  }
  ~FullListener() {
    close(listener_);
    for (const int filler : fillers_) close(filler);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/";
  }

 private:
  int listener_ = -1;
  int fillers_[4];
  sockaddr_in address_{};
};

TEST_F(HttpClientStreamTest, ConnectThatHangsTimesOut) {
  const FullListener full;
  Make(Steps(milliseconds(50)));
  EXPECT_THAT(ErrorOf(full.url()), EndsWith(": timed out"));
}

TEST_F(HttpClientStreamTest, StopEndsAConnectThatHangs) {
  const FullListener full;
  boost::asio::post(loop, [this] { stop.request_stop(); });
  EXPECT_THAT(ErrorOf(full.url()), EndsWith(": stopped"));
}

}  // namespace
}  // namespace ta
