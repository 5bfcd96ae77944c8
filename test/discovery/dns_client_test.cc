#include "discovery/dns_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/discovery/dns_server.h"
#include "test/discovery/run_coroutine.h"

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Answers;
using test::ARecord;
using test::DnsMessageOf;
using test::DnsQuery;
using test::DnsReply;
using test::DnsServer;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Long, for what is answered; short, for what never is.
constexpr milliseconds kLong{20'000};
constexpr milliseconds kShort{200};
constexpr const char* kUnreachable = "cannot be reached, or no socket is free";

class DnsClientTest : public testing::Test {
 protected:
  void Serve(DnsServer::Script script) {
    server_.emplace(std::move(script));
    port_ = server_->port();
  }
  Result<DnsAnswer> Ask(milliseconds timeout = kLong,
                        DnsType type = DnsType::kA,
                        const std::string& name = "web.example.",
                        const std::string& server = "127.0.0.1") {
    DnsClient client({.port = port_, .timeout = timeout});
    auto answer =
        test::RunOn(loop_, client.Ask(loop_.get_executor(),
                                      {server, name, type}, stop_.get_token()));
    EXPECT_EQ(client.asked_now(), 0u);
    return answer;
  }
  // The first record's data; the error if there is none.
  std::string First(milliseconds timeout = kLong) {
    const auto answer = Ask(timeout);
    if (!answer) return answer.error().message;
    return answer->records.empty() ? "" : answer->records.front().data;
  }

  boost::asio::io_context loop_;
  std::stop_source stop_;
  std::uint16_t port_ = 0;
  std::optional<DnsServer> server_;  // last: its script may use the others
};

TEST_F(DnsClientTest, AsksWhatPrometheusAsks) {
  std::vector<DnsQuery> queries;
  Serve([&](const DnsQuery& query) {
    queries.push_back(query);
    return Answers(query, {});
  });
  for (const DnsType type : {DnsType::kA, DnsType::kNs, DnsType::kMx,
                             DnsType::kAaaa, DnsType::kSrv}) {
    const auto answer = Ask(kLong, type);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_TRUE(answer->records.empty());
  }
  server_.reset();
  std::vector<int> types;
  for (const DnsQuery& query : queries) {
    types.push_back(query.type);
    EXPECT_EQ(query.name, "web.example.");
    EXPECT_FALSE(query.tcp);
    EXPECT_TRUE(query.edns);
    EXPECT_EQ(query.bytes.substr(2, 2), std::string("\1\0", 2));  // recursion
    // Room for 4096 bytes.
    EXPECT_EQ(query.bytes.substr(query.bytes.size() - 8, 2),
              "\x10" + std::string(1, '\0'));
  }
  EXPECT_THAT(types, ElementsAre(1, 2, 15, 28, 33));
}

TEST_F(DnsClientTest, YesAndNoAreAnswersAndOtherCodesAreNot) {
  Serve([](const DnsQuery& query) {
    return Answers(query, {ARecord("1.2.3.4")});
  });
  EXPECT_EQ(First(), "1.2.3.4");
  Serve([](const DnsQuery& query) { return test::Code(query, 3); });
  EXPECT_EQ(Ask()->code, kDnsNoSuchName);
  Serve([](const DnsQuery& query) { return test::Code(query, 2); });
  EXPECT_EQ(First(), "SERVFAIL");
  Serve([](const DnsQuery& query) { return test::Code(query, 5); });
  EXPECT_EQ(First(), "REFUSED");
  Serve([](const DnsQuery& query) { return test::Code(query, 4); });
  EXPECT_EQ(First(), "NOTIMP");
}

TEST_F(DnsClientTest, AServerMayHaveAnIpv6Address) {
  try {
    server_.emplace(
        [](const DnsQuery& query) {
          return Answers(query, {ARecord("1.2.3.4")});
        },
        "::1");
  } catch (const std::exception& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  port_ = server_->port();
  const auto answer = Ask(kLong, DnsType::kA, "web.example.", "::1");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->records.size(), 1u);
}

TEST_F(DnsClientTest, SilenceTimesOut) {
  Serve([](const DnsQuery&) { return DnsReply(); });
  EXPECT_EQ(First(kShort), "timed out");
  // Late is the same.
  Serve([](const DnsQuery& query) {
    DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
    reply.after = 100 * kShort;
    return reply;
  });
  EXPECT_EQ(First(kShort), "timed out");
}

TEST_F(DnsClientTest, SlowIsNoMistake) {
  Serve([](const DnsQuery& query) {
    DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
    reply.after = kShort;
    return reply;
  });
  EXPECT_EQ(First(), "1.2.3.4");
}

TEST_F(DnsClientTest, AServerThatIsNotThereIsSeenAtOnce) {
  Serve([](const DnsQuery&) { return DnsReply(); });
  server_.reset();
  EXPECT_EQ(First(), kUnreachable);
}

TEST_F(DnsClientTest, GarbageIsNoAnswer) {
  for (const std::string& garbage :
       {std::string(), std::string("x"), std::string(12, '\0'),
        std::string(500, '\xff'), std::string(5000, 'z')}) {
    Serve([garbage](const DnsQuery& query) {
      return DnsReply{{garbage, query.bytes.substr(0, 2) + garbage}};
    });
    EXPECT_THAT(First(kShort), AnyOf("timed out", kUnreachable));
  }
}

TEST_F(DnsClientTest, AnAnswerThatIsCutIsNone) {
  Serve([](const DnsQuery& query) {
    std::string message = DnsMessageOf(
        query, {.answers = {ARecord("1.2.3.4"), ARecord("5.6.7.8")}});
    message.resize(message.size() - 16);  // between the two
    return DnsReply{{message}};
  });
  EXPECT_THAT(First(), HasSubstr("record 2 of 2 of the answer is cut"));
}

TEST_F(DnsClientTest, ForgedAnswersAreOverheard) {
  Serve([](const DnsQuery& query) {
    DnsQuery other_id = query, other_name = query;
    other_id.bytes[0] = static_cast<char>(~other_id.bytes[0]);
    other_name.question[1] = static_cast<char>(other_name.question[1] + 1);
    return DnsReply{
        {DnsMessageOf(other_id, {.answers = {ARecord("6.6.6.6")}}),
         DnsMessageOf(other_name, {.answers = {ARecord("6.6.6.7")}}),
         DnsMessageOf(query, {.answers = {ARecord("1.2.3.4")}})}};
  });
  EXPECT_EQ(First(), "1.2.3.4");
}

// Truncated by UDP, and by TCP as `reply` says.
DnsServer::Script TooLargeForUdp(
    std::function<DnsReply(const DnsQuery&)> reply) {
  return [reply = std::move(reply)](const DnsQuery& query) {
    if (query.tcp) return reply(query);
    return DnsReply{{DnsMessageOf(query, {.truncated = true})}};
  };
}

TEST_F(DnsClientTest, LargeAnswersComeByTcp) {
  Serve(TooLargeForUdp([](const DnsQuery& query) {
    // As much as fits.
    return Answers(query, std::vector<std::string>(4090, ARecord("1.2.3.4")));
  }));
  const auto answer = Ask();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->records.size(), 4090u);
}

