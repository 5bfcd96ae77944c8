#include "discovery/kubernetes/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "test/discovery/support.h"

namespace ta::kubernetes {
namespace {

using testing::HasSubstr;
using testing::Not;

// A whole file around the fields of one cluster and one user.
std::string Config(const std::string& cluster, const std::string& user = "") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
         "contexts:\n- {name: other, context: {}}\n"
         "- {name: c, context: {cluster: k, user: u, namespace: mine}}\n"
         "clusters:\n- name: k\n  cluster: {" +
         cluster + "}\nusers:\n- name: u\n  user: {" + user + "}\n";
}

ClientSettings Settings(const std::string& text) {
  auto settings = ParseKubeconfig("f", text, "/home/me/.kube");
  if (!settings) {
    ADD_FAILURE() << settings.error().front().ToString();
    return {};
  }
  return *std::move(settings);
}

std::string MistakesOf(const std::string& text) {
  const auto settings = ParseKubeconfig("f", text, "/k");
  if (settings) return "no mistake";
  std::string lines;
  for (const Mistake& mistake : settings.error()) {
    lines += (lines.empty() ? "" : "\n") + mistake.ToString();
  }
  return lines;
}

TEST(KubeconfigTest, CurrentContextLeadsToClusterAndUser) {
  const auto settings =
      Settings(Config("server: 'https://h:6443', certificate-authority: ca.crt",
                      "client-certificate: sub/me.crt, client-key: /k/me.key"));
  EXPECT_EQ(settings.server, "https://h:6443");
  EXPECT_EQ(settings.ns, "mine");
  EXPECT_EQ(settings.ca.file, "/home/me/.kube/ca.crt");
  EXPECT_EQ(settings.client_cert.file, "/home/me/.kube/sub/me.crt");
  EXPECT_EQ(settings.client_key.file, "/k/me.key");
  EXPECT_TRUE(settings.proxy.from_environment);
}

TEST(KubeconfigTest, DataWinsOverFiles) {
  const auto settings = Settings(
      Config("server: 'https://h', certificate-authority: ca.crt, "
             "certificate-authority-data: 'aGVs bG8='",
             "client-certificate-data: Y2VydA==, client-key-data: a2V5"));
  EXPECT_EQ(settings.ca, (TextSource{"hello", ""}));
  EXPECT_EQ(settings.client_cert.text, "cert");
  EXPECT_EQ(settings.client_key.text, "key");
}

TEST(KubeconfigTest, OtherFieldsOfClusterAndUser) {
  auto settings =
      Settings(Config("server: 'https://h', insecure-skip-tls-verify: true, "
                      "tls-server-name: api.test, proxy-url: 'http://p:1'",
                      "token: abc, tokenFile: t"));
  EXPECT_TRUE(settings.tls.insecure_skip_verify);
  EXPECT_EQ(settings.tls.server_name, "api.test");
  EXPECT_EQ(settings.proxy.url, "http://p:1");
  EXPECT_FALSE(settings.proxy.from_environment);
  EXPECT_EQ(settings.token, (TextSource{"abc", "/home/me/.kube/t"}));
  settings =
      Settings(Config("server: 'https://h'", "username: me, password: pw"));
  EXPECT_EQ(settings.username.text, "me");
  EXPECT_EQ(settings.password.text, "pw");
}

TEST(KubeconfigTest, SchemeIsHttpsWhereAnythingSpeaksOfTls) {
  EXPECT_EQ(Settings(Config("server: 'localhost:8080'")).server,
            "http://localhost:8080");
  EXPECT_EQ(
      Settings(Config("server: 'h:1', insecure-skip-tls-verify: true")).server,
      "https://h:1");
}

TEST(KubeconfigTest, NothingSecretGoesOverPlainHttp) {
  const auto settings = Settings(Config("server: 'http://h'", "token: secret"));
  EXPECT_TRUE(settings.token.empty());
}

TEST(KubeconfigTest, JsonIsReadAsWell) {
  const auto settings = Settings(
      R"({"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k"}}],
          "clusters":[{"name":"k","cluster":{"server":"https://h"}}],"users":null})");
  EXPECT_EQ(settings.server, "https://h");
}

