// The client with TLS, with proxies, and with both.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "discovery/http_client.h"
#include "test/discovery/certificates.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"

namespace ta {
namespace {

using test::Certificate;
using test::CertificateOptions;
using test::MakeCa;
using test::MakeCertificate;
using test::ScriptConnection;
using test::ScriptServer;
using test::ScriptTls;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void AnswerAll(ScriptConnection& peer) {
  while (true) {
    const std::string head = peer.ReadHead();
    if (head.empty()) return;
    peer.Answer(head);
  }
}

class HttpClientTlsTest : public testing::Test {
 protected:
  std::string Get(const HttpClientSettings& settings, const std::string& url) {
    auto client = HttpClient::Make(loop_.get_executor(), settings);
    if (!client) return client.error().message;
    HttpRequest request;
    request.url = *ParseHttpUrl(url);
    const auto response =
        test::RunOn(loop_, (*client)->Fetch(request, std::stop_token()));
    if (!response) return response.error().message;
    return response->status == 200 ? response->body
                                   : "HTTP " + std::to_string(response->status);
  }
  HttpClientSettings Trusting(const Certificate& ca) {
    HttpClientSettings settings;
    settings.tls.ca_pem = ca.cert;
    return settings;
  }

  boost::asio::io_context loop_;
  const Certificate ca_ = MakeCa();
};

TEST_F(HttpClientTlsTest, TrustedServerAnswers) {
  ScriptServer server(AnswerAll, ScriptTls{MakeCertificate({}, &ca_), {}});
  EXPECT_THAT(Get(Trusting(ca_), server.url("/x")), StartsWith("GET /x "));
  EXPECT_THAT(
      Get(Trusting(ca_), "https://localhost:" + std::to_string(server.port())),
      StartsWith("GET / "));
}

TEST_F(HttpClientTlsTest, RedirectToPlainHttpCarriesNoCredentialsAndNoBody) {
  ScriptServer plain(AnswerAll);
  ScriptServer server(
      [&](ScriptConnection& peer) {
        while (!peer.ReadHead().empty()) {
          peer.Send("HTTP/1.1 307 Elsewhere\r\nLocation: " + plain.url("/p") +
                    "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
      },
      ScriptTls{MakeCertificate({}, &ca_), {}});
  auto client = HttpClient::Make(loop_.get_executor(), Trusting(ca_));
  ASSERT_TRUE(client) << client.error().message;
  HttpRequest request;
  request.url = *ParseHttpUrl(server.url("/s"));
  request.headers = {{"Authorization", "secret"}, {"X-Kept", "kept"}};
  auto response =
      test::RunOn(loop_, (*client)->Fetch(request, std::stop_token()));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_THAT(response->body, StartsWith("GET /p "));
  EXPECT_THAT(response->body, HasSubstr("X-Kept: kept"));
  EXPECT_THAT(response->body, Not(HasSubstr("secret")));

  request.method = "POST";
  request.body = "client_secret=secret";
  const int before = plain.accepted();
  response = test::RunOn(loop_, (*client)->Fetch(request, std::stop_token()));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message,
              EndsWith("/s: redirect: from https to http, with a body"));
  EXPECT_EQ(plain.accepted(), before);
}

TEST_F(HttpClientTlsTest, WrongCertificatesAreRefusedAndNamed) {
  CertificateOptions other_name;
  other_name.names = {"DNS:other.test", "IP:127.0.0.2"};
  CertificateOptions expired;
  expired.begins = std::chrono::hours(-2);
  expired.ends = std::chrono::hours(-1);
  CertificateOptions future;
  future.begins = std::chrono::hours(1);
  future.ends = std::chrono::hours(2);
  CertificateOptions no_names;
  no_names.names = {};
  const Certificate other_ca = MakeCa();
  const struct {
    Certificate certificate;
    const char* error;
  } kCases[] = {
      {MakeCertificate(other_name, &ca_), "IP address mismatch"},
      {MakeCertificate(no_names, &ca_), "IP address mismatch"},
      {MakeCertificate(expired, &ca_), "certificate has expired"},
      {MakeCertificate(future, &ca_), "certificate is not yet valid"},
      {MakeCertificate({}, &other_ca),
       "unable to get local issuer certificate"},
      {MakeCertificate({}), "self-signed certificate"},
  };
  for (const auto& one : kCases) {
    ScriptServer server(AnswerAll, ScriptTls{one.certificate, {}});
    EXPECT_EQ(Get(Trusting(ca_), server.url()),
              "GET " + server.url() +
                  ": TLS: certificate of 127.0.0.1: " + one.error);
    HttpClientSettings insecure = Trusting(ca_);
    insecure.tls.insecure_skip_verify = true;
    EXPECT_THAT(Get(insecure, server.url()), StartsWith("GET / "));
  }
  ScriptServer server(AnswerAll,
                      ScriptTls{MakeCertificate(other_name, &ca_), {}});
  EXPECT_THAT(
      Get(Trusting(ca_), "https://localhost:" + std::to_string(server.port())),
      EndsWith("certificate of localhost: hostname mismatch"));
}

// Go's pools trust what they hold, be it no root.
TEST_F(HttpClientTlsTest, CertificateItselfMayBeTheCa) {
  const Certificate own = MakeCertificate({}, &ca_);
  ScriptServer server(AnswerAll, ScriptTls{own, {}});
  EXPECT_THAT(Get(Trusting(own), server.url()), StartsWith("GET / "));
}

TEST_F(HttpClientTlsTest, ServerNameReplacesTheHost) {
  CertificateOptions options;
  options.names = {"DNS:*.example.test"};
  ScriptServer server(AnswerAll, ScriptTls{MakeCertificate(options, &ca_), {}});
  HttpClientSettings settings = Trusting(ca_);
  settings.tls.server_name = "api.example.test";
  EXPECT_THAT(Get(settings, server.url()), StartsWith("GET / "));
  settings.tls.server_name = "a.b.example.test";
  EXPECT_THAT(Get(settings, server.url()), EndsWith("hostname mismatch"));
}

TEST_F(HttpClientTlsTest, ClientCertificateIsShown) {
  const Certificate client_ca = MakeCa();
  const Certificate mine = MakeCertificate({}, &client_ca);
  ScriptServer server(AnswerAll,
                      ScriptTls{MakeCertificate({}, &ca_), client_ca.cert});
  HttpClientSettings settings = Trusting(ca_);
  EXPECT_THAT(Get(settings, server.url()), HasSubstr("certificate required"));
  settings.tls.cert_pem = mine.cert;
  settings.tls.key_pem = mine.key;
  EXPECT_THAT(Get(settings, server.url()), StartsWith("GET / "));
}

TEST_F(HttpClientTlsTest, BadSettingsAreErrorsWithoutTheirText) {
  const Certificate one = MakeCertificate({});
  const Certificate two = MakeCertificate({});
  const auto error = [](TlsSettings settings) {
    const auto context = MakeTlsContext(settings);
    return context ? "" : context.error().message;
  };
  EXPECT_EQ(error({.ca_pem = "secret"}), "the CA is not a PEM certificate");
  EXPECT_EQ(error({.cert_pem = one.cert}),
            "a client certificate without its key");
  EXPECT_EQ(error({.key_pem = one.key}),
            "a client key without its certificate");
  EXPECT_EQ(error({.cert_pem = "x", .key_pem = one.key}),
            "the client certificate is not a PEM certificate");
  EXPECT_EQ(error({.cert_pem = one.cert, .key_pem = "x"}),
            "the client key is not a PEM key without a passphrase");
  EXPECT_EQ(error({.cert_pem = one.cert, .key_pem = two.key}),
            "the client key does not belong to the certificate");
  EXPECT_EQ(
      error({.min_version = TlsVersion::k13, .max_version = TlsVersion::k12}),
      "the greatest TLS version is below the least");
  EXPECT_EQ(error({}), "");
}

TEST_F(HttpClientTlsTest, PlainServerIsNoTlsServer) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.WaitClosed();
  });
  EXPECT_THAT(
      Get(Trusting(ca_), "https://127.0.0.1:" + std::to_string(server.port())),
      StartsWith("GET https://127.0.0.1:" + std::to_string(server.port()) +
                 "/: TLS: "));
}