TEST_F(DnsClientTest, LargeAnswersByUdpNeedNoTcp) {
  Serve([](const DnsQuery& query) {
    return Answers(query, std::vector<std::string>(250, ARecord("1.2.3.4")));
  });
  EXPECT_EQ(Ask()->records.size(), 250u);
}

TEST_F(DnsClientTest, TcpMayFailToo) {
  Serve(TooLargeForUdp([](const DnsQuery& query) {
    DnsReply reply = Answers(query, {ARecord("1.2.3.4")});
    reply.cut_at = 20;
    return reply;
  }));
  EXPECT_EQ(First(), kUnreachable);
  Serve(TooLargeForUdp([](const DnsQuery&) { return DnsReply{{}, 0, {}}; }));
  EXPECT_EQ(First(), kUnreachable);
  Serve(TooLargeForUdp([](const DnsQuery&) { return DnsReply(); }));
  EXPECT_EQ(First(kShort), "timed out");
  Serve(TooLargeForUdp([](const DnsQuery& query) {
    return DnsReply{{DnsMessageOf(query, {.truncated = true})}};
  }));
  EXPECT_EQ(First(), "more than 64 KiB");
}

TEST_F(DnsClientTest, AServerWithoutEdnsIsAskedWithout) {
  Serve([](const DnsQuery& query) {
    return query.edns ? test::Code(query, 1)
                      : Answers(query, {ARecord("1.2.3.4")});
  });
  EXPECT_EQ(First(), "1.2.3.4");
}

