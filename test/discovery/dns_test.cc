#include "discovery/dns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "test/discovery/dns_server.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using test::Answers;
using test::ARecord;
using test::Code;
using test::DnsQuery;
using test::DnsReply;
using test::DnsServer;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> LinesOf(const TargetGroup& group) {
  std::vector<std::string> lines;
  for (const Labels& target : group.targets) {
    std::string& line = lines.emplace_back();
    for (const auto& [name, value] : Labels::Merge(group.labels, target)) {
      if (!line.empty()) line += ' ';
      line += std::string(name) + '=' + std::string(value);
    }
  }
  return lines;
}

TEST(DnsGroupTest, EachTypeHasItsLabels) {
  const TargetGroup group = DnsGroupOf("web", 80,
                                       {{DnsType::kSrv, "a.example.", 9090},
                                        {DnsType::kMx, "m.example."},
                                        {DnsType::kNs, "n.example."},
                                        {DnsType::kA, "1.2.3.4"},
                                        {DnsType::kAaaa, "2001:db8::1"}});
  EXPECT_EQ(group.source, "web");
  EXPECT_THAT(
      LinesOf(group),
      ElementsAre("__address__=a.example:9090 __meta_dns_name=web "
                  "__meta_dns_srv_record_port=9090 "
                  "__meta_dns_srv_record_target=a.example.",
                  "__address__=m.example:80 "
                  "__meta_dns_mx_record_target=m.example. __meta_dns_name=web",
                  "__address__=n.example:80 __meta_dns_name=web "
                  "__meta_dns_ns_record_target=n.example.",
                  "__address__=1.2.3.4:80 __meta_dns_name=web",
                  "__address__=[2001:db8::1]:80 __meta_dns_name=web"));
}

TEST(DnsGroupTest, OddTargetsAreAsPrometheusHasThem) {
  EXPECT_THAT(LinesOf(DnsGroupOf("w", 0,
                                 {{DnsType::kSrv, ".", 0},
                                  {DnsType::kNs, "a:b%c."},
                                  {DnsType::kNs, R"(a\..)"}})),
              ElementsAre("__address__=:0 __meta_dns_name=w "
                          "__meta_dns_srv_record_port=0 "
                          "__meta_dns_srv_record_target=.",
                          "__address__=[a:b%c]:0 __meta_dns_name=w "
                          "__meta_dns_ns_record_target=a:b%c.",
                          R"(__address__=a\:0 __meta_dns_name=w )"
                          R"(__meta_dns_ns_record_target=a\..)"));
}