TEST_F(HttpClientTlsTest, HandshakeThatHangsTimesOut) {
  ScriptServer server([](ScriptConnection& peer) { peer.WaitClosed(); });
  HttpClientSettings settings = Trusting(ca_);
  settings.timeouts.tls = std::chrono::milliseconds(50);
  EXPECT_THAT(
      Get(settings, "https://127.0.0.1:" + std::to_string(server.port())),
      EndsWith(": TLS: timed out"));
}

// A cut connection must not pass for the end of a body without length.
TEST_F(HttpClientTlsTest, EndWithoutCloseNotifyIsACut) {
  ScriptServer server(
      [](ScriptConnection& peer) {
        peer.ReadHead();
        peer.Send("HTTP/1.1 200 OK\r\n\r\nhalf");
        peer.Cut();
      },
      ScriptTls{MakeCertificate({}, &ca_), {}});
  EXPECT_THAT(Get(Trusting(ca_), server.url()), HasSubstr(": body: "));
}

TEST_F(HttpClientTlsTest, NewSettingsAreForNewConnections) {
  const Certificate other_ca = MakeCa();
  ScriptServer server(AnswerAll, ScriptTls{MakeCertificate({}, &ca_), {}});
  const auto client = *HttpClient::Make(loop_.get_executor(), Trusting(ca_));
  HttpRequest request;
  request.url = *ParseHttpUrl(server.url());
  const auto get = [&] {
    return test::RunOn(loop_, client->Fetch(request, std::stop_token()))
        .has_value();
  };
  EXPECT_TRUE(get());
  EXPECT_FALSE(client->UseTls({.ca_pem = "broken"}));
  EXPECT_TRUE(get());
  EXPECT_TRUE(client->UseTls({.ca_pem = other_ca.cert}));
  EXPECT_FALSE(get());
  EXPECT_TRUE(client->UseTls({.ca_pem = ca_.cert}));
  EXPECT_TRUE(get());
}

