#include "bench/answer_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ta::bench {
namespace {

using State = AnswerReader::State;

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nDate: today\r\ncontent-length:  5\r\n"
    "ETag: W/\"0a\"\r\n\r\nbytes";

TEST(AnswerReaderTest, ReadsAnAnswerWhereverItIsCut) {
  for (std::size_t cut = 0; cut < kAnswer.size(); ++cut) {
    AnswerReader reader;
    EXPECT_EQ(reader.Take(kAnswer.substr(0, cut)), State::kReading) << cut;
    EXPECT_EQ(reader.Take(kAnswer.substr(cut)), State::kDone) << cut;
    EXPECT_EQ(reader.status(), 200);
    EXPECT_EQ(reader.body_bytes(), 5u);
    EXPECT_EQ(reader.etag(), "W/\"0a\"");
  }
}

TEST(AnswerReaderTest, ReadsAnAnswerByteByByte) {
  AnswerReader reader;
  for (std::size_t at = 0; at + 1 < kAnswer.size(); ++at) {
    ASSERT_EQ(reader.Take(kAnswer.substr(at, 1)), State::kReading) << at;
  }
  EXPECT_EQ(reader.Take(kAnswer.substr(kAnswer.size() - 1)), State::kDone);
}

TEST(AnswerReaderTest, KnowsWhatIsMissingAndSkipsIt) {
  AnswerReader reader;
  EXPECT_EQ(reader.Take(kAnswer.substr(0, kAnswer.size() - 4)),
            State::kReading);
  EXPECT_EQ(reader.missing(), 4u);
  EXPECT_EQ(reader.Skip(3), State::kReading);
  EXPECT_EQ(reader.Skip(1), State::kDone);
}

TEST(AnswerReaderTest, BytesAfterTheEndAreNoAnswer) {
  AnswerReader reader;
  EXPECT_EQ(reader.Take(std::string(kAnswer) + "x"), State::kBroken);
}

TEST(AnswerReaderTest, NotModifiedHasNoBody) {
  AnswerReader reader;
  EXPECT_EQ(
      reader.Take("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
      State::kDone);
  EXPECT_EQ(reader.status(), 304);
  EXPECT_EQ(reader.body_bytes(), 0u);
}

TEST(AnswerReaderTest, AnEmptyBodyIsWhole) {
  AnswerReader reader;
  EXPECT_EQ(reader.Take("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            State::kDone);
  EXPECT_EQ(reader.status(), 503);
}

TEST(AnswerReaderTest, RefusesWhatIsNoAnswer) {
  for (const std::string_view bytes : {
           "SSH-2.0-OpenSSH\r\n\r\n",
           "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    AnswerReader reader;
    EXPECT_EQ(reader.Take(bytes), State::kBroken) << bytes;
  }
  AnswerReader reader;
  EXPECT_EQ(reader.Take(std::string(20'000, 'a')), State::kBroken);
}

TEST(AnswerReaderTest, BeginForgetsTheOneBefore) {
  AnswerReader reader;
  ASSERT_EQ(reader.Take(kAnswer), State::kDone);
  reader.Begin();
  EXPECT_EQ(reader.status(), 0);
  EXPECT_EQ(reader.Take(kAnswer), State::kDone);
}

}  // namespace
}  // namespace ta::bench
