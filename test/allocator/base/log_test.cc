#include "allocator/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ta {
namespace {

TEST(LogTest, LogfmtQuotesOnlyWhatIsAmbiguous) {
  EXPECT_EQ(FormatLogLine(LogFormat::kLogfmt, LogLevel::kWarn, "watch ended",
                          {{"resource", "pods"},
                           {"err", "410 Gone"},
                           {"attempt", 3},
                           {"empty", ""},
                           {"equation", "a=b"},
                           {"again", true}}),
            R"(level=warn msg="watch ended" resource=pods err="410 Gone" )"
            R"(attempt=3 empty="" equation="a=b" again=true)");
}

TEST(LogTest, JsonWritesNumbersAndTruthValuesBare) {
  EXPECT_EQ(
      FormatLogLine(LogFormat::kJson, LogLevel::kInfo, "ready",
                    {{"targets", 12}, {"version", "12"}, {"polling", false}}),
      R"("level":"info","msg":"ready","targets":12,"version":"12",)"
      R"("polling":false)");
}

TEST(LogTest, OneEventIsOneLineWhateverItHolds) {
  for (const LogFormat format : {LogFormat::kLogfmt, LogFormat::kJson}) {
    const std::string line =
        FormatLogLine(format, LogLevel::kError, "a \"b\"\nc",
                      {{"path", "C:\\x\r\n\t"}, {"bell", "\x07"}});
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("\n")));
    EXPECT_THAT(line, testing::HasSubstr(R"("a \"b\"\nc")"));
    EXPECT_THAT(line, testing::HasSubstr(R"("C:\\x\r\n\t")"));
    EXPECT_THAT(line, testing::HasSubstr(R"(\u0007)"));
  }
}

TEST(LogTest, LevelsAndFormatsAreReadInAnyCase) {
  EXPECT_EQ(ParseLogLevel("WARN").value(), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("warning").value(), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("debug").value(), LogLevel::kDebug);
  EXPECT_EQ(ParseLogFormat("JSON").value(), LogFormat::kJson);
  EXPECT_EQ(ParseLogLevel("loud").error().message,
            "log level \"loud\" is none of debug, info, warn, error");
  EXPECT_EQ(ParseLogFormat("xml").error().message,
            "log format \"xml\" is neither logfmt nor json");
}

TEST(LogTest, WhatIsNoTextIsShownAsReplacementCharacters) {
  EXPECT_EQ(
      FormatLogLine(LogFormat::kLogfmt, LogLevel::kInfo, "read",
                    {{"file", "a\xff\xe2\x82"}, {"who", "caf\xc3\xa9"}}),
      "level=info msg=\"read\" file=\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\" "
      "who=\"caf\xc3\xa9\"");
}

TEST(LogTest, ACaptureTakesLinesOfEveryLevelFromAllThreads) {
  const LogCapture capture;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 100; ++n)
          Log(LogLevel::kDebug, "hello", {{"n", n}});
      });
    }
  }
  EXPECT_EQ(capture.lines().size(), 400u);
  EXPECT_EQ(capture.Count("n=99"), 4);
}

}  // namespace
}  // namespace ta
