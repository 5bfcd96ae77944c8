// Two name servers, good and bad, asked by us and by Prometheus: both take an
// answer, with the same targets, or both keep what they had. Where we differ, a
// case says why, and has to.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "discovery/dns.h"
#include "test/allocator/relabel_case.h"
#include "test/discovery/dns_server.h"
#include "test/discovery/own_network.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using test::AaaaRecord;
using test::Answers;
using test::ARecord;
using test::CnameRecord;
using test::Code;
using test::DnsMessageOf;
using test::DnsNumber;
using test::DnsParts;
using test::DnsQuery;
using test::DnsRecordOf;
using test::DnsReply;
using test::SrvRecord;

struct Case {
  std::string name;
  std::string type;
  // What the first server says. It is asked for the names below, in which `*`
  // is the case's own label.
  std::function<DnsReply(const DnsQuery&)> serve;
  std::string asked = "*.test.";
  std::string difference = {};  // why we don't do as Prometheus does
};

Case Says(std::string name, std::string type, DnsParts parts) {
  return {std::move(name), std::move(type), [=](const DnsQuery& query) {
            return DnsReply{{DnsMessageOf(query, parts)}};
          }};
}

// Changes a good answer of two records.
Case Changed(std::string name, std::function<void(std::string&)> change) {
  return {std::move(name), "A", [=](const DnsQuery& query) {
            std::string message = DnsMessageOf(
                query, {.answers = {ARecord("1.2.3.4"), ARecord("5.6.7.8")}});
            change(message);
            return DnsReply{{message}};
          }};
}

Case ByTcp(std::string name, std::function<DnsReply(const DnsQuery&)> reply) {
  return {std::move(name), "A", [=](const DnsQuery& query) {
            if (query.tcp) return reply(query);
            return DnsReply{{DnsMessageOf(query, {.truncated = true})}};
          }};
}

Case Differs(Case test, std::string why) {
  test.difference = std::move(why);
  return test;
}

// Below the search list `one.test`, `two.test`, or as it is with ndots 2.
Case Searched(std::string name, std::string asked,
              std::map<std::string, DnsParts> answers) {
  return {std::move(name), "A",
          [=](const DnsQuery& query) {
            const auto rest = query.name.substr(query.name.find('.'));
            const auto found = answers.find(rest);
            return found == answers.end()
                       ? Code(query, 3)
                       : DnsReply{{DnsMessageOf(query, found->second)}};
          },
          std::move(asked)};
}

