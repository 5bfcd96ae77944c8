// What the pages say, and that every one of them leads somewhere.

#include "api/pages/pages.h"

#include <gmock/gmock.h>

#include <deque>
#include <regex>
#include <set>

#include "allocator/base/percent.h"
#include "test/api/pages/pages_fixture.h"

namespace ta {
namespace {

using test::Flaw;
using test::MakeLabels;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// What somebody would call a job, a collector or a label to do harm.
const char* const kHostile = "<script>alert(1)</script>\"'&amp;/?#\u202ex";

std::string Unescaped(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"},
      {"&gt;", ">"},
      {"&quot;", "\""},
      {"&#39;", "'"},
      {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities) {
    for (std::size_t at = 0; (at = text.find(entity, at)) != text.npos; ++at) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

// Where `page`, which was got from `from`, leads.
std::vector<std::string> LinksOf(const std::string& from,
                                 const std::string& page) {
  static const std::regex link(R"re((?:href|action)="(\.\.?/[^"]*)")re");
  std::vector<std::string> links;
  for (std::sregex_iterator at(page.begin(), page.end(), link), end; at != end;
       ++at) {
    const std::string to = Unescaped((*at)[1]);
    // "../" is the root from "/debug/…", "./" from elsewhere.
    const bool up = to.starts_with("../");
    EXPECT_EQ(up, from.starts_with("/debug/")) << from << " to " << to;
    links.push_back(to.substr(up ? 2 : 1));
  }
  return links;
}

class PagesTest : public test::PagesFixture {
 protected:
  // A bit of everything, under hostile names.
  void FillHostile() {
    RelabelConfig drop;
    drop.action = RelabelConfig::Action::kDrop;
    drop.source_labels = {"__address__"};
    drop.regex = "<b>.*";
    builder_.Member(kHostile).Member("c1", MemberView::State::kDraining);
    builder_.Job(kHostile, {drop}).Job("db");
    for (int i = 0; i < 250; ++i) {
      builder_.Target(
          kHostile, kHostile,
          {{"__address__", "a:" + std::to_string(i)},
           {"env", kHostile},
           {"__meta_kubernetes_endpointslice_name", kHostile}},
          {},
          i < 3 ? std::vector<std::string>{"c1"} : std::vector<std::string>());
    }
    builder_.Unassigned("db", UnassignedReason::kNoCollectors,
                        {{"__address__", "u:1"}});
    UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
    dropped.rule = 0;
    dropped.own = MakeLabels({{"__address__", "<b>:1"}});
    builder_.Unserved(kHostile, kHostile, dropped);
    UnservedTarget invalid{UnservedTarget::State::kInvalid};
    invalid.reason = std::string("d:1: ") + kHostile;
    builder_.Unserved("db", "g.json:0", invalid);
    UnservedTarget check{UnservedTarget::State::kDroppedByCheck};
    check.reason = "no address\xff";
    builder_.Unserved("db", "g.json:1", check);
    builder_.config().scrape_configs_json =
        R"({"\u003c":{"password":"\u003csecret\u003e"},"db":{}})";
    builder_.config().warnings = {kHostile};
    builder_.raw().members_problem = kHostile;
    builder_.raw().strangers = {kHostile};
    builder_.raw().left_out = {{kHostile, kHostile}};
    builder_.raw().reload.successful = false;
    builder_.raw().reload.mistakes = {kHostile};
    builder_.raw().hand_overs_open = 3;
    auto discoverer = std::make_shared<DiscovererView>();
    discoverer->mechanism = "file";
    discoverer->jobs = {kHostile};
    discoverer->problem = kHostile;
    builder_.raw().discoverers.push_back(discoverer);
  }
};

// From / one gets everywhere, nothing leads nowhere, and no name becomes markup
// on the way.
TEST_F(PagesTest, EveryLinkLeadsToASoundPage) {
  FillHostile();
  std::set<std::string> seen = {"/"};
  std::deque<std::string> next = {"/"};
  std::set<std::string> paths;
  while (!next.empty()) {
    const std::string target = next.front();
    next.pop_front();
    paths.insert(target.substr(0, target.find('?')));
    const Response response = Get(target);
    ASSERT_EQ(response.status, 200) << target;
    if (!response.content_type.starts_with("text/html")) continue;
    const std::string& page = *response.body.bytes;
    ASSERT_EQ(Flaw(page), "") << target;
    ASSERT_THAT(page, Not(HasSubstr("<script"))) << target;
    for (const std::string& link : LinksOf(target, page)) {
      if (seen.insert(link).second) next.push_back(link);
    }
  }
  EXPECT_THAT(paths,
              testing::IsSupersetOf(
                  {"/", "/debug/collectors", "/debug/collector", "/debug/jobs",
                   "/debug/job", "/debug/targets", "/debug/target",
                   "/debug/scrape_configs", "/api/v1/status", "/metrics"}));
  EXPECT_GT(seen.size(), 250u) << "each target has a page";
}

TEST_F(PagesTest, TheFirstPageTellsStateSharesAndProblems) {
  FillHostile();
  const std::string page = Page("/");
  EXPECT_THAT(page, HasSubstr(">250 assigned</a>"));
  EXPECT_THAT(page, HasSubstr(">1 unassigned</a>"));
  EXPECT_THAT(page, HasSubstr(">2 dropped</a>"));
  EXPECT_THAT(page, HasSubstr("asks, but is no member"));
  EXPECT_THAT(page, HasSubstr("The last reload failed."));
  EXPECT_THAT(page, HasSubstr("file discovery of job "));
  EXPECT_THAT(page, HasSubstr("target-allocator 1.2.3 · generation 1"));
  EXPECT_THAT(page, HasSubstr(">draining</span>"));
  EXPECT_THAT(page, HasSubstr("<td>1d1h</td>")) << "for so long";
}

TEST_F(PagesTest, BeforeAnythingIsKnownPagesSayWhatIsWaitedFor) {
  const Snapshot nothing;
  Router router;
  Request request;
  request.method = "GET";
  request.accept = test::kBrowser;
  for (const char* target :
       {"/", "/jobs", "/debug/jobs", "/debug/targets", "/debug/collectors"}) {
    request.target = target;
    const Response response = router.Handle(request, nothing);
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(Flaw(*response.body.bytes), "") << target;
    EXPECT_THAT(*response.body.bytes, HasSubstr("Not ready.")) << target;
  }
  request.target = "/scrape_configs";
  EXPECT_EQ(router.Handle(request, nothing).status, 503);
}

TEST_F(PagesTest, AJobSaysWhereItsTargetsAreAndWhyOthersAreNot) {
  RelabelConfig drop;
  drop.action = RelabelConfig::Action::kDrop;
  drop.source_labels = {"env"};
  drop.regex = "dev";
  builder_.Member("c0").Member("c1").Job("web", {drop});
  builder_.Target("web", "c0", {{"__address__", "a:1"}}, {}, {"c1"});
  UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
  dropped.rule = 0;
  dropped.own = MakeLabels({{"__address__", "b:1"}, {"env", "dev"}});
  builder_.Unserved("web", "f:0", dropped).Unserved("web", "f:1", dropped);
  UnservedTarget invalid{UnservedTarget::State::kInvalid};
  for (int i = 0; i < 100; ++i) {
    invalid.reason = "bad value " + std::to_string(i);
    builder_.Unserved("web", "g:" + std::to_string(i), invalid);
  }
  builder_.view("web").waiting_for = "file discovery";
  const std::string page = Page("/debug/job?job_id=web");
  EXPECT_THAT(page, HasSubstr("relabel_configs[0]: drop source_labels=[env] "
                              "regex=dev</td>"));
  EXPECT_THAT(page, HasSubstr("state=dropped&amp;rule=0\">2</a>"));
  EXPECT_THAT(page, HasSubstr("collector_id=c0\">1</a>"));
  EXPECT_THAT(page, HasSubstr("collector_id=c1\">0</a></td><td "
                              "class=\"number\">1</td>"));
  EXPECT_THAT(page, HasSubstr("for other reasons"));
  EXPECT_THAT(page, HasSubstr("file discovery"));
  EXPECT_THAT(Page("/debug/targets?job_id=web&state=dropped&rule=0"),
              AllOf(HasSubstr(">b:1</a>"), Not(HasSubstr(">a:1</a>"))));
}

TEST_F(PagesTest, ATargetIsExplained) {
  RelabelConfig drop;
  drop.action = RelabelConfig::Action::kDrop;
  drop.source_labels = {"env"};
  drop.regex = "dev";
  RelabelConfig copy;
  copy.source_labels = {"env"};
  copy.target_label = "environment";
  builder_.Member("c0").Member("c1").Job("web", {copy, drop});
  builder_.Target("web", "c0", {{"__address__", "a:1"}, {"env", "prod"}}, {},
                  {"c1"});
  UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
  dropped.rule = 1;
  dropped.own = MakeLabels({{"__address__", "b:1"}, {"env", "dev"}});
  builder_.Unserved("web", "f:0", dropped);

  std::vector<std::string> pages;
  for (const std::string& link :
       LinksOf("/debug/targets", Page("/debug/targets"))) {
    if (link.starts_with("/debug/target?")) pages.push_back(Page(link));
  }
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_THAT(pages[0], HasSubstr("assigned to c0; c1 still scrapes it"));
  EXPECT_THAT(pages[0],
              HasSubstr("<code>environment</code>: <span class=\"dim\""
                        ">none</span> → <code>prod</code>"));
  EXPECT_THAT(pages[0], HasSubstr("Labels after the rules"));
  EXPECT_THAT(pages[1], HasSubstr("dropped the target"));
  EXPECT_THAT(pages[1], HasSubstr("dropped by relabel_configs[1] (drop)"));
  EXPECT_THAT(pages[1], Not(HasSubstr("Labels after the rules")));
  EXPECT_THAT(pages[1], HasSubstr("f:0 of file"));
}

TEST_F(PagesTest, TablesStopAfterAPageAndLeadToTheNext) {
  FillHostile();
  const std::string first = Page("/debug/targets?state=assigned");
  EXPECT_THAT(first, HasSubstr("1 to 100 of 250"));
  EXPECT_THAT(first, HasSubstr("state=assigned&amp;page=2\">next</a>"));
  EXPECT_THAT(first, HasSubstr("state=assigned&amp;page=3\">last</a>"));
  EXPECT_THAT(first, Not(HasSubstr("previous")));
  const std::string last = Page("/debug/targets?state=assigned&page=3");
  EXPECT_THAT(last, HasSubstr("201 to 250 of 250"));
  EXPECT_THAT(last, AllOf(HasSubstr("previous"), Not(HasSubstr("next"))));
  EXPECT_THAT(Page("/debug/targets?page=1000000000"),
              HasSubstr("nothing on this page, 254 in all"));
  for (const char* page :
       {"0", "-1", "x", "1000000001", "1x", "99999999999999999999"}) {
    Page(std::string("/debug/targets?page=") + page, 400);
    Page(std::string("/debug/jobs?page=") + page, 400);
  }
}

TEST_F(PagesTest, WrongQuestionsAreAnsweredOnAPage) {
  builder_.Member("c0").Job("web");
  builder_.config().scrape_configs_json = R"({"web":{}})";
  for (const char* target :
       {"/debug/job", "/debug/job?job_id=", "/debug/collector", "/debug/target",
        "/debug/target?target_hash=12", "/debug/target?unserved=1",
        "/debug/target?job_id=web&unserved=x", "/debug/targets?state=x",
        "/debug/targets?rule=-1", "/debug/targets?rule=x",
        "/debug/targets?rule=2147483648"}) {
    Page(target, 400);
  }
  for (const char* target :
       {"/debug/job?job_id=x", "/debug/collector?collector_id=x",
        "/debug/targets?job_id=x", "/debug/targets?collector_id=x",
        "/debug/scrape_configs?job_id=x", "/debug/target?job_id=x&unserved=1",
        "/debug/target?job_id=web&unserved=1",
        "/debug/target?target_hash=00000000000000000000000000000001"}) {
    Page(target, 404);
  }
  Page("/debug/job?job_id=" + QueryEscape(kHostile), 404);
  Page("/debug/targets?collector_id=" + QueryEscape(kHostile), 404);
  Page("/debug/targets?address=" + QueryEscape(kHostile));
}

TEST_F(PagesTest, NoPageTellsASecret) {
  builder_.Job("web");
  Config& config = builder_.config();
  config.scrape_configs_json = R"({"web":{"password":"hunter2"}})";
  config.secret_scrape_configs_json = config.scrape_configs_json;
  config.masked_scrape_configs_json =
      R"({"web":{"password":"\u003csecret\u003e","url":"http://u:hunter2@h"}})";
  Request request;
  request.method = "GET";
  request.accept = test::kBrowser;
  request.secure = true;
  for (const char* target : {"/scrape_configs", "/debug/scrape_configs",
                             "/debug/scrape_configs?job_id=web"}) {
    request.target = target;
    const Response response = router_.Handle(request, *builder_.Build());
    EXPECT_THAT(*response.body.bytes,
                AllOf(HasSubstr("&quot;password&quot;: &quot;&lt;secret&gt;"),
                      Not(HasSubstr("hunter2"))))
        << target;
  }
}

// A static list in a scrape config may be megabytes.
TEST_F(PagesTest, AHugeScrapeConfigIsCutAndSaysSo) {
  builder_.Job("web");
  builder_.config().scrape_configs_json =
      R"({"web":{"x":")" + std::string(1 << 20, 'x') + R"("}})";
  const std::string page = Page("/debug/scrape_configs");
  EXPECT_LT(page.size(), std::size_t{100} << 10);
  EXPECT_THAT(page, HasSubstr("It goes on"));
}

TEST_F(PagesTest, AHugeLabelIsCut) {
  builder_.Member("c0").Job("web");
  const std::string huge(1 << 20, 'x');
  builder_.Target("web", "c0", {{"__address__", huge}, {"env", huge}});
  EXPECT_LT(Page("/debug/targets").size(), std::size_t{20} << 10);
}

}  // namespace
}  // namespace ta
