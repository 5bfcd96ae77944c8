#include "discovery/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/log.h"
#include "test/discovery/manual_time.h"
#include "test/discovery/script_server.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Groups;
using test::RecordingSink;
using test::ScriptConnection;
using test::ScriptServer;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using State = RecordingSink::State;

// -- answers --

HttpResponse Answer(std::string body, std::string type = "application/json") {
  HttpResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", std::move(type)}};
  response.body = std::move(body);
  return response;
}

std::vector<std::string> SourcesOf(const std::vector<TargetGroup>& groups) {
  std::vector<std::string> sources;
  for (const TargetGroup& group : groups) sources.push_back(group.source);
  return sources;
}

TEST(HttpGroupsTest, GroupsHaveTheirUrlAndIndex) {
  HttpGroups groups("http://h/sd");
  const auto taken = groups.Take(Answer(
      R"([{"targets":["a:1","b:1"],"labels":{"x":"y"}},{"targets":[]}])"));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_THAT(SourcesOf(*taken), ElementsAre("http://h/sd:0", "http://h/sd:1"));
  EXPECT_EQ((*taken)[0].labels,
            Labels::Of({{"x", "y"}, {"__meta_url", "http://h/sd"}}));
  EXPECT_EQ((*taken)[0].targets[1], Labels::Of({{"__address__", "b:1"}}));
}

TEST(HttpGroupsTest, OnlyWhatChangedIsGiven) {
  HttpGroups groups("http://h");
  ASSERT_TRUE(groups.Take(Answer(Groups({"a:1", "a:2", "a:3"}))));
  EXPECT_THAT(*groups.Take(Answer(Groups({"a:1", "a:2", "a:3"}))), SizeIs(0));
  EXPECT_THAT(SourcesOf(*groups.Take(Answer(Groups({"a:1", "a:9", "a:3"})))),
              ElementsAre("http://h:1"));
  const auto fewer = groups.Take(Answer(Groups({"a:1"})));
  EXPECT_THAT(SourcesOf(*fewer), ElementsAre("http://h:1", "http://h:2"));
  EXPECT_THAT((*fewer)[0].targets, SizeIs(0));
  EXPECT_THAT(SourcesOf(*groups.Take(Answer("null"))),
              ElementsAre("http://h:0"));
}

TEST(HttpGroupsTest, WhatIsWrongChangesNothing) {
  HttpGroups groups("http://h");
  ASSERT_TRUE(groups.Take(Answer(Groups({"a:1"}))));
  HttpResponse down = Answer("[]");
  down.status = 503;
  for (const auto& [response, says] :
       std::vector<std::pair<HttpResponse, std::string>>{
           {down, "HTTP 503"},
           {Answer("[]", "text/html"), "no application/json but \"text/html\""},
           {Answer("[]", ""), "no application/json but \"\""},
           {Answer(""), "the text ends"},
           {Answer("[null]"), "nil target group item found"},
           {Answer("{}"), "a list of target groups"},
           {Answer("[] []"), "the end"},
           {Answer(Groups({"b:1"}) + "x"), "the end"},
           {Answer(R"([{"targets":["b:1"],"label":{}}])"), "unknown field"},
           {Answer(Groups({"b:1", "b:2"}).substr(0, 40)), "the text ends"}}) {
    const auto taken = groups.Take(response);
    ASSERT_FALSE(taken) << says;
    EXPECT_THAT(taken.error().message, HasSubstr(says));
    EXPECT_EQ(taken.error().code, Error::Code::kRetry);
  }
  EXPECT_THAT(*groups.Take(Answer(Groups({"a:1"}))), SizeIs(0));
}

TEST(HttpGroupsTest, ContentTypeIsJsonInUtf8) {
  for (const char* type :
       {"application/json", "APPLICATION/JSON", " application/json ",
        "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\""}) {
    EXPECT_TRUE(IsJsonContentType(type)) << type;
  }
  for (const char* type :
       {"", "application/jsonp", "application/json;", "text/json",
        "application/json; charset=latin1", "application/json; charset=utf-8;",
        "application/json ; charset=utf-8", "application/json, text/html"}) {
    EXPECT_FALSE(IsJsonContentType(type)) << type;
  }
}

