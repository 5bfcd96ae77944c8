#include "discovery/http_response.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace ta {
namespace {

using Parser = HttpResponseParser;

std::string Gzip(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct Outcome {
  std::string body;
  int status = 0;
  bool done = false;
  bool keep_alive = false;
  std::size_t rest = 0;  // bytes behind the response
  std::string error;
};

// As a connection would: `pieces` at a time, and then the end if it is not
// done.
Outcome Parse(const std::string& bytes, std::size_t piece = 1 << 20,
              std::size_t limit = 0,
              Parser::Body body = Parser::Body::kAsSaid) {
  Outcome outcome;
  Parser parser(body, {limit}, [&](std::string_view text) {
    outcome.body += text;
    return Result<void>();
  });
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !parser.done(); at += piece) {
    pending += bytes.substr(at, piece);
    while (!pending.empty() && !parser.done()) {
      const auto used = parser.Feed(pending);
      if (!used) {
        outcome.error = used.error().message;
        return outcome;
      }
      pending.erase(0, *used);
      if (*used == 0) break;
    }
  }
  if (!parser.done()) {
    const auto end = parser.End();
    if (!end) outcome.error = end.error().message;
  }
  outcome.done = parser.done();
  outcome.rest = pending.size();
  if (parser.headers_done()) outcome.status = parser.status();
  if (outcome.done) outcome.keep_alive = parser.keep_alive();
  return outcome;
}

const std::string kText = "The body of an answer, some bytes long.";

struct Kind {
  const char* name;
  std::string bytes;
  bool until_close = false;
};

std::vector<Kind> Kinds() {
  const std::string zipped = Gzip(kText);
  const auto chunked = [](const std::string& text, std::size_t size) {
    std::string chunks;
    for (std::size_t at = 0; at < text.size(); at += size) {
      const std::string part = text.substr(at, size);
      char length[16];
      std::snprintf(length, sizeof(length), "%zx;ext=1\r\n", part.size());
      chunks += length + part + "\r\n";
    }
    return chunks + "0\r\nTrailer: x\r\n\r\n";
  };
  const auto length = [](const std::string& text) {
    return "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\nX: y\r\n";
  const std::string gz = ok + "Content-Encoding: gzip\r\n";
  const std::string te = "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"length", ok + length(kText)},
      {"chunks", ok + te + chunked(kText, 7)},
      {"close", ok + "\r\n" + kText, true},
      {"gzip", gz + length(zipped)},
      {"gzip chunks", gz + te + chunked(zipped, 5)},
      {"gzip close", gz + "\r\n" + zipped, true},
      {"two gzip members",
       gz + length(Gzip(kText.substr(0, 9)) + Gzip(kText.substr(9)))},
      {"after interim answers",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" +
           ok + length(kText)},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + length(kText)},
  };
}

TEST(HttpResponseTest, AnyPiecesGiveTheSameBody) {
  for (const Kind& kind : Kinds()) {
    for (const std::size_t piece : {1, 2, 3, 7, 64, 100000}) {
      const Outcome outcome = Parse(kind.bytes, piece);
      EXPECT_EQ(outcome.error, "") << kind.name << " by " << piece;
      EXPECT_EQ(outcome.body, kText) << kind.name << " by " << piece;
      EXPECT_TRUE(outcome.done) << kind.name << " by " << piece;
      EXPECT_EQ(outcome.status, 200) << kind.name;
      EXPECT_EQ(outcome.rest, 0u) << kind.name;
      EXPECT_EQ(outcome.keep_alive,
                !kind.until_close && std::string(kind.name) != "HTTP/1.0")
          << kind.name;
    }
  }
}

// Cut anywhere, an answer is an error: half a list must not pass for one.
TEST(HttpResponseTest, EveryCutIsAnError) {
  for (const Kind& kind : Kinds()) {
    for (std::size_t end = 0; end < kind.bytes.size(); ++end) {
      // Without a length nobody can tell, unless it is gzip.
      if (std::string(kind.name) == "close" &&
          end >= kind.bytes.find("\r\n\r\n") + 4) {
        break;
      }
      if (std::string(kind.name) == "gzip close" &&
          end == kind.bytes.find("\r\n\r\n") + 4) {
        continue;  // nothing at all is an empty body
      }
      EXPECT_NE(Parse(kind.bytes.substr(0, end)).error, "")
          << kind.name << " cut at " << end;
    }
  }
}

TEST(HttpResponseTest, GarbageIsAnError) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string kBad[] = {
      "garbage",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 20x OK\r\n\r\n",
      ok + "no colon\r\n\r\n",
      ok + "Content-Length: -1\r\n\r\n",
      ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
      ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
      ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
      ok + "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
      ok + std::string("X\0: y\r\n\r\n", 9),
  };
  for (const std::string& bytes : kBad) {
    for (const std::size_t piece : {1, 1000}) {
      EXPECT_NE(Parse(bytes, piece).error, "") << bytes;
    }
  }
}

TEST(HttpResponseTest, LimitsHold) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string long_header = ok + "X: " + std::string(100'000, 'x');
  EXPECT_EQ(Parse(long_header, 1000).error,
            "the headers are larger than 65536 bytes");
  const std::string said = ok + "Content-Length: 101\r\n\r\nx";
  EXPECT_EQ(Parse(said, 1000, 100).error, "the body is larger than 100 bytes");
  const std::string unsaid = ok + "\r\n" + std::string(101, 'x');
  EXPECT_EQ(Parse(unsaid, 1000, 100).error,
            "the body is larger than 100 bytes");
  // 10 MB of zeros are 10 kB of gzip.
  const std::string bomb = ok + "Content-Encoding: gzip\r\n\r\n" +
                           Gzip(std::string(10'000'000, '\0'));
  const Outcome outcome = Parse(bomb, 1000, 100'000);
  EXPECT_EQ(outcome.error, "the body is larger than 100000 bytes when decoded");
  EXPECT_LE(outcome.body.size(), 100'000u);
  std::string interim;
  for (int i = 0; i < 11; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(Parse(interim).error, "too many 1xx answers");
}

TEST(HttpResponseTest, AnswersWithoutBodyEndWithTheirHeaders) {
  EXPECT_TRUE(Parse("HTTP/1.1 204 No Content\r\n\r\n").done);
  EXPECT_TRUE(Parse("HTTP/1.1 304 Not Modified\r\n\r\n").done);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  EXPECT_TRUE(Parse(head, 1000, 0, Parser::Body::kNone).done);
}

TEST(HttpResponseTest, BytesBehindTheAnswerAreLeft) {
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1").rest,
            8u);
}

TEST(HttpResponseTest, ErrorOfTheSinkIsReturnedAsItIs) {
  Parser parser(Parser::Body::kAsSaid, {},
                [](std::string_view) { return Result<void>(Reject("full")); });
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  ASSERT_TRUE(parser.Feed(head));
  const auto fed = parser.Feed("x");
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().message, "full");
}

TEST(HttpResponseTest, RandomDamageNeverDoesMore) {
  std::mt19937 random(7);
  for (const Kind& kind : Kinds()) {
    for (int round = 0; round < 300; ++round) {
      std::string bytes = kind.bytes;
      for (int i = 0; i < 3; ++i) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      const Outcome outcome = Parse(bytes, 1 + random() % 40, 1000);
      EXPECT_LE(outcome.body.size(), 1000u);
    }
  }
}

}  // namespace
}  // namespace ta
