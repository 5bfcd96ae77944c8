// Who gets a page and who gets JSON, and the headers that go with each.

#include <gmock/gmock.h>

#include "api/http_message.h"
#include "api/pages/page.h"
#include "test/api/pages/pages_fixture.h"

namespace ta {
namespace {

using test::kBrowser;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kBoth = "Accept, Accept-Encoding";

class NegotiationTest : public test::PagesFixture {
 protected:
  NegotiationTest() {
    builder_.Member("c0").Job("web");
    builder_.Target("web", "c0", {{"__address__", "a:1"}});
    builder_.config().scrape_configs_json = R"({"web":{}})";
  }
};

TEST_F(NegotiationTest, BrowsersGetPagesAndProgramsWhatTheyAlwaysGot) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "target-allocator\n"},
      {"/jobs", "{\"web\":{\"_link\":\"/jobs/web/targets\"}}\n"},
      {"/scrape_configs", "{\"web\":{}}"},
  };
  for (const auto& [path, body] : cases) {
    Page(path);
    EXPECT_EQ(Get(path).vary, kBoth) << path;
    for (const char* accept : {"", "*/*", "application/json"}) {
      const Response response = Get(path, accept);
      EXPECT_THAT(*response.body.bytes, StartsWith(body)) << path << accept;
      EXPECT_EQ(response.vary, kBoth) << path;
      EXPECT_EQ(response.content_policy, "") << path;
    }
  }
}

TEST_F(NegotiationTest, CollectorsPathsAreJsonForEverybody) {
  for (const char* path :
       {"/jobs/web/targets", "/jobs/web/targets?collector_id=c0",
        "/debug/jobs/web/targets?collector_id=c0", "/api/v1/status"}) {
    const Response response = Get(path);
    EXPECT_EQ(response.content_type, "application/json") << path;
    EXPECT_EQ(response.vary, "Accept-Encoding") << path;
  }
}

TEST_F(NegotiationTest, DebugPagesArePagesForEverybody) {
  for (const char* accept : {"", "application/json"}) {
    EXPECT_EQ(Get("/debug/jobs", accept).content_type,
              "text/html; charset=utf-8");
    EXPECT_EQ(Get("/debug/jobs", accept).vary, "Accept-Encoding");
  }
}

// A page that says the same is a 304; JSON's tag is not the page's.
TEST_F(NegotiationTest, EachFormHasItsOwnETag) {
  const std::string page = Get("/scrape_configs").etag;
  const std::string json = Get("/scrape_configs", "*/*").etag;
  EXPECT_NE(page, json);
  const auto status = [&](std::string_view accept, const std::string& tag) {
    Request request;
    request.method = "GET";
    request.target = "/scrape_configs";
    request.accept = accept;
    request.if_none_match = tag;
    const Response response = router_.Handle(request, *builder_.Build());
    EXPECT_EQ(response.vary, kBoth);
    return response.status;
  };
  EXPECT_EQ(status(kBrowser, page), 304);
  EXPECT_EQ(status(kBrowser, json), 200);
  EXPECT_EQ(status("*/*", json), 304);
  EXPECT_EQ(status("*/*", page), 200);
  builder_.raw().generation = 2;
  EXPECT_EQ(status(kBrowser, page), 200) << "the page shows the generation";
  EXPECT_EQ(status("*/*", json), 304);
}

TEST_F(NegotiationTest, PagesAreSentWithAPolicyThatAllowsTheirStyleAlone) {
  const std::string head = ResponseHead(Get("/debug/jobs"), "now", true, false);
  EXPECT_THAT(head, HasSubstr("\r\nContent-Security-Policy: default-src 'none';"
                              " style-src 'sha256-"));
  EXPECT_THAT(head, HasSubstr("frame-ancestors 'none'\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nCache-Control: no-cache\r\n"));
  EXPECT_EQ(PagePolicy().find("unsafe"), std::string_view::npos);
  EXPECT_THAT(ResponseHead(Get("/debug/job"), "now", true, false),
              HasSubstr("\r\nContent-Security-Policy: "))
      << "a page that says what is wrong";
  EXPECT_THAT(ResponseHead(Get("/jobs", "*/*"), "now", true, false),
              Not(HasSubstr("Policy")));
}

TEST_F(NegotiationTest, PagesAreCompressedForWhoTakesThat) {
  Request request;
  request.method = "GET";
  request.target = "/debug/jobs";
  request.accept_encoding = "gzip";
  const Response response = router_.Handle(request, *builder_.Build());
  EXPECT_TRUE(response.body.gzipped);
  EXPECT_LT(response.body.bytes->size(),
            Get("/debug/jobs").body.bytes->size() / 2);
}

TEST_F(NegotiationTest, APageWithoutRoomIsRefusedLikeOtherAnswers) {
  RouterOptions options = Options();
  options.body_bytes = 5000;
  options.cache_bytes = 0;
  Router small(options);
  Request request;
  request.method = "GET";
  request.target = "/debug/jobs";
  EXPECT_EQ(small.Handle(request, *builder_.Build()).status, 503);
}

}  // namespace
}  // namespace ta
