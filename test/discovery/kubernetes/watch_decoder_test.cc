#include "discovery/kubernetes/watch_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "ADDED x/a 5", one for each event.
std::string ToText(const WatchEvent& event) {
  switch (event.kind) {
    case WatchEvent::Kind::kAdded:
      return "ADDED " + event.object->key + " " + event.resource_version;
    case WatchEvent::Kind::kModified:
      return "MODIFIED " + event.object->key + " " + event.resource_version;
    case WatchEvent::Kind::kDeleted:
      return "DELETED " + event.object->key + " " + event.resource_version;
    case WatchEvent::Kind::kBookmark:
      return std::string(event.initial_events_end ? "END " : "BOOKMARK ") +
             event.resource_version;
    case WatchEvent::Kind::kOpened:
      return "opened";
    case WatchEvent::Kind::kError:
      return "ERROR " + std::to_string(event.status.code) + " " +
             event.status.message;
    case WatchEvent::Kind::kBad:
      return "BAD " + event.bad->key + " | " + event.bad->error.message;
  }
  return "";
}

struct Decoded {
  std::vector<std::string> events;
  std::string error;
};

// Feeds `stream` in pieces of `piece` bytes.
Decoded Decode(std::string_view stream, std::size_t piece,
               WatchDecoder&& decoder = WatchDecoder(Resource::kPods)) {
  Decoded decoded;
  for (; !stream.empty();
       stream.remove_prefix(std::min(piece, stream.size()))) {
    const auto fed = decoder.Feed(
        stream.substr(0, piece),
        [&](WatchEvent event) { decoded.events.push_back(ToText(event)); });
    if (!fed) {
      decoded.error = fed.error().message;
      break;
    }
  }
  return decoded;
}

std::string Line(std::string_view type, std::string_view name,
                 std::string_view version) {
  return R"({"type":")" + std::string(type) +
         R"(","object":{"kind":"Pod","metadata":{"namespace":"x","name":")" +
         std::string(name) + R"(","resourceVersion":")" + std::string(version) +
         "\"}}}\n";
}

const std::string kStream =
    Line("ADDED", "a", "1") + "\r\n" + Line("MODIFIED", "é", "2") +
    Line("DELETED", "a", "3") +
    R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}})"
    "\n"
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10","annotations":{"k8s.io/initial-events-end":"true"}}}})"
    "\n"
    R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
    "\n";

TEST(WatchDecoderTest, ReadsEventsHoweverTheStreamIsCut) {
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) {
    const Decoded decoded = Decode(kStream, piece);
    ASSERT_EQ(decoded.error, "");
    ASSERT_THAT(decoded.events,
                ElementsAre("ADDED x/a 1", "MODIFIED x/é 2", "DELETED x/a 3",
                            "BOOKMARK 9", "END 10", "ERROR 410 too old"))
        << "in pieces of " << piece;
  }
}

TEST(WatchDecoderTest, HoldsAnIncompleteLineOnly) {
  WatchDecoder decoder(Resource::kPods);
  const auto ignore = [](const WatchEvent&) {};
  EXPECT_TRUE(decoder.empty());
  ASSERT_TRUE(decoder.Feed(kStream, ignore));
  EXPECT_TRUE(decoder.empty());
  ASSERT_TRUE(decoder.Feed("{\"type\"", ignore));
  EXPECT_FALSE(decoder.empty());
}

TEST(WatchDecoderTest, BadObjectCostsItselfOnly) {
  const std::string bad =
      R"({"type":"MODIFIED","object":{"kind":"Pod","metadata":{"namespace":"x","name":"b","resourceVersion":"2"},"spec":{"nodeName":7}}})"
      "\n";
  EXPECT_THAT(
      Decode(Line("ADDED", "a", "1") + bad + Line("ADDED", "c", "3"), 7).events,
      ElementsAre("ADDED x/a 1",
                  "BAD x/b | pods x/b: spec.nodeName: not a string",
                  "ADDED x/c 3"));
  EXPECT_EQ(test::ReadEvent(Resource::kPods, bad.substr(0, bad.size() - 1))
                .resource_version,
            "2");
}

TEST(WatchDecoderTest, EventsThatMeanNothingToUsAreBad) {
  const struct {
    std::string_view line;
    std::string_view why;
  } kCases[] = {
      {R"({"type":"SYNCED","object":{}})", "an event of unknown type"},
      {R"({"type":"ADDED","object":{"kind":"Node","metadata":{"name":"n"}}})",
       "an event of another kind of object"},
      {R"({"type":"BOOKMARK","object":{"metadata":{}}})",
       "a bookmark without a resource version"},
      {R"({"type":"ADDED","object":null})", "not a map"},
  };
  for (const auto& each : kCases) {
    const WatchEvent event = test::ReadEvent(Resource::kPods, each.line);
    ASSERT_TRUE(event.bad) << each.line;
    EXPECT_THAT(event.bad->error.message, HasSubstr(each.why));
    EXPECT_EQ(event.bad->key, "");
  }
}

TEST(WatchDecoderTest, ErrorWithoutAStatusIsAnErrorAllTheSame) {
  EXPECT_EQ(ToText(test::ReadEvent(Resource::kPods,
                                   R"({"type":"ERROR","object":{}})")),
            "ERROR 500 an ERROR event without a status");
}

