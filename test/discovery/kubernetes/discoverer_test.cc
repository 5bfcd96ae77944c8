#include "discovery/kubernetes/discoverer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/settings.h"
#include "discovery/manager.h"
#include "test/discovery/kubernetes/fake_cluster.h"
#include "test/discovery/support.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using test::FakeCluster;
using test::RecordingSink;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

KubernetesDiscovery Pods(const std::string& server) {
  KubernetesDiscovery settings;
  settings.role = "pod";
  settings.api_server = server;
  return settings;
}

class KubernetesDiscovererTest : public testing::Test {
 protected:
  bool WaitForProblem(const std::string& problem) {
    return sink_.WaitFor([&](const auto& state) {
      return state.problem().find(problem) != std::string::npos;
    });
  }

  FakeCluster cluster_;
  RecordingSink sink_;
};

TEST_F(KubernetesDiscovererTest, SendsGroupsAndFollowsThem) {
  cluster_.Put("x", "a", "10.0.0.1");
  Hub hub(cluster_.HubOptions());
  KubernetesDiscoverer pods("key", Pods("http://api"), &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.1"}));
  EXPECT_TRUE(sink_.state().synced());
  EXPECT_EQ(sink_.state().updates.back().discoverer, "key");
  cluster_.WaitFor([](const auto& counts) { return counts.watches == 1; });
  cluster_.Put("y", "b", "10.0.0.2");
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.1", "10.0.0.2"}));
  cluster_.Delete("x", "a");
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.2"}));
  pods.Stop();
}

TEST_F(KubernetesDiscovererTest, UnreachableServerIsAProblemUntilItAnswers) {
  cluster_.Put("x", "a", "10.0.0.1");
  cluster_.Set(FakeCluster::Mood::kUnreachable);
  Hub hub(cluster_.HubOptions());
  KubernetesDiscoverer pods("key", Pods("http://api"), &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(WaitForProblem("role pod: list pods: connection refused"));
  EXPECT_FALSE(sink_.state().synced());
  cluster_.Set(FakeCluster::Mood::kWell);
  ASSERT_TRUE(sink_.WaitFor([](const auto& state) {
    return state.synced() && state.problem().empty();
  }));
  // What is known stays, and its problem goes with the first event.
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.watches == 1; }));
  cluster_.Set(FakeCluster::Mood::kUnreachable);
  cluster_.Cut();
  ASSERT_TRUE(WaitForProblem("role pod: watch pods"));
  EXPECT_TRUE(sink_.state().synced());
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre("10.0.0.1"));
  cluster_.Set(FakeCluster::Mood::kWell);
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.watches == 2; }));
  cluster_.Put("x", "b", "10.0.0.2");
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.1", "10.0.0.2"}));
  ASSERT_TRUE(
      sink_.WaitFor([](const auto& state) { return state.problem().empty(); }));
  pods.Stop();
}

TEST_F(KubernetesDiscovererTest, NothingIsSentOnceItIsStopped) {
  Hub hub(cluster_.HubOptions());
  KubernetesDiscoverer pods("key", Pods("http://api"), &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(sink_.WaitFor([](const auto& state) { return state.synced(); }));
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.watches == 1; }));
  cluster_.Put("x", "a", "10.0.0.1");
  pods.Stop();
  pods.Stop();
  const auto sent = sink_.state().updates.size();
  cluster_.Put("x", "b", "10.0.0.2");
  EXPECT_EQ(hub.status().connections, 0u);
  EXPECT_EQ(sink_.state().updates.size(), sent);
}

TEST_F(KubernetesDiscovererTest, WithoutClusterItIsNotSynced) {
  Hub hub(cluster_.HubOptions());
  KubernetesDiscoverer pods("key", Pods(""), &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(WaitForProblem("KUBERNETES_SERVICE_HOST"));
  EXPECT_FALSE(sink_.state().synced());
  pods.Stop();
}

TEST_F(KubernetesDiscovererTest, KubeconfigMayComeLater) {
  const test::TempFolder folder;
  Hub hub(cluster_.HubOptions());
  KubernetesDiscovery settings = Pods("");
  settings.kubeconfig_file = folder / "config";
  KubernetesDiscoverer pods("key", settings, &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(WaitForProblem("No such file"));
  test::Replace(folder / "config",
                "current-context: c\n"
                "contexts: [{name: c, context: {cluster: c}}]\n"
                "clusters: [{name: c, cluster: {server: 'http://late'}}]\n");
  ASSERT_TRUE(sink_.WaitFor([](const auto& state) {
    return state.synced() && state.problem().empty();
  }));
  pods.Stop();
}

TEST_F(KubernetesDiscovererTest, OwnNamespaceIsThatOfTheContext) {
  const test::TempFolder folder;
  cluster_.Put("x", "a", "10.0.0.1");
  cluster_.Put("y", "a", "10.0.0.2");
  Hub hub(cluster_.HubOptions());
  KubernetesDiscovery settings = Pods("");
  settings.own_namespace = true;
  settings.kubeconfig_file = folder / "config";
  const std::string config =
      "current-context: c\n"
      "clusters: [{name: c, cluster: {server: 'http://a'}}]\n"
      "contexts: [{name: c, context: {cluster: c";
  test::Replace(folder / "config", config + "}}]\n");
  KubernetesDiscoverer pods("key", settings, &hub, &sink_);
  pods.Start();
  ASSERT_TRUE(WaitForProblem("own_namespace: "));
  test::Replace(folder / "config", config + ", namespace: y}}]\n");
  EXPECT_TRUE(sink_.WaitForAddresses({"10.0.0.2"}));
  pods.Stop();
}

// As a reload does it: the old one runs on until the new one has answered.
TEST_F(KubernetesDiscovererTest, ReloadWhileUnreachableKeepsTheOldOne) {
  cluster_.Put("x", "a", "10.0.0.1");
  const auto config_with = [](const std::string& key, const std::string& ns) {
    Config config;
    config.members = StaticMembers{};
    auto job = std::make_shared<ScrapeConfig>();
    KubernetesDiscovery settings = Pods("http://api");
    settings.namespaces = {ns};
    job->discoveries.push_back({"kubernetes", key, settings});
    config.jobs.push_back(job);
    return config;
  };
  DiscoveryManager manager(&sink_, {}, MakeDiscoverer, cluster_.HubOptions());
  manager.Apply(config_with("old", "x"));
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.1"}));
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.watches == 1; }));
  cluster_.Set(FakeCluster::Mood::kUnreachable);
  manager.Apply(config_with("new", "y"));
  ASSERT_TRUE(WaitForProblem("list pods: connection refused"));
  cluster_.Put("x", "b", "10.0.0.2");
  ASSERT_TRUE(sink_.WaitForAddresses({"10.0.0.1", "10.0.0.2"}));
  manager.Retain({"old", "new"});
  EXPECT_EQ(manager.hub().status().watches.size(), 2u);
  cluster_.Set(FakeCluster::Mood::kWell);
  ASSERT_TRUE(sink_.WaitFor([](const auto& state) {
    return state.updates.back().discoverer == "new" && state.synced();
  }));
  manager.Retain({"new"});
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.waiting == 1; }));
  manager.Stop();
  EXPECT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.listers == 0; }));
}