TEST(HttpGroupsTest, PasswordOfTheUrlIsNowhere) {
  HttpGroups groups("http://u:secret@h/sd?x=1");
  const auto taken = groups.Take(Answer(Groups({"a:1"})));
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)[0].source, "http://u:xxxxx@h/sd?x=1:0");
  EXPECT_EQ((*taken)[0].labels.Get("__meta_url"), "http://u:xxxxx@h/sd?x=1");
}

TEST(HttpGroupsTest, InvalidLabelNamesLeaveTheirTargetsOut) {
  const LogCapture log;
  HttpGroups groups("http://h");
  const auto taken = groups.Take(
      Answer(R"([{"targets":["a:1"],"labels":{"":"x"}},{"targets":["b:1"]}])"));
  ASSERT_TRUE(taken);
  EXPECT_THAT((*taken)[0].targets, SizeIs(0));
  EXPECT_THAT((*taken)[0].invalid, SizeIs(1));
  EXPECT_THAT((*taken)[1].targets, SizeIs(1));
  EXPECT_EQ(log.Count("targets left out"), 1);
}

TEST(HttpGroupsTest, NeitherUserNorQueryOfTheUrlIsInTheLog) {
  const LogCapture log;
  HttpGroups groups("http://user:secret@h/sd?token=secret");
  ASSERT_TRUE(
      groups.Take(Answer(R"([{"targets":["a:1"],"labels":{"":"x"}}])")));
  EXPECT_EQ(log.Count("from=http://h/sd "), 1);
  EXPECT_EQ(log.Count("secret"), 0);
  EXPECT_EQ(log.Count("user"), 0);
}

TEST(HttpGroupsTest, IntervalIsWrittenAsGoDoes) {
  EXPECT_EQ(RefreshIntervalText(seconds(60)), "60");
  EXPECT_EQ(RefreshIntervalText(milliseconds(500)), "0.5");
  EXPECT_EQ(RefreshIntervalText(milliseconds(1005)), "1.005");
  EXPECT_EQ(RefreshIntervalText(milliseconds(0)), "0");
}

// -- with a server --