std::vector<Case> AnswerCases() {
  const std::string odd_name = "\4a.b\\\3 '@\5();\"\x01" + std::string(1, '\0');
  const std::string opt = std::string(1, '\0') + DnsNumber(41) +
                          DnsNumber(4096) + std::string(6, '\0');
  const std::string bad_version = std::string(1, '\0') + DnsNumber(41) +
                                  DnsNumber(4096) +
                                  std::string("\1\0\0\0\0\0", 6);
  return {
      Says("A", "A", {.answers = {ARecord("1.2.3.4"), ARecord("5.6.7.8")}}),
      Says("A twice", "A",
           {.answers = {ARecord("1.2.3.4"), ARecord("1.2.3.4")}}),
      Says("AAAA", "AAAA",
           {.answers = {AaaaRecord("2001:db8::1"), AaaaRecord("::1"),
                        AaaaRecord("::"), AaaaRecord("::1.2.3.4"),
                        AaaaRecord("::ffff:1.2.3.4"),
                        AaaaRecord("1:0:0:2:0:0:0:3"),
                        AaaaRecord("1:0:2:3:4:5:6:7")}}),
      Says("SRV", "SRV",
           {.answers = {SrvRecord(80, "a.test."), SrvRecord(0, "b."),
                        SrvRecord(65535, ".")}}),
      Says("MX", "MX", {.answers = {test::MxRecord("mail.test.")}}),
      Says("NS", "NS", {.answers = {test::NsRecord("ns.test.")}}),
      Says("odd names", "NS", {.answers = {DnsRecordOf(2, odd_name)}}),
      Says("a shortened name", "NS",
           {.answers = {DnsRecordOf(2, "\1a\xc0\x0c")}}),
      Says("CNAME, then A", "A",
           {.answers = {CnameRecord("b.test."), ARecord("1.2.3.4")}}),
      Says("only CNAME", "A", {.answers = {CnameRecord("b.test.")}}),
      Says("other types", "SRV",
           {.answers = {ARecord("1.2.3.4"), AaaaRecord("::1"),
                        test::MxRecord("m.test."), test::NsRecord("n.test."),
                        SrvRecord(7, "s.test."), DnsRecordOf(16, "\3txt"),
                        DnsRecordOf(65280, "unknown")}}),
      Says("other sections", "A",
           {.answers = {ARecord("1.2.3.4")},
            .authorities = {test::NsRecord("n.test.")},
            .more = {ARecord("5.6.7.8"), opt}}),
      Says("a delegation", "A",
           {.authorities = {test::NsRecord("n.test.")},
            .more = {ARecord("5.6.7.8")}}),
      Says("no records", "A", {}),
      Says("no such name", "A", {.code = 3}),
      Says("no such name, but a record", "A",
           {.code = 3, .answers = {ARecord("1.2.3.4")}}),
      Says("FORMERR", "A", {.code = 1}),
      Says("SERVFAIL", "A", {.code = 2}),
      Says("SERVFAIL with a record", "A",
           {.code = 2, .answers = {ARecord("1.2.3.4")}}),
      Says("NOTIMP", "A", {.code = 4}),
      Says("REFUSED", "A", {.code = 5}),
      Says("BADVERS", "A", {.more = {bad_version}}),
      Says("too little data", "A", {.answers = {DnsRecordOf(1, "abc")}}),
      Says("too much data", "A", {.answers = {DnsRecordOf(1, "abcde")}}),
      Says("a name in circles", "NS",
           {.answers = {DnsRecordOf(2, "\xc0\x2a")}}),
      Says("a name without an end", "NS", {.answers = {DnsRecordOf(2, "\1a")}}),
      Says("a name of a reserved form", "NS",
           {.answers = {DnsRecordOf(2, std::string("\x40\0", 2))}}),
      Differs(Says("no data", "A", {.answers = {DnsRecordOf(1, "")}}),
              "Prometheus takes it for the address <nil>"),
  };
}

