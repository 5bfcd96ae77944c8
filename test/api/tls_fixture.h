// A server with both ports, and clients with certificates.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "allocator/base/log.h"
#include "api/server.h"
#include "test/api/server_fixture.h"
#include "test/api/tls_support.h"

namespace ta::test {

class TlsFixture : public ServerFixture {
 protected:
  TlsFixture() {
    options_.https =
        HttpsOptions{.listen_addr = "127.0.0.1:0", .tls = Make(texts_)};
  }

  static std::shared_ptr<const ServerTls> Make(const ServerTlsTexts& texts) {
    auto tls = ServerTls::Make(texts);
    EXPECT_TRUE(tls) << (tls ? "" : tls.error().message);
    return tls ? *tls : nullptr;
  }
  std::uint16_t port() const { return server_->https_port(); }
  TlsClient::Options Good() const { return {.ca = ca_.pem(), .own = client_}; }
  TlsClient::Options With(Identity own) const {
    return {.ca = ca_.pem(), .own = std::move(own)};
  }
  std::uint64_t Failures(TlsFailure failure) const {
    return server_->stats().tls.failures[static_cast<std::size_t>(failure)];
  }
  // A client that was there before goes on, and a new one is served.
  void ExpectOthersUnaffected(TlsClient& old_one) {
    EXPECT_TRUE(old_one.Get(kTargets));
    EXPECT_THAT(old_one.ReadAnswer(), testing::StartsWith("HTTP/1.1 200"));
    TlsClient fresh(port(), Good());
    EXPECT_THAT(fresh.Ask(kTargets), testing::StartsWith("HTTP/1.1 200"))
        << fresh.error();
  }

  const TestCa ca_{"ca"};
  const Identity own_ = ca_.Issue({.name = "server"});
  const Identity client_ = ca_.Issue();
  ServerTlsTexts texts_{own_.certificate, own_.key, ca_.pem()};
};

}  // namespace ta::test
