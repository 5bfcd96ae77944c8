// One HTTP server, good and bad, asked by us and by Prometheus: both take an
// answer, with the same targets, or both keep what they had.

#include <gtest/gtest.h>
#include <simdjson.h>
#include <zlib.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "discovery/http.h"
#include "test/allocator/relabel_case.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"

namespace ta {
namespace {

using test::ScriptConnection;
using test::ScriptServer;

// Short, as slow servers are waited for: twice for each, by both.
constexpr std::chrono::milliseconds kTimeout{1500};

struct Case {
  std::string name;
  // What the server does when it is asked again, after a good answer.
  std::function<void(ScriptConnection&, const std::string& head)> serve;
};

std::string Json(const std::string& body,
                 const std::string& type = "application/json",
                 const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

Case Says(std::string name, std::string answer) {
  return {std::move(name), [answer = std::move(answer)](ScriptConnection& peer,
                                                        const std::string&) {
            peer.Send(answer);
          }};
}

// Sends what there is, and then nothing, or ends.
Case Cut(std::string name, std::string answer) {
  return {std::move(name), [answer = std::move(answer)](ScriptConnection& peer,
                                                        const std::string&) {
            peer.Send(answer);
            peer.Cut();
          }};
}

Case Hangs(std::string name, std::string answer) {
  return {std::move(name), [answer = std::move(answer)](ScriptConnection& peer,
                                                        const std::string&) {
            peer.Send(answer);
            peer.WaitClosed();
          }};
}

// `count` redirects, then a good answer.
Case Redirects(int count, const std::string& status) {
  return {std::to_string(count) + " redirects of " + status,
          [=](ScriptConnection& peer, const std::string& head) {
            const auto at = head.find("/hop");
            const int hop = at < head.find(' ', 4) ? head[at + 4] - 'a' : 0;
            if (hop == count) {
              peer.Send(Json(R"([{"targets":["hop:1"]}])"));
              return;
            }
            const std::string path = head.substr(4, head.find(' ', 4) - 4);
            peer.Send("HTTP/1.1 " + status + " Moved\r\nLocation: " +
                      path.substr(0, path.find("/hop")) + "/hop" +
                      static_cast<char>('a' + hop + 1) +
                      "\r\nContent-Length: 0\r\n\r\n");
          }};
}

std::string Many(int count) {
  std::string body = "[";
  for (int i = 0; i < count; ++i) {
    if (i > 0) body += ",";
    body += R"({"targets":["10.0.0.1:)" + std::to_string(i) +
            R"("],"labels":{"i":")" + std::to_string(i) + R"("}})";
  }
  return body + "]";
}