// Answers as the test says at the moment.
class SdServer {
 public:
  SdServer()
      : server_([this](ScriptConnection& peer) {
          while (true) {
            std::string head = peer.ReadHead();
            if (head.empty()) return;
            std::string answer;
            {
              const std::lock_guard lock(mutex_);
              head_ = std::move(head);
              answer = answer_;
            }
            peer.Send(answer);
          }
        }) {}
  void Set(std::string answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void SetJson(const std::string& body, const std::string& headers = "") {
    Set("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers +
        "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  std::string url() const { return server_.url("/sd"); }
  int accepted() const { return server_.accepted(); }

 private:
  mutable std::mutex mutex_;
  std::string head_;    // guarded by mutex_
  std::string answer_;  // guarded by mutex_
  ScriptServer server_;
};

std::string Gzip(const std::string& text) {
  std::string out(text.size() + 100, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class HttpTest : public testing::Test {
 protected:
  void Start(HttpDiscovery settings) {
    settings.refresh_interval = seconds(30);
    discoverer_.emplace(
        PolledDiscoverer::Settings{"key", "http", seconds(30), 7,
                                   counters_.SeriesOf("http", "job")},
        [this, settings](const boost::asio::any_io_executor& executor) {
          return std::make_unique<HttpMechanism>(settings, executor,
                                                 &counters_);
        },
        &io_, &sink_, time_.time());
    discoverer_->Start();
  }
  // Lets it ask once more, and waits for what comes of it.
  void Next() {
    time_.SkipWait();
    time_.Waiting();
  }

  const LogCapture log_;
  RefreshCounters counters_;
  RecordingSink sink_;
  test::ManualTime time_;
  SdServer server_;
  IoThread io_;
  std::optional<PolledDiscoverer> discoverer_;
};

TEST_F(HttpTest, AsksAsPrometheusDoesAndKeepsItsConnection) {
  server_.SetJson(Groups({"a:1"}));
  Start({server_.url()});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  EXPECT_TRUE(sink_.state().synced());
  const std::string head = server_.head();
  EXPECT_THAT(head, StartsWith("GET /sd HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Accept: application/json\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Prometheus-Refresh-Interval-Seconds: 30\r\n"));
  EXPECT_THAT(head, HasSubstr("User-Agent: target-allocator/"));
  server_.SetJson(Groups({"a:2"}));
  Next();
  EXPECT_TRUE(sink_.WaitForAddresses({"a:2"}));
  EXPECT_EQ(server_.accepted(), 1);
  EXPECT_EQ(counters_.http_answers().items.load(), 2u);
  EXPECT_EQ(counters_.dns_answers().items.load(), 0u);
}

TEST_F(HttpTest, GzipIsUndone) {
  server_.SetJson(Gzip(Groups({"a:1", "ä:2"})), "Content-Encoding: gzip\r\n");
  Start({server_.url()});
  EXPECT_TRUE(sink_.WaitForAddresses({"a:1", "ä:2"}));
  EXPECT_THAT(server_.head(), HasSubstr("Accept-Encoding: gzip"));
}

TEST_F(HttpTest, FailuresKeepWhatThereWas) {
  server_.SetJson(Groups({"a:1"}));
  Start({server_.url()});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  time_.Waiting();
  const std::vector<std::pair<std::string, std::string>> failures = {
      {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP 500"},
      {"garbage\r\n\r\n", "answer: "},
      {"HTTP/1.1 302 Found\r\nLocation: /sd\r\nContent-Length: 0\r\n\r\n",
       "stopped after 10 redirects"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2"
       "\r\n\r\n[]",
       "text/html"}};
  for (const auto& [answer, says] : failures) {
    server_.Set(answer);
    Next();
    EXPECT_THAT(sink_.state().problem(), HasSubstr(says));
    EXPECT_THAT(sink_.state().problem(), HasSubstr("GET http://127.0.0.1:"));
    EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:1"));
    EXPECT_TRUE(sink_.state().synced());
  }
  EXPECT_EQ(counters_.values().http_failures, failures.size());
  server_.SetJson("[]");
  Next();
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre());
  EXPECT_EQ(sink_.state().problem(), "");
}

TEST_F(HttpTest, AnAnswerAboveTheLimitIsRefused) {
  server_.Set(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
      "Content-Length: 300000000\r\n\r\n[");
  Start({server_.url()});
  time_.Waiting();
  EXPECT_THAT(sink_.state().problem(),
              HasSubstr("larger than 268435456 bytes"));
  EXPECT_FALSE(sink_.state().synced());
}

TEST_F(HttpTest, SecretsAreInNoProblemAndNoLog) {
  HttpDiscovery settings;
  settings.url = "http://u:hunter2@127.0.0.1:1/sd?key=hunter2";
  settings.client.http_headers = {{"X-Key", {}, {"hunter2"}, {}}};
  Start(settings);
  time_.Waiting();
  EXPECT_THAT(sink_.state().problem(),
              AllOf(StartsWith("GET http://127.0.0.1:1/sd: "),
                    HasSubstr("connection refused")));
  EXPECT_EQ(log_.Count("hunter2"), 0);
}

TEST_F(HttpTest, WhatCannotWorkSaysSo) {
  HttpDiscovery settings;
  settings.url = server_.url();
  settings.client.unsupported = "authorization.credentials_ref";
  Start(settings);
  time_.Waiting();
  EXPECT_THAT(sink_.state().problem(),
              HasSubstr("authorization.credentials_ref is not supported"));
  EXPECT_EQ(server_.accepted(), 0);
}

TEST_F(HttpTest, StopsWhileTheServerIsSilent) {
  server_.Set("");
  Start({server_.url()});
  while (server_.head().empty()) std::this_thread::yield();
  discoverer_->Stop();
  EXPECT_THAT(sink_.state().updates, SizeIs(0));
}

}  // namespace
}  // namespace ta