// One mechanism, a name server or two, and a resolv.conf.
class DnsMechanismTest : public testing::Test {
 protected:
  void Serve(DnsServer::Script script) {
    servers_.emplace_back(std::make_unique<DnsServer>(std::move(script)));
    client_ = std::make_unique<DnsClient>(DnsClient::Options{
        .port = servers_.front()->port(), .timeout = std::chrono::seconds(20)});
    ResolvConf("nameserver 127.0.0.1\n");
  }
  // Another one on 127.0.0.2, with the same port.
  void ServeSecond(DnsServer::Script script) {
    servers_.emplace_back(std::make_unique<DnsServer>(
        std::move(script), "127.0.0.2", servers_.front()->port()));
    ResolvConf("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
  }
  void ResolvConf(const std::string& text) {
    test::Write(folder_ / "resolv.conf", text);
  }
  void Discover(std::vector<std::string> names, const std::string& type = "A") {
    mechanism_ = std::make_unique<DnsMechanism>(
        DnsDiscovery{std::move(names), type, 80, {}}, loop_.get_executor(),
        client_.get(), &counters_, folder_ / "resolv.conf");
  }
  Result<Refreshed> Ask() {
    return test::RunOn(loop_, mechanism_->Ask(stop_.get_token()));
  }
  // The addresses that an answer has, by source.
  using Found = std::map<std::string, std::vector<std::string>>;
  Found Groups() {
    const auto answer = Ask();
    if (!answer) return {{"error", {answer.error().message}}};
    Found found;
    for (const TargetGroup& group : answer->groups) {
      auto& addresses = found[group.source];
      for (const Labels& target : group.targets) {
        addresses.emplace_back(target.Get("__address__"));
      }
    }
    return found;
  }
  std::string Error() {
    const auto answer = Ask();
    return answer ? "answered" : answer.error().message;
  }

  test::TempFolder folder_;
  boost::asio::io_context loop_;
  std::unique_ptr<DnsClient> client_;
  RefreshCounters counters_;
  std::unique_ptr<DnsMechanism> mechanism_;
  std::stop_source stop_;
  // Last: their scripts may use the others.
  std::vector<std::unique_ptr<DnsServer>> servers_;
};

TEST_F(DnsMechanismTest, OnlyWhatChangedIsSent) {
  std::atomic<int> asked = 0;
  Serve([&](const DnsQuery& query) {
    switch (asked++) {
      case 0:
        return Answers(query, {ARecord("1.1.1.1"), ARecord("2.2.2.2")});
      case 1:  // the same, turned round
        return Answers(query, {ARecord("2.2.2.2"), ARecord("1.1.1.1")});
      case 2:
        return Answers(query, {ARecord("2.2.2.2"), ARecord("3.3.3.3")});
      case 3:
        return Answers(query, {});
      default:
        return Code(query, 3);
    }
  });
  Discover({"web.example"});
  EXPECT_EQ(Groups(), (Found{{"web.example", {"1.1.1.1:80", "2.2.2.2:80"}}}));
  EXPECT_EQ(Groups(), Found());
  EXPECT_EQ(Groups(), (Found{{"web.example", {"2.2.2.2:80", "3.3.3.3:80"}}}));
  EXPECT_EQ(Groups(), (Found{{"web.example", {}}}));
  EXPECT_EQ(Groups(), Found());
  EXPECT_EQ(counters_.dns_answers().items.load(), 3u);
}

TEST_F(DnsMechanismTest, TheSearchListIsGoneThrough) {
  std::vector<std::string> asked;
  Serve([&](const DnsQuery& query) {
    asked.push_back(query.name);
    return query.name == "web.b." ? Answers(query, {ARecord("1.1.1.1")})
                                  : Code(query, 3);
  });
  ResolvConf("nameserver 127.0.0.1\nsearch a b c\n");
  Discover({"web"});
  EXPECT_EQ(Groups(), (Found{{"web", {"1.1.1.1:80"}}}));
  servers_.clear();
  EXPECT_THAT(asked, ElementsAre("web.a.", "web.b."));
}

// A name that is there without records of the type ends the search, too.
TEST_F(DnsMechanismTest, ANameWithoutRecordsIsFound) {
  Serve([](const DnsQuery& query) {
    return query.name == "web.a." ? Answers(query, {})
                                  : Answers(query, {ARecord("1.1.1.1")});
  });
  ResolvConf("nameserver 127.0.0.1\nsearch a\n");
  Discover({"web"});
  EXPECT_EQ(Groups(), Found());
}

TEST_F(DnsMechanismTest, AnErrorOnTheWayIsForgottenWhenALaterNameIsThere) {
  std::atomic<bool> found = true;
  Serve([&](const DnsQuery& query) {
    if (query.name == "web.a.") return Code(query, 2);
    return found ? Answers(query, {ARecord("1.1.1.1")}) : Code(query, 3);
  });
  ResolvConf("nameserver 127.0.0.1\nsearch a\n");
  Discover({"web"});
  EXPECT_EQ(Groups(), (Found{{"web", {"1.1.1.1:80"}}}));
  // It may be below `a`: nobody knows.
  found = false;
  EXPECT_EQ(Error(), "look up A of web: web.a. at 127.0.0.1: SERVFAIL");
}

TEST_F(DnsMechanismTest, TheNextServerIsAskedUnlessOneSaysYesOrNo) {
  std::atomic<int> code = 2, second = 0;
  Serve([&](const DnsQuery& query) { return Code(query, code); });
  ServeSecond([&](const DnsQuery& query) {
    ++second;
    return Answers(query, {ARecord("1.1.1.1")});
  });
  Discover({"web."});
  EXPECT_EQ(Groups(), (Found{{"web.", {"1.1.1.1:80"}}}));
  EXPECT_EQ(second, 1);
  code = 3;
  EXPECT_EQ(Groups(), (Found{{"web.", {}}}));
  EXPECT_EQ(second, 1);
}

TEST_F(DnsMechanismTest, AnErrorKeepsWhatWasFound) {
  std::atomic<bool> good = true;
  Serve([&](const DnsQuery& query) {
    return good ? Answers(query, {ARecord("1.1.1.1")}) : Code(query, 5);
  });
  Discover({"web"});
  Groups();
  good = false;
  EXPECT_EQ(Error(), "look up A of web: web. at 127.0.0.1: REFUSED");
  good = true;
  EXPECT_EQ(Groups(), Found());  // it is there still
  const auto values = counters_.values();
  EXPECT_EQ(values.dns_lookups, 3u);
  EXPECT_EQ(values.dns_lookup_failures, 1u);
}

TEST_F(DnsMechanismTest, ANameThatFailsHurtsNoOther) {
  std::atomic<bool> good = false;
  Serve([&](const DnsQuery& query) {
    return good || query.name == "a." ? Answers(query, {ARecord("1.1.1.1")})
                                      : Code(query, 2);
  });
  Discover({"a", "b", "c", "a"});
  auto answer = Ask();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_FALSE(answer->complete);
  EXPECT_EQ(answer->problem,
            "look up A of b: b. at 127.0.0.1: SERVFAIL; and 1 of 2 other "
            "names");
  ASSERT_EQ(answer->groups.size(), 1u);
  EXPECT_EQ(answer->groups[0].source, "a");
  good = true;
  answer = Ask();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->complete);
  EXPECT_EQ(answer->problem, "");
  EXPECT_EQ(answer->groups.size(), 2u);
  // What was answered once is complete, whatever comes.
  good = false;
  EXPECT_TRUE(Ask()->complete);
}

