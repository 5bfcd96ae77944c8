#include "allocator/config/discovery_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

#include "allocator/config/load.h"

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The discovery of a job whose one `<mechanism>_sd_configs` has these fields.
DiscoveryConfig Discovery(const std::string& mechanism,
                          const std::string& fields,
                          const LoadOptions& options = {},
                          const std::string& file = "/etc/ta/ta.yaml") {
  const auto config =
      LoadConfig(file,
                 "scrape_configs:\n- job_name: j\n  " + mechanism +
                     "_sd_configs:\n  - {" + fields + "}\n",
                 options);
  if (!config) {
    ADD_FAILURE() << config.error().front().ToString();
    return {};
  }
  return config->jobs.at(0)->discoveries.at(0);
}

DiscoveryConfig Http(const std::string& fields) {
  return Discovery("http", fields);
}

DiscoveryConfig Kubernetes(const std::string& fields,
                           const LoadOptions& options = {},
                           const std::string& file = "/etc/ta/ta.yaml") {
  return Discovery("kubernetes", fields, options, file);
}

const KubernetesDiscovery& SettingsOf(const DiscoveryConfig& config) {
  return std::get<KubernetesDiscovery>(config.settings);
}

TEST(DiscoveryConfigTest, KubernetesSettingsAreTakenOver) {
  const DiscoveryConfig config = Kubernetes(
      "role: endpoints, namespaces: {own_namespace: true, names: [a, b]}, "
      "selectors: [{role: pod, label: app=x, field: spec.nodeName=n}], "
      "attach_metadata: {node: true, namespace: true, cronjob: true}");
  EXPECT_EQ(config.mechanism, "kubernetes");
  const KubernetesDiscovery& settings = SettingsOf(config);
  EXPECT_EQ(settings.role, "endpoints");
  EXPECT_THAT(settings.namespaces, ElementsAre("a", "b"));
  EXPECT_TRUE(settings.own_namespace);
  EXPECT_THAT(settings.selectors, ElementsAre(KubernetesDiscovery::Selector{
                                      "pod", "app=x", "spec.nodeName=n"}));
  EXPECT_EQ(settings.attach_metadata,
            (KubernetesDiscovery::AttachMetadata{
                .node = true, .ns = true, .cronjob = true}));
}

TEST(DiscoveryConfigTest, HttpSettingsAreTakenOver) {
  const DiscoveryConfig config = Http(
      "url: 'http://u:p@h/sd?x=1', refresh_interval: 15s, basic_auth: "
      "{username: a, password_file: p}");
  EXPECT_EQ(config.mechanism, "http");
  const auto& settings = std::get<HttpDiscovery>(config.settings);
  EXPECT_EQ(settings.url, "http://u:p@h/sd?x=1");
  EXPECT_EQ(settings.refresh_interval, std::chrono::seconds(15));
  EXPECT_EQ(settings.client.basic_auth->password.file, "/etc/ta/p");
  EXPECT_EQ(Http("url: 'http://h'").key, Http("url: 'http://h'").key);
}

TEST(DiscoveryConfigTest, DnsSettingsAreTakenOver) {
  const DiscoveryConfig config = Discovery(
      "dns",
      "names: [b, a.example.], type: aaaa, port: 80, refresh_interval: 5s");
  EXPECT_EQ(config.mechanism, "dns");
  const auto& settings = std::get<DnsDiscovery>(config.settings);
  EXPECT_THAT(settings.names, ElementsAre("b", "a.example."));
  EXPECT_EQ(settings.type, "AAAA");
  EXPECT_EQ(settings.port, 80);
  EXPECT_EQ(settings.refresh_interval, std::chrono::seconds(5));
  const DiscoveryConfig left_out = Discovery("dns", "names: [a]");
  const auto& defaults = std::get<DnsDiscovery>(left_out.settings);
  EXPECT_EQ(defaults.type, "SRV");
  EXPECT_EQ(defaults.refresh_interval, std::chrono::seconds(30));
  EXPECT_NE(config.key, left_out.key);
  EXPECT_EQ(left_out.key, Discovery("dns", "names: [a], type: SRV").key);
}

TEST(DiscoveryConfigTest, KeyOfAnHttpUrlHidesItsPasswordAndQuery) {
  const auto key = [](const std::string& secret) {
    return Http("url: 'http://u:" + secret + "@h/?key=" + secret + "'").key;
  };
  EXPECT_EQ(key("hunter2"), key("hunter2"));
  EXPECT_NE(key("hunter2"), key("hunter3"));
  EXPECT_THAT(key("hunter2"), Not(HasSubstr("hunter2")));
}

TEST(DiscoveryConfigTest, KubernetesServerIsOneOfThree) {
  LoadOptions options;
  options.flags.kube_config_path = "/etc/kubeconfig";
  const auto found = Kubernetes("role: pod", options);
  EXPECT_EQ(SettingsOf(found).kube_config_path, "/etc/kubeconfig");
  const auto file = Kubernetes("role: pod, kubeconfig_file: k", options);
  EXPECT_EQ(SettingsOf(file).kubeconfig_file, "/etc/ta/k");
  EXPECT_EQ(SettingsOf(file).kube_config_path, "");
  const auto given = Kubernetes(
      "role: pod, api_server: 'https://u:p@api/x', bearer_token_file: t",
      options);
  EXPECT_EQ(SettingsOf(given).api_server, "https://u:p@api/x");
  EXPECT_EQ(SettingsOf(given).client.authorization->credentials.file,
            "/etc/ta/t");
}

TEST(DiscoveryConfigTest, KeyTellsSecretsApartAndHidesThem) {
  const auto key = [](const std::string& secret) {
    return Kubernetes("role: pod, api_server: 'http://a', bearer_token: " +
                      secret)
        .key;
  };
  EXPECT_EQ(key("hunter2"), key("hunter2"));
  EXPECT_NE(key("hunter2"), key("hunter3"));
  EXPECT_THAT(key("hunter2"), Not(HasSubstr("hunter2")));
}

TEST(DiscoveryConfigTest, KeyTellsApartWhatFilesLeadTo) {
  EXPECT_NE(Kubernetes("role: pod, kubeconfig_file: k", {}, "/a/ta.yaml").key,
            Kubernetes("role: pod, kubeconfig_file: k", {}, "/b/ta.yaml").key);
  LoadOptions other;
  other.flags.kube_config_path = "/etc/kubeconfig";
  EXPECT_NE(Kubernetes("role: pod").key, Kubernetes("role: pod", other).key);
  EXPECT_EQ(Kubernetes("role: pod, api_server: 'http://a'").key,
            Kubernetes("role: pod, api_server: 'http://a'", other).key);
}

}  // namespace
}  // namespace ta