std::vector<Case> TransportCases() {
  std::vector<Case> cases = {
      {"silence", "A", [](const DnsQuery&) { return DnsReply(); }},
      {"slow", "A",
       [](const DnsQuery& query) {
         DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
         reply.after = std::chrono::milliseconds(300);
         return reply;
       }},
      {"too slow", "A",
       [](const DnsQuery& query) {
         DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
         reply.after = std::chrono::seconds(5);
         return reply;
       }},
      {"garbage", "A",
       [](const DnsQuery&) { return DnsReply{{std::string(100, '\xff')}}; }},
      {"an empty datagram", "A",
       [](const DnsQuery&) { return DnsReply{{std::string()}}; }},
      {"another id", "A",
       [](const DnsQuery& query) {
         std::string message =
             DnsMessageOf(query, {.answers = {ARecord("6.6.6.6")}});
         message[0] = static_cast<char>(~message[0]);
         return DnsReply{
             {message, DnsMessageOf(query, {.answers = {ARecord("1.2.3.4")}})}};
       }},
      Differs({"another question", "A",
               [](const DnsQuery& query) {
                 DnsQuery other = query;
                 other.question[1] = 'x';
                 return Answers(other, {ARecord("6.6.6.6")});
               }},
              "Prometheus looks at the id only"),
      Differs({"the question", "A",
               [](const DnsQuery& query) { return DnsReply{{query.bytes}}; }},
              "Prometheus takes it for an answer without records"),
      Differs({"without EDNS", "A",
               [](const DnsQuery& query) {
                 return query.edns ? Code(query, 1)
                                   : Answers(query, {ARecord("1.2.3.4")});
               }},
              "Prometheus doesn't ask again"),
      Changed("cut within a record",
              [](std::string& message) { message.resize(message.size() - 2); }),
      Differs(Changed("cut between records",
                      [](std::string& message) {
                        message.resize(message.size() - 16);
                      }),
              "Prometheus takes what is there for all"),
      Changed("cut in its header",
              [](std::string& message) { message.resize(11); }),
      Changed("something behind it",
              [](std::string& message) { message += "more"; }),
      {"250 records by UDP", "A",
       [](const DnsQuery& query) {
         return Answers(query,
                        std::vector<std::string>(250, ARecord("1.2.3.4")));
       }},
      ByTcp("TCP",
            [](const DnsQuery& query) {
              return Answers(query, {ARecord("1.2.3.4")});
            }),
      ByTcp("4,090 records by TCP",
            [](const DnsQuery& query) {
              std::vector<std::string> records;
              for (int i = 0; i < 4090; ++i) {
                records.push_back(ARecord("10.0." + std::to_string(i / 256) +
                                          "." + std::to_string(i % 256)));
              }
              return Answers(query, std::move(records));
            }),
      ByTcp("TCP, cut",
            [](const DnsQuery& query) {
              DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
              reply.cut_at = 30;
              return reply;
            }),
      ByTcp("TCP, closed", [](const DnsQuery&) { return DnsReply{{}, 0, {}}; }),
      ByTcp("TCP, silent", [](const DnsQuery&) { return DnsReply(); }),
      ByTcp(
          "TCP, garbage",
          [](const DnsQuery&) { return DnsReply{{std::string(100, '\xff')}}; }),
      ByTcp("TCP, and still too large",
            [](const DnsQuery& query) {
              return DnsReply{{DnsMessageOf(query, {.truncated = true})}};
            }),
      Differs({"TCP after a cut by UDP", "A",
               [](const DnsQuery& query) {
                 if (query.tcp) return Answers(query, {ARecord("1.2.3.4")});
                 std::string message = DnsMessageOf(
                     query,
                     {.truncated = true, .answers = {ARecord("1.2.3.4")}});
                 message.resize(message.size() - 2);
                 return DnsReply{{message}};
               }},
              "Prometheus reads what was cut before it looks at the flag"),
  };
  return cases;
}

std::vector<Case> NameCases() {
  const DnsParts good{.answers = {ARecord("1.2.3.4")}};
  const DnsParts failed{.code = 2};
  const DnsParts empty;
  return {
      Searched("the first of the list", "*", {{".one.test.", good}}),
      Searched("the second of the list", "*", {{".two.test.", good}}),
      Searched("as it is, last", "*", {{".", good}}),
      Searched("none of the list", "*", {}),
      Searched("few dots", "*.a",
               {{".a.one.test.", good}, {".a.", DnsParts{.code = 2}}}),
      Searched("dots enough", "*.a.b", {{".a.b.", good}}),
      Searched("dots enough, below the list", "*.a.b",
               {{".a.b.two.test.", good}}),
      Searched("with its final dot", "*.", {{".one.test.", good}}),
      Searched("empty before good", "*",
               {{".one.test.", empty}, {".two.test.", good}}),
      Searched("failed before good", "*",
               {{".one.test.", failed}, {".two.test.", good}}),
      Searched("failed, then none", "*", {{".one.test.", failed}}),
      Searched("a name of two dots", "*..test.", {}),
      Searched("a label too long", "*." + std::string(64, 'a') + ".", {}),
  };
}

// The case whose label is the first of `name`: "c12.test.".
const Case& CaseOf(const std::vector<Case>& cases, const std::string& name) {
  return cases.at(std::stoul(name.substr(1)));
}