TEST(WatchDecoderTest, GarbageEndsTheStreamAfterWhatWasBeforeIt) {
  for (const std::string_view garbage :
       {"<html>", "{\"type\":", "null", "[]", "{}",
        "{\"type\":1,\"object\":{}}", "{\"type\":\"ADDED\"}", "{}{}", "\"",
        "\xff"}) {
    const Decoded decoded =
        Decode(Line("ADDED", "a", "1") + std::string(garbage) + "\n" +
                   Line("ADDED", "b", "2"),
               11);
    EXPECT_NE(decoded.error, "") << garbage;
    EXPECT_THAT(decoded.events, ElementsAre("ADDED x/a 1")) << garbage;
  }
}

TEST(WatchDecoderTest, LineThatIsTooLongIsLeftOut) {
  const std::string longer = Line("ADDED", std::string(500, 'l'), "2");
  const std::string stream =
      Line("ADDED", "a", "1") + longer + Line("ADDED", "c", "3");
  for (const std::size_t piece : {1ul, 100ul, 10'000ul}) {
    EXPECT_THAT(
        Decode(stream, piece, WatchDecoder(Resource::kPods, 200)).events,
        ElementsAre("ADDED x/a 1",
                    "BAD  | pods: an event above 200 bytes, left out",
                    "ADDED x/c 3"));
  }
  // Of exactly that length it is read.
  EXPECT_THAT(
      Decode(longer, 50, WatchDecoder(Resource::kPods, longer.size() - 1))
          .events,
      ElementsAre(HasSubstr("ADDED x/lll")));
}

TEST(WatchDecoderTest, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_THAT(Decode(Line("ADDED", "a\xff", "1"), 1000).events,
              ElementsAre("ADDED x/a\xEF\xBF\xBD 1"));
}

TEST(WatchDecoderTest, RandomBytesAreNeverMoreThanAnError) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = kStream;
    for (unsigned n = random() % 8; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    Decode(bytes, 1 + random() % bytes.size());
  }
}

TEST(ListTest, PageHasObjectsVersionAndToken) {
  const auto page = ParseList(
      Resource::kPods,
      R"({"kind":"PodList","metadata":{"resourceVersion":"5","continue":"t"},
          "items":[{"metadata":{"namespace":"x","name":"a"}},
                   {"metadata":{"namespace":"x","name":"b"},"spec":[]},
                   {"metadata":{"namespace":"x","name":"c"}}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->resource_version, "5");
  EXPECT_EQ(page->continue_token, "t");
  ASSERT_EQ(page->objects.size(), 2u);
  EXPECT_EQ(page->objects[1]->key, "x/c");
  ASSERT_EQ(page->bad.size(), 1u);
  EXPECT_EQ(page->bad[0].key, "x/b");
  EXPECT_EQ(page->bad[0].error.message, "pods x/b: spec: not a map");
}

TEST(ListTest, NullItemsAreAnEmptyList) {
  const auto page = ParseList(
      Resource::kNodes, R"({"metadata":{"resourceVersion":"5"},"items":null})");
  ASSERT_TRUE(page);
  EXPECT_THAT(page->objects, IsEmpty());
}

// Taken for an empty list, any of these would remove everything.
TEST(ListTest, AnythingElseIsNoList) {
  for (const std::string body :
       {"", "{}", "[]", "null", "<html>", R"({"items":[]})",
        R"({"metadata":{"resourceVersion":"5"}})",
        R"({"metadata":{"resourceVersion":"5"},"items":{}})",
        R"({"kind":"NodeList","metadata":{"resourceVersion":"5"},"items":[]})",
        R"({"kind":"Status","metadata":{"resourceVersion":"5"},"items":[]})",
        R"({"metadata":{"resourceVersion":"5"},"items":[)"}) {
    EXPECT_FALSE(ParseList(Resource::kPods, body)) << body;
  }
}

TEST(StatusTest, AnswerSaysWhatToDo) {
  const auto code = [](int http, std::string_view body) {
    return FailureOfAnswer(http, body, std::nullopt).error.code;
  };
  EXPECT_EQ(code(410, ""), Error::Code::kRelist);
  EXPECT_EQ(code(429, ""), Error::Code::kRetry);
  EXPECT_EQ(code(500, ""), Error::Code::kRetry);
  EXPECT_EQ(code(401, ""), Error::Code::kGiveUp);
  EXPECT_EQ(code(403, ""), Error::Code::kGiveUp);
  EXPECT_EQ(code(422, ""), Error::Code::kReject);
  EXPECT_EQ(code(504, R"({"kind":"Status","reason":"Timeout","code":504,
      "message":"Too large resource version: 9, current: 1"})"),
            Error::Code::kRelist);
  EXPECT_EQ(NoAnswer("refused").error.code, Error::Code::kRetry);
  EXPECT_EQ(NoAnswer("refused").status.code, 0);
}

TEST(StatusTest, MessageIsTheServers) {
  EXPECT_EQ(FailureOfAnswer(403, R"({"kind":"Status","reason":"Forbidden",
      "message":"pods is forbidden","code":403})",
                            std::nullopt)
                .error.message,
            "HTTP 403 Forbidden: pods is forbidden");
  EXPECT_EQ(
      FailureOfAnswer(502, "<html>\x01\n<body>", std::nullopt).error.message,
      "HTTP 502: <html> ");
  EXPECT_EQ(FailureOfAnswer(503, "", std::nullopt).error.message, "HTTP 503");
}

TEST(StatusTest, HeaderWinsOverBodyForRetryAfter) {
  const std::string_view body =
      R"({"kind":"Status","details":{"retryAfterSeconds":3}})";
  using std::chrono::seconds;
  EXPECT_EQ(FailureOfAnswer(429, body, {}).status.retry_after, seconds(3));
  EXPECT_EQ(FailureOfAnswer(429, body, seconds(7)).status.retry_after,
            seconds(7));
}

}  // namespace
}  // namespace ta::kubernetes