std::vector<Case> AllCases() {
  const std::string good = R"([{"targets":["b:1"],"labels":{"x":"y"}}])";
  std::vector<Case> cases = {
      Says("another target", Json(good)),
      Says("no groups", Json("[]")),
      Says("null", Json("null")),
      Says("space around", Json(" \n[ ] \t")),
      Says("an empty group", Json("[{}]")),
      Says("null targets and labels",
           Json(R"([{"targets":null,"labels":null}])")),
      Says("a null target", Json(R"([{"targets":[null,"b:1"]}])")),
      Says("UTF-8",
           Json(R"([{"targets":["ä:1"],"labels":{"größe":"\u00e4"}}])")),
      Says("no UTF-8", Json("[{\"targets\":[\"\xff:1\"]}]")),
      Says("fields in any case",
           Json(R"([{"TARGETS":["b:1"],"Labels":{"X":"y"}}])")),
      Says("its own __meta_url",
           Json(R"([{"targets":["b:1"],"labels":{"__meta_url":"mine"}}])")),
      Says("100,000 targets", Json(Many(100'000))),
      Says("one group of many targets",
           Json(R"([{"targets":["a:1","b:1","c:1","a:1"]}])")),
      Says("unknown field", Json(R"([{"targets":["b:1"],"extra":1}])")),
      Says("a null group", Json(R"([{"targets":["b:1"]},null])")),
      Says("an object", Json(R"({"targets":["b:1"]})")),
      Says("a number for a target", Json(R"([{"targets":[1]}])")),
      Says("a number for a label",
           Json(R"([{"targets":["b:1"],"labels":{"x":1}}])")),
      Says("text for targets", Json(R"([{"targets":"b:1"}])")),
      Says("two lists", Json("[][]")),
      Says("nothing", Json("")),
      Says("half a list", Json(good.substr(0, 20))),
      Says("text behind", Json(good + "x")),
      Says("YAML", Json("- targets: [b:1]")),
      Says("HTML", Json("<html>")),
      Says("charset", Json(good, "application/json; charset=utf-8")),
      Says("quoted charset", Json(good, "APPLICATION/JSON;charset=\"UTF-8\"")),
      Says("other charset", Json(good, "application/json; charset=latin1")),
      Says("other parameter", Json(good, "application/json; v=1")),
      Says("text/plain", Json(good, "text/plain")),
      Says("no type", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
      Says("201", Json(good, "application/json", "201 Created")),
      Says("204", "HTTP/1.1 204 No Content\r\n\r\n"),
      Says("304", "HTTP/1.1 304 Not Modified\r\n\r\n"),
      Says("404", Json(good, "application/json", "404 Not Found")),
      Says("500", Json(good, "application/json", "500 No")),
      Says("503", Json("[]", "application/json", "503 Down")),
      Says("redirect without a place",
           "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
      Says("chunks",
           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
           "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"),
      Cut("until the end",
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + good),
      Cut("cut in the body",
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          "Content-Length: 100\r\n\r\n" +
              good),
      Cut("cut between chunks",
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
      Cut("cut in the headers", "HTTP/1.1 200 OK\r\nContent-Ty"),
      Cut("garbage", "\x01\x02\x03 garbage\r\n\r\n"),
      Cut("nothing at all", ""),
      Hangs("silent", ""),
      Hangs("silent behind the headers",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n"),
      Hangs("silent within the body",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n["),
  };
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    cases.push_back(Redirects(1, status));
  }
  cases.push_back(Redirects(9, "302"));
  cases.push_back(Redirects(10, "302"));
  cases.push_back(Redirects(25, "302"));  // as good as a loop
  return cases;
}

// Each case under its own path, "/3". A client's first request of it is
// answered well, the others as the case says.
class CaseServer {
 public:
  explicit CaseServer(const std::vector<Case>& cases)
      : cases_(cases), server_([this](ScriptConnection& peer) {
          while (true) {
            const std::string head = peer.ReadHead();
            if (head.empty()) return;
            Serve(peer, head);
          }
        }) {}
  std::string url(std::size_t i) const {
    return server_.url("/" + std::to_string(i));
  }

 private:
  void Serve(ScriptConnection& peer, const std::string& head) {
    const bool ours = head.find("target-allocator/") != std::string::npos;
    const std::size_t at = std::stoul(head.substr(5));
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = seen_.emplace(ours, at).second;
    }
    if (first) {
      peer.Send(Json(
          R"([{"targets":["a:1"]},{"targets":["a:2"],"labels":{"x":"y"}}])"));
    } else {
      cases_[at].serve(peer, head);
    }
  }

  const std::vector<Case>& cases_;
  std::mutex mutex_;
  std::set<std::pair<bool, std::size_t>> seen_;  // guarded by mutex_
  ScriptServer server_;
};

// Every target, by source: its labels, the group's under its own.
using State = std::map<std::string, std::vector<Labels>>;

Labels LabelsOf(simdjson::dom::element value) {
  std::vector<LabelPair> pairs;
  simdjson::dom::object object;
  if (!value.get(object)) {
    for (const auto& [name, text] : object) {
      pairs.push_back({name, std::string_view(text)});
    }
  }
  return Labels::Of(std::move(pairs));
}

// What one answer of the oracle makes of `state`; its error, if any.
std::string Apply(const std::string& line, State& state) {
  simdjson::dom::parser parser;
  const simdjson::dom::element answer = parser.parse(line);
  std::string_view error;
  if (!answer["error"].get(error)) return std::string(error);
  for (const simdjson::dom::element group : answer["groups"]) {
    const std::string source{std::string_view(group["source"])};
    const Labels labels = LabelsOf(group["labels"]);
    std::vector<Labels> targets;
    simdjson::dom::array list;
    if (!group["targets"].get(list)) {
      for (const simdjson::dom::element target : list) {
        targets.push_back(Labels::Merge(labels, LabelsOf(target)));
      }
    }
    state.erase(source);
    if (!targets.empty()) state[source] = std::move(targets);
  }
  return "";
}

// The same of ours.
std::string Apply(const Result<Refreshed>& answer, State& state) {
  if (!answer) return answer.error().message;
  for (const TargetGroup& group : answer->groups) {
    state.erase(group.source);
    for (const Labels& target : group.targets) {
      state[group.source].push_back(Labels::Merge(group.labels, target));
    }
  }
  return "";
}

TEST(HttpOracleTest, WhatAServerSaysIsTakenOrKeptAsByPrometheus) {
  if (test::OraclePath().empty()) {
    GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  }
  const std::vector<Case> cases = AllCases();
  const CaseServer server(cases);
  std::string input;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string request = R"({"url":")" + server.url(i) +
                                R"(","timeout_ms":)" +
                                std::to_string(kTimeout.count()) + "}\n";
    input += request + request;
  }
  const auto answers = test::AskOracle("http", input);
  ASSERT_EQ(answers.size(), 2 * cases.size());

  RefreshCounters counters;
  std::size_t taken = 0, kept = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].name);
    State expected, found;
    ASSERT_EQ(Apply(answers[2 * i], expected), "");
    const std::string why = Apply(answers[2 * i + 1], expected);

    boost::asio::io_context loop;
    HttpMechanism mechanism({server.url(i), kTimeout, {}}, loop.get_executor(),
                            &counters);
    const std::stop_source stop;
    ASSERT_EQ(Apply(test::RunOn(loop, mechanism.Ask(stop.get_token())), found),
              "");
    const std::string our_why =
        Apply(test::RunOn(loop, mechanism.Ask(stop.get_token())), found);
    EXPECT_EQ(why.empty(), our_why.empty())
        << "Prometheus: " << why << "\nwe: " << our_why;
    EXPECT_EQ(expected, found);
    ++(why.empty() ? taken : kept);
  }
  // Else it proved little.
  EXPECT_GT(taken, 15u);
  EXPECT_GT(kept, 25u);
}

}  // namespace
}  // namespace ta