// -- proxies --

// Accepts a CONNECT and becomes a pipe to `port`.
ScriptServer::Script Proxy(const std::uint16_t& port, std::string& head) {
  return [&](ScriptConnection& peer) {
    head = peer.ReadHead();
    peer.Send("HTTP/1.1 200 Connection established\r\n\r\n");
    peer.Tunnel(port);
  };
}

TEST_F(HttpClientTlsTest, HttpsGoesThroughAProxysTunnel) {
  ScriptServer server(AnswerAll, ScriptTls{MakeCertificate({}, &ca_), {}});
  const std::uint16_t port = server.port();
  std::string head;
  HttpClientSettings settings = Trusting(ca_);
  settings.proxy.connect_headers = {{"X-Proxy", "yes"}};
  {
    ScriptServer proxy(Proxy(port, head));
    settings.proxy.url =
        "http://us:pw@127.0.0.1:" + std::to_string(proxy.port());
    const std::string seen = Get(settings, server.url("/x"));
    EXPECT_THAT(seen, StartsWith("GET /x "));
    EXPECT_EQ(seen.find("X-Proxy"), std::string::npos);
  }
  EXPECT_EQ(head, "CONNECT 127.0.0.1:" + std::to_string(port) +
                      " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                      "\r\nX-Proxy: yes\r\nProxy-Authorization: Basic "
                      "dXM6cHc=\r\n\r\n");
}

TEST_F(HttpClientTlsTest, HttpsGoesThroughATlsProxysTunnel) {
  ScriptServer server(AnswerAll, ScriptTls{MakeCertificate({}, &ca_), {}});
  const std::uint16_t port = server.port();
  std::string head;
  ScriptServer proxy(Proxy(port, head),
                     ScriptTls{MakeCertificate({}, &ca_), {}});
  HttpClientSettings settings = Trusting(ca_);
  settings.proxy.url = proxy.url();
  EXPECT_THAT(Get(settings, server.url("/x")), StartsWith("GET /x "));
}

TEST_F(HttpClientTlsTest, PlainHttpIsAskedOfTheProxyInAbsoluteForm) {
  ScriptServer proxy(AnswerAll);
  HttpClientSettings settings;
  settings.proxy.url = "http://us:pw@127.0.0.1:" + std::to_string(proxy.port());
  const std::string seen = Get(settings, "http://example.test/x?y");
  EXPECT_THAT(seen, StartsWith("GET http://example.test/x?y HTTP/1.1\r\nHost: "
                               "example.test\r\n"));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic dXM6cHc="));
}

TEST_F(HttpClientTlsTest, ProxysRefusalNamesTheProxy) {
  ScriptServer proxy([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  HttpClientSettings settings = Trusting(ca_);
  settings.proxy.url = "us:secret@127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_EQ(Get(settings, "https://example.test/"),
            "GET https://example.test/: proxy 127.0.0.1:" +
                std::to_string(proxy.port()) + ": CONNECT: HTTP 407");
}

TEST_F(HttpClientTlsTest, ProxyThatHangsTimesOut) {
  ScriptServer proxy([](ScriptConnection& peer) { peer.WaitClosed(); });
  HttpClientSettings settings = Trusting(ca_);
  settings.timeouts.tls = std::chrono::milliseconds(50);
  settings.proxy.url = proxy.url();
  EXPECT_THAT(Get(settings, "https://example.test/"),
              EndsWith(": CONNECT: timed out"));
}

}  // namespace
}  // namespace ta
