// New certificates while clients come and go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "test/api/tls_fixture.h"

namespace ta {
namespace {

using test::Identity;
using test::kTargets;
using test::TestCa;
using test::TlsClient;
using testing::HasSubstr;
using testing::StartsWith;

class TlsRotationTest : public test::TlsFixture {};

TEST_F(TlsRotationTest, NewConnectionsGetTheNewOnesAndOldOnesGoOn) {
  Start();
  TlsClient old_one(port(), Good());
  ASSERT_THAT(old_one.Ask(kTargets), StartsWith("HTTP/1.1 200"));

  const TestCa next("next");
  const Identity own = next.Issue({.name = "server"});
  server_->UseTls(Make({own.certificate, own.key, next.pem()}));

  EXPECT_TRUE(old_one.Get(kTargets));
  EXPECT_THAT(old_one.ReadAnswer(), StartsWith("HTTP/1.1 200"));
  TlsClient fresh(port(), {.ca = next.pem(), .own = next.Issue()});
  EXPECT_THAT(fresh.Ask(kTargets), StartsWith("HTTP/1.1 200")) << fresh.error();
  EXPECT_EQ(fresh.PeerPem(), own.certificate);
  // Whom only the CA of before has signed is refused from now on.
  TlsClient late(port(), {.ca = next.pem(), .own = client_});
  EXPECT_EQ(late.Ask(kTargets), "");
  EXPECT_THAT(late.error(), HasSubstr("alert unknown ca"));
}

TEST_F(TlsRotationTest, BadOnesLeaveEverythingAsItWas) {
  Start();
  server_->UseTls(Reject("the key does not belong to the certificate"));
  EXPECT_FALSE(server_->stats().tls.files_good.load());
  TlsClient client(port(), Good());
  EXPECT_THAT(client.Ask(kTargets), StartsWith("HTTP/1.1 200"))
      << client.error();
  server_->UseTls(Make(texts_));
  EXPECT_TRUE(server_->stats().tls.files_good.load());
}

TEST_F(TlsRotationTest, UnderLoadNoRequestIsLost) {
  const TestCa next("next");
  // Both CAs are trusted by both sides while certificates change.
  texts_.ca_pem += next.pem();
  options_.https->tls = Make(texts_);
  Start();
  const Identity own = next.Issue({.name = "server"});
  const ServerTlsTexts other{own.certificate, own.key, texts_.ca_pem};
  const Identity next_client = next.Issue();

  std::atomic<bool> done{false};
  std::atomic<int> answers{0};
  std::atomic<int> lost{0};
  const auto count = [&](const std::string& answer) {
    (answer.starts_with("HTTP/1.1 200") ? answers : lost).fetch_add(1);
  };
  // One on a connection that lives on, two that connect anew each time.
  std::thread staying([&] {
    TlsClient client(port(), {.ca = "", .own = client_});
    count(client.Ask(kTargets));
    while (!done) {
      client.Get(kTargets);
      count(client.ReadAnswer());
    }
  });
  const auto come_and_go = [&](const Identity& mine) {
    while (!done) {
      TlsClient client(port(), {.ca = "", .own = mine});
      count(client.Ask(kTargets));
    }
  };
  std::thread first(come_and_go, client_);
  std::thread second(come_and_go, next_client);
  for (int i = 0; i < 50; ++i) {
    const int before = answers + lost;
    server_->UseTls(Make(i % 2 == 0 ? other : texts_));
    EXPECT_TRUE(test::Eventually([&] { return answers + lost > before + 2; }));
  }
  done = true;
  staying.join();
  first.join();
  second.join();
  EXPECT_EQ(lost.load(), 0);
  EXPECT_GT(answers.load(), 100);
}

}  // namespace
}  // namespace ta