// ---- settings

TEST(KubernetesSettingsTest, ServerIsTheKubeconfigsTheGivenOrTheAllocators) {
  KubernetesDiscovery settings;
  settings.kube_config_path = "/k";
  EXPECT_EQ(ClusterSourceOf(settings),
            (ClusterSource{ClusterSource::Kind::kFound, "/k", {}}));
  settings.kubeconfig_file = "/own";
  EXPECT_EQ(ClusterSourceOf(settings),
            (ClusterSource{ClusterSource::Kind::kKubeconfig, "/own", {}}));
  const auto given = ClusterSourceOf(Pods("https://api"));
  EXPECT_EQ(given->kind, ClusterSource::Kind::kSettings);
  EXPECT_EQ(given->settings.server, "https://api");
  EXPECT_TRUE(given->settings.token.empty());
  EXPECT_FALSE(given->settings.proxy.from_environment);
}

TEST(KubernetesSettingsTest, ClientIsTakenOver) {
  KubernetesDiscovery settings = Pods("https://api");
  settings.client.basic_auth =
      BasicAuthConfig{{.file = "/user"}, {.text = "pw"}};
  settings.client.tls = {.ca = {.text = "CA"},
                         .cert = {.file = "/cert"},
                         .key = {.file = "/key"},
                         .server_name = "name",
                         .insecure_skip_verify = true,
                         .min_version = "TLS12",
                         .max_version = "TLS13"};
  settings.client.proxy = {.url = "http://p", .no_proxy = "x"};
  settings.client.http_headers = {{"X-A", {"1", "2"}, {"3"}, {}}};
  const auto source = ClusterSourceOf(settings);
  ASSERT_TRUE(source);
  ClientSettings wanted;
  wanted.server = "https://api";
  wanted.ca.text = "CA";
  wanted.client_cert.file = "/cert";
  wanted.client_key.file = "/key";
  wanted.tls.server_name = "name";
  wanted.tls.insecure_skip_verify = true;
  wanted.tls.min_version = TlsVersion::k12;
  wanted.tls.max_version = TlsVersion::k13;
  wanted.username.file = "/user";
  wanted.password.text = "pw";
  wanted.proxy = {.url = "http://p", .no_proxy = "x"};
  wanted.headers = {{"X-A", "1"}, {"X-A", "2"}, {"X-A", "3"}};
  EXPECT_EQ(source->settings, wanted);
  settings.client.basic_auth.reset();
  settings.client.authorization = AuthorizationConfig{"Token", {.file = "/t"}};
  EXPECT_EQ(ClusterSourceOf(settings)->settings.auth_scheme, "Token");
  EXPECT_EQ(ClusterSourceOf(settings)->settings.token.file, "/t");
}

TEST(KubernetesSettingsTest, WhatCannotBeDoneIsSaid) {
  const auto error = [](const HttpClientConfig& client) {
    KubernetesDiscovery settings = Pods("https://api");
    settings.client = client;
    const auto source = ClusterSourceOf(settings);
    return source ? "" : source.error().message;
  };
  EXPECT_THAT(error({}), IsEmpty());
  EXPECT_THAT(error({.oauth2 = Oauth2Config()}), HasSubstr("oauth2"));
  EXPECT_THAT(error({.http_headers = {{"X", {}, {}, {"/f"}}}}),
              HasSubstr("http_headers.files"));
  EXPECT_THAT(error({.unsupported = "tls_config.ca_ref"}),
              HasSubstr("tls_config.ca_ref needs a secret manager"));
}

TEST(KubernetesSettingsTest, RoleIsTakenOver) {
  KubernetesDiscovery settings;
  settings.role = "endpointslice";
  settings.attach_metadata = {.node = true, .cronjob = true};
  settings.selectors = {{"pod", "a=b", ""}, {"service", "", "x=y"}};
  const RoleConfig wanted{.kind = RoleKind::kEndpointSlice,
                          .attach = {.node = true, .cron_job = true},
                          .selectors = {{RoleKind::kPod, {"a=b", ""}},
                                        {RoleKind::kService, {"", "x=y"}}}};
  EXPECT_EQ(RoleConfigOf(settings), wanted);
}

}  // namespace
}  // namespace ta::kubernetes