TEST_F(DnsMechanismTest, ResolvConfIsReadEachTime) {
  Serve([](const DnsQuery& query) {
    return query.name == "web.b." ? Answers(query, {ARecord("1.1.1.1")})
                                  : Code(query, 3);
  });
  Discover({"web"});
  EXPECT_EQ(Groups(), Found());
  ResolvConf("nameserver 127.0.0.1\nsearch b\n");
  EXPECT_EQ(Groups(), (Found{{"web", {"1.1.1.1:80"}}}));
  ResolvConf("search b\n");
  EXPECT_THAT(Error(), HasSubstr("resolv.conf names no server"));
  ResolvConf("nameserver localhost\n");
  EXPECT_THAT(Error(), HasSubstr("web. at localhost: no IP address"));
  std::filesystem::remove(folder_ / "resolv.conf");
  EXPECT_THAT(Error(), HasSubstr("resolv.conf"));
}

TEST_F(DnsMechanismTest, RecordsOfOtherTypesAreTakenAsTheyAre) {
  Serve([](const DnsQuery& query) {
    return Answers(query,
                   {test::CnameRecord("b."), test::SrvRecord(7, "c.example."),
                    test::DnsRecordOf(46, "signature"), ARecord("1.1.1.1")});
  });
  Discover({"web"}, "SRV");
  EXPECT_EQ(Groups(), (Found{{"web", {"1.1.1.1:80", "c.example:7"}}}));
}

TEST_F(DnsMechanismTest, HundredsOfNamesAreLookedUpTogether) {
  Serve([](const DnsQuery& query) {
    return Answers(query, {ARecord("1.1.1.1"), ARecord("2.2.2.2")});
  });
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("web-" + std::to_string(i));
  Discover(names);
  const auto answer = Ask();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_TRUE(answer->complete);
  EXPECT_EQ(answer->groups.size(), 500u);
  EXPECT_EQ(counters_.values().dns_lookups, 500u);
}

TEST_F(DnsMechanismTest, StoppingEndsItAtOnce) {
  Serve([this](const DnsQuery&) {
    boost::asio::post(loop_, [this] { stop_.request_stop(); });
    return DnsReply();
  });
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("web-" + std::to_string(i));
  Discover(names);
  EXPECT_EQ(Error(), "not asked");
  EXPECT_EQ(counters_.values().dns_lookups, 0u);
}

}  // namespace
}  // namespace ta
