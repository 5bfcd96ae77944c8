// The settings of the server over mutual TLS, and what it is given to serve.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/config/load.h"

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kJob =
    "config: {scrape_configs: [{job_name: a, basic_auth: {password: "
    "hunter2}}]}\n";

std::expected<Config, Mistakes> Load(const std::string& https,
                                     LoadOptions options = {}) {
  return LoadConfig("dir/ta.yaml", "collectors: {static: [c]}\n" + https + kJob,
                    options);
}

std::vector<std::string> MistakesOf(const std::string& https,
                                    LoadOptions options = {}) {
  const auto config = Load(https, std::move(options));
  std::vector<std::string> out;
  if (!config) {
    for (const Mistake& mistake : config.error()) {
      out.push_back(mistake.ToString());
    }
  }
  return out;
}

TEST(HttpsConfigTest, IsOffUnlessEnabled) {
  const auto config = Load("https: {ca_file_path: ca}\n");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->https.enabled);
  EXPECT_EQ(config->https.listen_addr, ":8443");
  EXPECT_FALSE(config->https.client_identity);
  EXPECT_THAT(config->secret_scrape_configs_json, IsEmpty());
}

TEST(HttpsConfigTest, RelativeFilesStartAtTheFilesFolder) {
  const auto config = Load(
      "https: {enabled: true, listen_addr: 'h:1', ca_file_path: ca, "
      "tls_cert_file_path: /a/cert, tls_key_file_path: ../key, "
      "client_identity: san}\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->https, (HttpsConfig{.enabled = true,
                                        .listen_addr = "h:1",
                                        .ca_file = "dir/ca",
                                        .cert_file = "/a/cert",
                                        .key_file = "key",
                                        .client_identity = true}));
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(HttpsConfigTest, FlagsWinAndAreSeenFromTheWorkingDirectory) {
  LoadOptions options;
  options.flags.https_enabled = true;
  options.flags.https_listen_addr = ":1";
  options.flags.https_ca_file = "flag/ca";
  options.flags.https_cert_file = "flag/cert";
  options.flags.https_key_file = "flag/key";
  const auto config =
      Load("https: {enabled: false, listen_addr: ':2', ca_file_path: ca}\n",
           options);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->https, (HttpsConfig{.enabled = true,
                                        .listen_addr = ":1",
                                        .ca_file = "flag/ca",
                                        .cert_file = "flag/cert",
                                        .key_file = "flag/key"}));
  options.flags.https_enabled = false;
  EXPECT_FALSE(Load("https: {enabled: true}\n", options)->https.enabled);
}

TEST(HttpsConfigTest, EnabledItNeedsItsThreeFiles) {
  EXPECT_THAT(
      MistakesOf("https: {enabled: true}\n"),
      testing::UnorderedElementsAre(
          HasSubstr("https.ca_file_path: must name the CA"),
          HasSubstr("https.tls_cert_file_path: must name the server's"),
          HasSubstr("https.tls_key_file_path: must name the certificate's")));
  EXPECT_THAT(MistakesOf("https: {enabled: true, ca_file_path: a, "
                         "tls_cert_file_path: b, tls_key_file_path: ''}\n"),
              ElementsAre(HasSubstr("or say --https-tls-key-file")));
}

TEST(HttpsConfigTest, WhatIsWrittenWronglyIsSaid) {
  EXPECT_THAT(MistakesOf("https: {listen_addr: '8443'}\n"),
              ElementsAre(HasSubstr("https.listen_addr: expected host:port")));
  EXPECT_THAT(MistakesOf("https: {client_identity: cn}\n"),
              ElementsAre(HasSubstr("https.client_identity")));
}

TEST(HttpsConfigTest, SecretsAreRenderedApart) {
  const std::string https =
      "https: {enabled: true, ca_file_path: a, tls_cert_file_path: b, "
      "tls_key_file_path: c}\n";
  const auto config = Load(https);
  ASSERT_TRUE(config);
  EXPECT_THAT(config->scrape_configs_json, Not(HasSubstr("hunter2")));
  EXPECT_THAT(config->secret_scrape_configs_json,
              HasSubstr(R"("password":"hunter2")"));
  for (const std::string& warning : config->warnings) {
    EXPECT_THAT(warning, Not(HasSubstr("hunter2")));
  }
  // Where all may see them there is nothing to keep apart.
  const auto open = Load(https + "allow_insecure_auth_secrets: true\n");
  ASSERT_TRUE(open);
  EXPECT_THAT(open->scrape_configs_json, HasSubstr("hunter2"));
  EXPECT_THAT(open->secret_scrape_configs_json, IsEmpty());
}

TEST(HttpsConfigTest, AServerThatRunsIsGivenSecretsWhateverTheFileSays) {
  LoadOptions options;
  options.https_serves = true;
  const auto config = Load("", options);
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->https.enabled);
  EXPECT_THAT(config->secret_scrape_configs_json, HasSubstr("hunter2"));
}

}  // namespace
}  // namespace ta
