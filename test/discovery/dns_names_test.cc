#include "discovery/dns_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ta {
namespace {

using testing::ElementsAre;

TEST(ResolvConfTest, LinesAreRead) {
  const ResolvConf conf = ParseResolvConf(
      "# nameserver 9.9.9.9\n"
      "; a comment\n"
      "\n"
      "nameserver 10.0.0.1\r\n"
      "  nameserver\tfd00::1 and more\n"
      "nameserver\n"
      "search a.example b.example\n"
      "options timeout:3 ndots:5 rotate\n"
      "sortlist 1.2.3.4\n"
      "nameserver 10.0.0.2");
  EXPECT_THAT(conf.servers, ElementsAre("10.0.0.1", "fd00::1", "10.0.0.2"));
  EXPECT_THAT(conf.search, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(conf.ndots, 5);
}

TEST(ResolvConfTest, TheLastSearchListHolds) {
  EXPECT_THAT(ParseResolvConf("search a b\ndomain c d\n").search,
              ElementsAre("c"));
  EXPECT_THAT(ParseResolvConf("domain c\nsearch a b\n").search,
              ElementsAre("a", "b"));
  EXPECT_THAT(ParseResolvConf("search a\nsearch\n").search, ElementsAre());
  EXPECT_THAT(ParseResolvConf("search a\ndomain\n").search, ElementsAre());
  EXPECT_EQ(ParseResolvConf(""), ResolvConf());
}

TEST(ResolvConfTest, DotsAreBetween0And15) {
  for (const auto& [text, dots] :
       std::vector<std::pair<std::string, int>>{{"0", 0},
                                                {"+3", 3},
                                                {"15", 15},
                                                {"16", 15},
                                                {"99999999999999999999", 15},
                                                {"-1", 0},
                                                {"-99999999999999999999", 0},
                                                {"", 0},
                                                {"x", 0},
                                                {"2x", 0}}) {
    EXPECT_EQ(ParseResolvConf("options ndots:" + text).ndots, dots) << text;
  }
}

TEST(NamesToAskTest, NamesWithEnoughDotsAreAskedForAsTheyAreFirst) {
  const ResolvConf conf{{}, {"ns.svc.cluster.local", "example."}, 2};
  EXPECT_THAT(NamesToAsk("web", conf),
              ElementsAre("web.ns.svc.cluster.local.", "web.example.", "web."));
  EXPECT_THAT(NamesToAsk("a.b", conf),
              ElementsAre("a.b.ns.svc.cluster.local.", "a.b.example.", "a.b."));
  EXPECT_THAT(
      NamesToAsk("a.b.c", conf),
      ElementsAre("a.b.c.", "a.b.c.ns.svc.cluster.local.", "a.b.c.example."));
  EXPECT_THAT(NamesToAsk("a.b.", conf), ElementsAre("a.b."));
}

TEST(NamesToAskTest, EscapedDotsAreNone) {
  const ResolvConf conf{{}, {"x"}, 1};
  EXPECT_THAT(NamesToAsk(R"(a\.b)", conf),
              ElementsAre(R"(a\.b.x.)", R"(a\.b.)"));
  EXPECT_THAT(NamesToAsk(R"(a\.)", conf), ElementsAre(R"(a\..x.)", R"(a\..)"));
  EXPECT_THAT(NamesToAsk(R"(a\\.)", conf), ElementsAre(R"(a\\.)"));
}

TEST(NamesToAskTest, OddNamesAreLeftToTheServer) {
  EXPECT_THAT(NamesToAsk("", {{}, {"x"}, 1}), ElementsAre(".x.", "."));
  // systemd-resolved writes such a list.
  EXPECT_THAT(NamesToAsk("web", {{}, {"."}, 1}), ElementsAre("web..", "web."));
}

}  // namespace
}  // namespace ta