TEST(KubeconfigTest, MistakesSayWhereAndNeverShowSecrets) {
  const struct {
    std::string text;
    const char* message;
  } kCases[] = {
      {"", "f: the file is empty"},
      {"secret", "f:1:1: expected a map, got text"},
      {"contexts: []", "f: current-context: is not set"},
      {"current-context: x\ncontexts:\n- name: y\n",
       "f:2:1: contexts: there is no context \"x\""},
      {"current-context: x\n", "f: contexts: there is no context \"x\""},
      {"current-context: x\ncontexts: secret\n",
       "f:2:11: contexts: expected a list, got text"},
      {Config(""), "f:9:12: clusters[k]: has no server"},
      {Config("server: 'ftp://secret'"),
       "f:9:21: clusters[k].server: the scheme of the URL is neither http nor "
       "https"},
      {Config("server: 'https://h', certificate-authority-data: '!secret'"),
       "not valid base64"},
      {Config("server: 'https://h', insecure-skip-tls-verify: secret"),
       "expected true or false, got text"},
      {Config("server: 'https://h', insecure-skip-tls-verify: true, "
              "certificate-authority: x"),
       "exclude each other"},
      {Config("server: 'https://h', proxy-url: 'socks5://u:secret@p'"),
       "clusters[k].proxy-url: proxy: the scheme"},
      {Config("server: 'https://h'", "exec: {command: secret}"),
       "f:12:10: users[u].exec: credentials from a program are not supported"},
      {Config("server: 'https://h'", "auth-provider: {name: secret}"),
       "users[u].auth-provider: credentials from a program"},
      {Config("server: 'https://h'", "as: secret"),
       "users[u].as: acting as another user"},
      {Config("server: 'https://h'", "client-key: secret"),
       "users[u]: has a client key without its certificate"},
      {Config("server: 'https://h'", "token: secret, username: secret"),
       "users[u]: a token and a username exclude each other"},
      {Config("server: 'https://h'", "token: [secret]"),
       "users[u].token: expected text, got a list"},
  };
  for (const auto& one : kCases) {
    const std::string mistakes = MistakesOf(one.text);
    EXPECT_THAT(mistakes, HasSubstr(one.message)) << one.text;
    EXPECT_THAT(mistakes, Not(HasSubstr("secret"))) << one.text;
  }
}

TEST(KubeconfigTest, AllMistakesAreReturnedAtOnce) {
  EXPECT_EQ(MistakesOf(Config("insecure-skip-tls-verify: 7", "exec: {}")),
            "f:9:12: clusters[k]: has no server\n"
            "f:9:39: clusters[k].insecure-skip-tls-verify: expected true or "
            "false, got a number\n"
            "f:12:10: users[u].exec: credentials from a program are not "
            "supported: use a token, tokenFile or client certificate");
}

// -- which cluster --

class FindClusterTest : public testing::Test {
 protected:
  Result<ClientSettings> Find(const std::string& path) {
    ClusterPlaces places;
    places.get_env = [this](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    };
    places.service_account_folder = folder.path();
    return FindCluster(path, places);
  }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  test::TempFolder folder;
  std::map<std::string, std::string, std::less<>> environment;
};

TEST_F(FindClusterTest, NamedFileThenHomeThenTheClusterWeAreIn) {
  environment = {{"HOME", folder / "home"},
                 {"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                 {"KUBERNETES_SERVICE_PORT", "443"}};
  Write("namespace", "pods-own\n");
  const auto inside = Find("");
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_EQ(inside->server, "https://10.0.0.1:443");
  EXPECT_EQ(inside->token.file, folder / "token");
  EXPECT_EQ(inside->ca.file, folder / "ca.crt");
  EXPECT_EQ(inside->ns, "pods-own");

  Write("home/.kube/config", Config("server: 'https://home'"));
  EXPECT_EQ(Find("")->server, "https://home");
  Write("named", Config("server: 'https://named'"));
  EXPECT_EQ(Find(folder / "named")->server, "https://named");
  EXPECT_EQ(Find(folder / "gone")->server, "https://10.0.0.1:443");
}

TEST_F(FindClusterTest, Ipv6ServiceHostGetsBrackets) {
  environment = {{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                 {"KUBERNETES_SERVICE_PORT", "6443"}};
  EXPECT_EQ(Find("")->server, "https://[fd00::1]:6443");
  EXPECT_EQ(Find("")->ns, "");
}

TEST_F(FindClusterTest, OutsideAClusterTheErrorSaysWhatWasLookedFor) {
  EXPECT_EQ(Find("").error().message,
            "not running in a cluster: KUBERNETES_SERVICE_HOST and "
            "KUBERNETES_SERVICE_PORT are not set");
  EXPECT_THAT(
      Find("/gone").error().message,
      HasSubstr("there is no file /gone, and not running in a cluster"));
}

TEST_F(FindClusterTest, FileWithMistakesIsNotPassedOver) {
  environment = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                 {"KUBERNETES_SERVICE_PORT", "443"}};
  Write("named", "x: y\n");
  EXPECT_THAT(Find(folder / "named").error().message,
              HasSubstr("current-context: is not set"));
}

TEST_F(FindClusterTest, TextIsReadAgainAndKeptWhereItCannotBe) {
  Write("token", "one\n");
  RereadText text({"", folder / "token"});
  EXPECT_TRUE(*text.Refresh());
  EXPECT_EQ(text.value(), "one");
  EXPECT_FALSE(*text.Refresh());
  Write("token", "  two \n");
  EXPECT_TRUE(*text.Refresh());
  EXPECT_EQ(text.value(), "two");
  Write("token", "\n");
  EXPECT_EQ(text.Refresh().error().message,
            folder / "token" + ": the file is empty");
  std::filesystem::remove(folder / "token");
  EXPECT_FALSE(text.Refresh());
  EXPECT_EQ(text.value(), "two");
}

}  // namespace
}  // namespace ta::kubernetes
