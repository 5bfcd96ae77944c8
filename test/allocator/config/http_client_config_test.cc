#include "allocator/config/http_client_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "allocator/config/load.h"
#include "allocator/config/schema.h"

namespace ta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// What a scrape config with these fields, indented by two, makes of them.
HttpClientConfig ClientOf(const std::string& fields) {
  HttpClientConfig client;
  LoadOptions options;
  options.inspect = [&](std::string_view job, const Value& value) {
    if (!job.empty()) client = HttpClientConfigOf(value, "/etc/ta");
  };
  const auto config = LoadConfig(
      "/etc/ta/ta.yaml", "scrape_configs:\n- job_name: j\n" + fields, options);
  if (!config) ADD_FAILURE() << config.error().front().ToString();
  return client;
}

TEST(HttpClientConfigTest, NothingWrittenIsTheDefault) {
  EXPECT_EQ(ClientOf(""), HttpClientConfig());
}

TEST(HttpClientConfigTest, FilesAreSeenFromTheFolder) {
  const auto client = ClientOf(R"(
  basic_auth: {username: u, password_file: pw}
  tls_config:
    ca_file: ca.pem
    cert_file: /abs/cert.pem
    key_file: ../key.pem
    server_name: s
    insecure_skip_verify: true
    min_version: TLS12
  http_headers:
    X-B: {values: [one, two], secrets: [hidden], files: [h]}
    X-A: {values: [x]}
)");
  ASSERT_TRUE(client.basic_auth);
  EXPECT_EQ(client.basic_auth->username.text, "u");
  EXPECT_EQ(client.basic_auth->password.file, "/etc/ta/pw");
  EXPECT_EQ(client.tls, (TlsConfig{.ca = {.file = "/etc/ta/ca.pem"},
                                   .cert = {.file = "/abs/cert.pem"},
                                   .key = {.file = "/etc/key.pem"},
                                   .server_name = "s",
                                   .insecure_skip_verify = true,
                                   .min_version = "TLS12"}));
  EXPECT_THAT(
      client.http_headers,
      ElementsAre(
          HttpHeaderConfig{"X-A", {"x"}, {}, {}},
          HttpHeaderConfig{"X-B", {"one", "two"}, {"hidden"}, {"/etc/ta/h"}}));
}

TEST(HttpClientConfigTest, BearerTokenIsAuthorization) {
  EXPECT_EQ(ClientOf("  bearer_token: secret\n").authorization,
            (AuthorizationConfig{"Bearer", {.text = "secret"}}));
  EXPECT_EQ(ClientOf("  bearer_token_file: t\n").authorization,
            (AuthorizationConfig{"Bearer", {.file = "/etc/ta/t"}}));
  EXPECT_EQ(
      ClientOf("  authorization: {type: X, credentials: c}\n").authorization,
      (AuthorizationConfig{"X", {.text = "c"}}));
}

TEST(HttpClientConfigTest, ProxyKeepsItsPassword) {
  const auto client = ClientOf(R"(
  proxy_url: http://u:p@proxy:3128
  no_proxy: 10.0.0.0/8
  proxy_connect_header: {X-P: [a, b]}
  follow_redirects: false
  enable_http2: false
)");
  EXPECT_EQ(client.proxy.url, "http://u:p@proxy:3128");
  EXPECT_EQ(client.proxy.no_proxy, "10.0.0.0/8");
  EXPECT_THAT(client.proxy.connect_headers,
              ElementsAre(Pair("X-P", "a"), Pair("X-P", "b")));
  EXPECT_FALSE(client.follow_redirects);
  EXPECT_FALSE(client.enable_http2);
  EXPECT_TRUE(
      ClientOf("  proxy_from_environment: true\n").proxy.from_environment);
}

TEST(HttpClientConfigTest, Oauth2IsReadWhole) {
  const auto client = ClientOf(R"(
  oauth2:
    client_id: id
    client_secret_file: s
    scopes: [a, b]
    token_url: https://t/token
    endpoint_params: {k: v}
    tls_config: {ca: PEM}
    proxy_url: http://p
)");
  ASSERT_TRUE(client.oauth2);
  EXPECT_EQ(client.oauth2->client_id, "id");
  EXPECT_EQ(client.oauth2->client_secret.file, "/etc/ta/s");
  EXPECT_THAT(client.oauth2->scopes, ElementsAre("a", "b"));
  EXPECT_EQ(client.oauth2->token_url, "https://t/token");
  EXPECT_THAT(client.oauth2->endpoint_params, ElementsAre(Pair("k", "v")));
  EXPECT_EQ(client.oauth2->tls.ca.text, "PEM");
  EXPECT_EQ(client.oauth2->proxy.url, "http://p");
  EXPECT_THAT(client.unsupported, IsEmpty());
}

// Without a secret manager Prometheus fails there, too, but only when it makes
// the client.
TEST(HttpClientConfigTest, ReferencesToSecretManagersAreNamed) {
  EXPECT_EQ(ClientOf("  authorization: {credentials_ref: x}\n").unsupported,
            "authorization.credentials_ref");
  EXPECT_EQ(ClientOf("  tls_config: {ca_ref: x}\n").unsupported,
            "tls_config.ca_ref");
}

}  // namespace
}  // namespace ta