TEST_F(DnsClientTest, WhatCannotBeAskedIsSaid) {
  port_ = 1;
  const auto name = [&](const std::string& text) {
    return Ask(kLong, DnsType::kA, text).error().message;
  };
  EXPECT_EQ(name("web.."), "no valid name");
  EXPECT_EQ(name(".web."), "no valid name");
  EXPECT_EQ(name(std::string(64, 'a') + "."), "no valid name");
  EXPECT_EQ(name(std::string("a\0b.", 4)), "no valid name");
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += "a.";
  EXPECT_EQ(name(longest), "no valid name");
  for (const char* server : {"", "localhost", "1.2.3", "fe80::1%lo"}) {
    EXPECT_EQ(Ask(kLong, DnsType::kA, "a.", server).error().message,
              "no IP address");
  }
}

TEST_F(DnsClientTest, StoppingEndsItAtOnce) {
  Serve([this](const DnsQuery&) {
    boost::asio::post(loop_, [this] { stop_.request_stop(); });
    return DnsReply();
  });
  EXPECT_EQ(Ask(std::chrono::hours(1)).error().message, "stopped");
  EXPECT_EQ(Ask(std::chrono::hours(1)).error().message, "stopped");
}

// The coroutines of one client's questions, ended by a loop that ends.
TEST_F(DnsClientTest, ItMayGoWithItsLoop) {
  Serve([](const DnsQuery&) { return DnsReply(); });
  auto loop = std::make_unique<boost::asio::io_context>();
  {
    DnsClient client({.port = port_, .timeout = kLong, .most_at_once = 1});
    DnsQuestion question{"127.0.0.1", "a.", DnsType::kA};
    boost::asio::co_spawn(
        *loop, client.Ask(loop->get_executor(), question, stop_.get_token()),
        boost::asio::detached);
    loop->poll();
    EXPECT_EQ(client.asked_now(), 1u);
  }
  loop.reset();
}

class DnsClientTurnTest : public DnsClientTest {
 protected:
  // Asks `names` together, `most` at once.
  void AskAll(const std::vector<std::string>& names, std::size_t most) {
    DnsClient client({.port = port_, .timeout = kLong, .most_at_once = most});
    std::size_t left = names.size();
    for (const std::string& name : names) {
      DnsQuestion question{"127.0.0.1", name, DnsType::kA};
      boost::asio::co_spawn(
          loop_, client.Ask(loop_.get_executor(), question, stop_.get_token()),
          [&](std::exception_ptr, Result<DnsAnswer> answer) {
            --left;
            if (answer) ++answered_;
          });
    }
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (left > 0 && std::chrono::steady_clock::now() < until) {
      loop_.run_one_until(until);
      most_seen_ = std::max(most_seen_, client.asked_now());
    }
    EXPECT_EQ(left, 0u);
    EXPECT_EQ(client.asked_now(), 0u);
  }

  int answered_ = 0;
  std::size_t most_seen_ = 0;
};

TEST_F(DnsClientTurnTest, QuestionsWaitForTheirTurnInOrder) {
  std::vector<std::string> asked;
  Serve([&](const DnsQuery& query) {
    asked.push_back(query.name);
    return Answers(query, {ARecord("1.2.3.4")});
  });
  const std::vector<std::string> names = {"a.", "b.", "c.", "d.", "e."};
  AskAll(names, 1);
  server_.reset();
  EXPECT_EQ(asked, names);
  EXPECT_EQ(answered_, 5);
  EXPECT_EQ(most_seen_, 1u);
}

TEST_F(DnsClientTurnTest, ThousandsOfQuestionsAreAllAnswered) {
  Serve([&](const DnsQuery& query) {
    return Answers(query, {ARecord("1.2.3.4")});
  });
  AskAll(std::vector<std::string>(2000, "a."), 100);
  EXPECT_EQ(answered_, 2000);
  EXPECT_LE(most_seen_, 100u);
}

TEST_F(DnsClientTurnTest, WhoWaitsIsStoppedToo) {
  Serve([this](const DnsQuery&) {
    boost::asio::post(loop_, [this] { stop_.request_stop(); });
    return DnsReply();
  });
  AskAll(std::vector<std::string>(50, "a."), 3);
  EXPECT_EQ(answered_, 0);
}

}  // namespace
}  // namespace ta
