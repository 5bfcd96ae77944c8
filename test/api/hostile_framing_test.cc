// Requests that are none, or could be read as two: each is refused with a clear
// status, and nothing after it is taken for a request.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <utility>

#include "api/server.h"
#include "test/api/server_fixture.h"

namespace ta {
namespace {

using test::RawClient;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HostileFramingTest : public test::ServerFixture {};

TEST_F(HostileFramingTest, WhatIsNoHttpIsRefusedAndClosed) {
  Start();
  const std::pair<std::string, const char*> cases[] = {
      {"hello\r\n\r\n", "400"},
      {"GET /jobs HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
      {"GET /jobs HTTP/1.1\r\n\r\n", "400"},  // no Host
      {"GET /jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET /jobs HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", "400"},
      {"GET /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "400"},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
       "431"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a') +
           "\r\n\r\n",
       "431"},
      {"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n" +
           std::string(65'537, 'b'),
       "413"},
      {"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
       "\r\n11000\r\n" +
           std::string(0x11000, 'b') + "\r\n0\r\n\r\n",
       "413"},
  };
  for (const auto& [request, status] : cases) {
    RawClient client = Connect();
    client.Send(request);
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status))
        << request.substr(0, 60);
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n{\"error\":\""));
  }
  EXPECT_EQ(server_->stats().bad_requests.load(), std::size(cases));
}

TEST_F(HostileFramingTest, ABodyThatNobodyAskedForIsSkipped) {
  Start();
  RawClient client = Connect();
  client.Get("/jobs", "Content-Length: 5\r\n");
  client.Send("12345");
  client.Get("/livez");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// What a proxy in front of us may take for one request's body, and we for the
// next request (RFC 9112, 11.2): in doubt there is no next one.
TEST_F(HostileFramingTest, ARequestOfTwoLengthsIsItsConnectionsLast) {
  Start();
  const char* const framings[] = {
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
      "Content-Length: 4\r\nContent-Length: 5\r\n",
      "Content-Length: 4, 5\r\n",
      "Content-Length: +4\r\n",
      "Content-Length: -4\r\n",
      "Content-Length: 0x4\r\n",
      "Content-Length: 4 4\r\n",
      "Content-Length: 18446744073709551620\r\n",
      "Content-Length : 4\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding\x0b: chunked\r\n",
      "A: b\nContent-Length: 4\r\n",
      "A\x01: b\r\n",
  };
  for (const std::string framing : framings) {
    RawClient client = Connect();
    client.Get("/-/reload", framing, "POST");
    client.Send("0\r\n\r\nGET /jobs HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << framing;
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n")) << framing;
    EXPECT_THAT(answer.substr(1), Not(HasSubstr("HTTP/1.1"))) << framing;
  }
  EXPECT_EQ(server_->stats().bad_requests.load(), std::size(framings));
}

TEST_F(HostileFramingTest, AChunkThatIsNoneIsItsConnectionsLast) {
  Start();
  for (const std::string chunks :
       {"x\r\n", "-1\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n"}) {
    RawClient client = Connect();
    client.Get("/-/reload", "Transfer-Encoding: chunked\r\n", "POST");
    client.Send(chunks + "GET /jobs HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << chunks;
    EXPECT_THAT(answer.substr(1), Not(HasSubstr("HTTP/1.1"))) << chunks;
  }
}

TEST_F(HostileFramingTest, BadPercentEncodingIs400AndTheConnectionGoesOn) {
  Start();
  RawClient client = Connect();
  for (const char* target :
       {"/jobs/%/targets", "/jobs/%2/targets", "/jobs/%zz/targets",
        "/jobs/%%32/targets", "/jobs/web/targets?collector_id=%",
        "/jobs/web/targets?collector_id=%g0"}) {
    client.Get(target);
    const std::string answer = client.ReadAnswer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n")) << target;
    EXPECT_THAT(answer, HasSubstr("{\"error\":\"")) << target;
  }
  client.Get("/livez");
  EXPECT_THAT(client.ReadAnswer(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace ta
