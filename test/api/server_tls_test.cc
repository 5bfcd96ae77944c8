// What may be put together to serve TLS, and what may not.

#include "api/server_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/api/tls_support.h"

namespace ta {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServerTlsTest : public testing::Test {
 protected:
  std::string ErrorOf(const ServerTlsTexts& texts) {
    const auto made = ServerTls::Make(texts);
    if (made) return "none";
    EXPECT_THAT(made.error().message, Not(HasSubstr("-----")));
    return made.error().message;
  }

  const test::TestCa ca_{"ca", 100'000};
  const test::Identity own_ = ca_.Issue({.until_seconds = 50'000});
  const ServerTlsTexts good_{own_.certificate, own_.key, ca_.pem()};
};

TEST_F(ServerTlsTest, KnowsWhenItsCertificatesEnd) {
  const auto made = ServerTls::Make(good_);
  ASSERT_TRUE(made) << made.error().message;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  EXPECT_NEAR(static_cast<double>((*made)->certificate_expires() - now), 50'000,
              60);
  EXPECT_NEAR(static_cast<double>((*made)->ca_expires() - now), 100'000, 60);
}

TEST_F(ServerTlsTest, TheFirstCaThatEndsCounts) {
  const test::TestCa sooner("sooner", 60'000);
  ServerTlsTexts texts = good_;
  texts.ca_pem += sooner.pem();
  const auto made = ServerTls::Make(texts);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_LT((*made)->ca_expires(), (*ServerTls::Make(good_))->ca_expires());
}

TEST_F(ServerTlsTest, SaysWhichTextIsWrong) {
  const auto with = [&](auto member, const std::string& text) {
    ServerTlsTexts texts = good_;
    texts.*member = text;
    return ErrorOf(texts);
  };
  const test::Identity other = ca_.Issue();
  for (const std::string& bad :
       {std::string(), std::string("x"), own_.key,
        own_.certificate.substr(0, own_.certificate.size() / 2)}) {
    EXPECT_EQ(with(&ServerTlsTexts::certificate_pem, bad),
              "the certificate is not a PEM certificate");
  }
  EXPECT_EQ(with(&ServerTlsTexts::certificate_pem,
                 own_.certificate + own_.certificate.substr(0, 100)),
            "the certificate's chain is not PEM");
  for (const std::string& bad : {std::string(), std::string("x"),
                                 own_.certificate, test::Encrypted(own_.key)}) {
    EXPECT_EQ(with(&ServerTlsTexts::key_pem, bad),
              "the key is not a PEM key without a passphrase");
  }
  EXPECT_EQ(with(&ServerTlsTexts::key_pem, other.key),
            "the key does not belong to the certificate");
  for (const std::string& bad : {std::string(), std::string("x"), own_.key,
                                 ca_.pem() + ca_.pem().substr(0, 100)}) {
    EXPECT_EQ(with(&ServerTlsTexts::ca_pem, bad),
              "the CA is not a list of PEM certificates");
  }
}

TEST_F(ServerTlsTest, ACaMayStandThereTwice) {
  ServerTlsTexts texts = good_;
  texts.ca_pem += ca_.pem();
  EXPECT_EQ(ErrorOf(texts), "none");
}

}  // namespace
}  // namespace ta