std::string NameToAsk(const Case& test, std::size_t i) {
  std::string name = test.asked;
  return name.replace(name.find('*'), 1, "c" + std::to_string(i));
}

// All targets of a name, in order; nothing if it was not answered.
using Targets = std::optional<std::multiset<test::LabelMap>>;

// What Prometheus finds of all cases.
std::vector<Targets> AskPrometheus(const std::vector<Case>& cases) {
  std::map<std::string, std::string> names;  // by type
  std::map<std::string, std::size_t> sources;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string name = NameToAsk(cases[i], i);
    std::string& list = names[cases[i].type];
    if (!list.empty()) list += ',';
    list += test::JsonString(name);
    sources[name] = i;
  }
  std::string input;
  for (const auto& [type, list] : names) {
    input += R"({"port":80,"type":")" + type + R"(","names":[)" + list + "]}\n";
  }
  std::vector<Targets> found(cases.size());
  for (const std::string& line : test::AskOracle("dns", input)) {
    simdjson::dom::parser parser;
    const simdjson::dom::element answer = parser.parse(line);
    for (const simdjson::dom::element group : answer["groups"]) {
      const std::string source{std::string_view(group["source"])};
      auto& targets = found[sources.at(source)].emplace();
      simdjson::dom::array list;
      if (group["targets"].get(list)) continue;
      for (const simdjson::dom::object target : list) {
        test::LabelMap labels;
        for (const auto& [label, value] : target) {
          const std::string text{std::string_view(value)};
          if (!text.empty()) labels[std::string(label)] = text;
        }
        targets.insert(std::move(labels));
      }
    }
  }
  return found;
}

Targets AskUs(const Case& test, std::size_t i, std::string& why) {
  boost::asio::io_context loop;
  DnsClient client;
  RefreshCounters counters;
  DnsMechanism mechanism({{NameToAsk(test, i)}, test.type, 80, {}},
                         loop.get_executor(), &client, &counters);
  const std::stop_source stop;
  const auto answer = test::RunOn(loop, mechanism.Ask(stop.get_token()));
  if (!answer) {
    why = answer.error().message;
    return std::nullopt;
  }
  Targets targets(std::in_place);
  for (const TargetGroup& group : answer->groups) {
    for (const Labels& target : group.targets) {
      targets->insert(test::ToMap(Labels::Merge(group.labels, target)));
    }
  }
  return targets;
}

TEST(DnsOracleTest, WhatNameServersSayIsTakenOrKeptAsByPrometheus) {
  if (test::OraclePath().empty()) {
    GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  }
  const test::TempFolder folder;
  test::Write(folder / "resolv.conf",
              "nameserver 127.0.0.1\nnameserver 127.0.0.3\n"
              "nameserver 127.0.0.2\nsearch one.test two.test\n"
              "options ndots:2\n");
  if (const auto why = test::EnterOwnNetwork(folder / "resolv.conf");
      !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::vector<Case> cases = AnswerCases();
  for (const auto& more : {TransportCases(), NameCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  const test::DnsServer first(
      [&](const DnsQuery& query) {
        return CaseOf(cases, query.name).serve(query);
      },
      "127.0.0.1", 53);
  // At 127.0.0.3 nobody is; the last one never knows.
  const test::DnsServer last(
      [](const DnsQuery& query) { return Code(query, 5); }, "127.0.0.2", 53);

  const auto expected = AskPrometheus(cases);
  std::size_t taken = 0, kept = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].name);
    std::string why;
    const Targets found = AskUs(cases[i], i, why);
    ++(expected[i] ? taken : kept);
    if (!cases[i].difference.empty()) {
      EXPECT_NE(expected[i], found) << "no difference any more";
      continue;
    }
    EXPECT_EQ(expected[i].has_value(), found.has_value()) << why;
    EXPECT_EQ(expected[i], found);
  }
  // Else it proved little.
  EXPECT_GT(taken, 25u);
  EXPECT_GT(kept, 20u);
}

}  // namespace
}  // namespace ta
