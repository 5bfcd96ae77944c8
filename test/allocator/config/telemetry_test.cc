// The section `telemetry`: what it comes to, and what is said of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "allocator/config/load.h"
#include "allocator/config/telemetry_config.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const Environment kEnvironment = {
    {"TOKEN", "s3cret"},
    {"GATEWAY", "gw.example"},
    {"BROKEN", "a\nb"},
    {"OTEL_SERVICE_NAME", "ta"},
    {"OTEL_RESOURCE_ATTRIBUTES", "service.name=x,k8s.pod.name=p%2C1"}};

std::expected<Config, Mistakes> Load(const std::string& readers,
                                     const Environment& environment) {
  LoadOptions options;
  options.environment = environment;
  return LoadConfig("dir/ta.yaml",
                    "collectors: {static: [c]}\n"
                    "config: {scrape_configs: [{job_name: a}]}\n"
                    "telemetry:\n  metrics:\n    readers: " +
                        readers + "\n",
                    options);
}

Config Loaded(const std::string& readers) {
  auto config = Load(readers, kEnvironment);
  EXPECT_TRUE(config) << readers << "\n" << config.error().front().ToString();
  return config ? *std::move(config) : Config{};
}

std::vector<std::string> MistakesOf(const std::string& readers) {
  const auto config = Load(readers, kEnvironment);
  std::vector<std::string> out;
  if (config) return out;
  for (const Mistake& mistake : config.error())
    out.push_back(mistake.ToString());
  return out;
}

std::string Http(const std::string& fields) {
  return "[{periodic: {exporter: {otlp_http: {" + fields + "}}}}]";
}

std::vector<std::pair<std::string, std::string>> HeadersOf(
    const OtlpReaderConfig& reader) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& header : reader.client.http_headers)
    out.emplace_back(header.name, header.secrets.at(0));
  return out;
}

TEST(TelemetryConfigTest, DefaultsAreTheGoAllocators) {
  const Config config = Loaded(Http("endpoint: 'http://gw:4318'"));
  EXPECT_THAT(config.warnings, IsEmpty());
  ASSERT_THAT(config.telemetry.readers, SizeIs(1));
  OtlpReaderConfig expected;
  expected.interval = std::chrono::minutes(1);
  expected.timeout = std::chrono::seconds(30);
  expected.url = "http://gw:4318/v1/metrics";
  expected.client.follow_redirects = false;
  expected.client.proxy.from_environment = true;
  EXPECT_EQ(config.telemetry.readers[0], expected);
}

TEST(TelemetryConfigTest, EveryKeyIsTaken) {
  const Config config = Loaded(R"(
    - periodic:
        interval: 15000
        timeout: 5000
        exporter:
          otlp_http:
            endpoint: https://${env:GATEWAY}/otlp/
            headers:
            - {name: Authorization, value: "Api-Token ${env:TOKEN}"}
            - {name: X-None, value: null}
            - {name: x-twice, value: first}
            - {name: X-Twice, value: last}
            headers_list: x-twice=list,x-list=a%20b
            temporality_preference: delta
            compression: gzip
            tls: {ca_file: ca.pem, cert_file: /tls/cert.pem, key_file: key.pem}
    - periodic:
        interval: 0
        exporter: {otlp_http: {endpoint: "http://[::1]:1/v1/metrics?a=b", temporality_preference: low_memory}}
)");
  EXPECT_THAT(config.warnings, IsEmpty());
  ASSERT_THAT(config.telemetry.readers, SizeIs(2));
  const OtlpReaderConfig& first = config.telemetry.readers[0];
  EXPECT_EQ(first.interval, milliseconds(15000));
  EXPECT_EQ(first.timeout, milliseconds(5000));
  EXPECT_EQ(first.url, "https://gw.example/otlp/v1/metrics");
  EXPECT_THAT(
      HeadersOf(first),
      ElementsAre(std::pair("Authorization", "Api-Token s3cret"),
                  std::pair("x-list", "a b"), std::pair("X-Twice", "last")));
  EXPECT_EQ(first.temporality, Temporality::kDelta);
  EXPECT_TRUE(first.gzip);
  EXPECT_EQ(first.client.tls.ca.file, "dir/ca.pem");
  EXPECT_EQ(first.client.tls.cert.file, "/tls/cert.pem");
  EXPECT_EQ(first.client.tls.key.file, "dir/key.pem");
  const OtlpReaderConfig& second = config.telemetry.readers[1];
  EXPECT_EQ(second.index, 1);
  EXPECT_EQ(second.interval, std::chrono::minutes(1));
  EXPECT_EQ(second.url, "http://[::1]:1/v1/metrics?a=b");
  EXPECT_EQ(second.temporality, Temporality::kLowMemory);
  EXPECT_EQ(
      config.telemetry.resource,
      (ResourceAttributes{{"k8s.pod.name", "p,1"}, {"service.name", "ta"}}));
}

TEST(TelemetryConfigTest, WhatTheRequestSaysItselfIsLeftOut) {
  const Config config = Loaded(R"(
    - periodic:
        interval: -1
        exporter:
          otlp_http:
            endpoint: http://gw
            headers: [{name: content-TYPE, value: text/x}, {name: Content-Length, value: "5"}, {name: a, value: b}]
            headers_list: Host=other,transfer-encoding=chunked
)");
  ASSERT_THAT(config.telemetry.readers, SizeIs(1));
  EXPECT_EQ(config.telemetry.readers[0].interval, std::chrono::minutes(1));
  EXPECT_THAT(HeadersOf(config.telemetry.readers[0]),
              ElementsAre(std::pair("a", "b")));
  EXPECT_THAT(config.warnings,
              UnorderedElementsAre(
                  HasSubstr("periodic.interval: is not used: it is negative"),
                  HasSubstr("the header content-TYPE is left out"),
                  HasSubstr("the header Content-Length is left out"),
                  HasSubstr("the header Host is left out"),
                  HasSubstr("the header transfer-encoding is left out")));
}

TEST(TelemetryConfigTest, GrpcIsAcceptedAndWarnedOfOnce) {
  const Config config = Loaded(R"(
    - periodic: {exporter: {otlp_grpc: {endpoint: "gw:4317", tls: {insecure: true}, temporality_preference: delta, headers: [{name: a, value: b}]}}}
    - periodic: {exporter: {otlp_http: {endpoint: "http://gw:4318"}}}
)");
  EXPECT_THAT(
      config.warnings,
      ElementsAre("dir/ta.yaml:6:40: "
                  "telemetry.metrics.readers[0].periodic.exporter.otlp_grpc: "
                  "OTLP over gRPC is not implemented, so that nothing is sent: "
                  "otlp_http is"));
  ASSERT_THAT(config.telemetry.readers, SizeIs(1));
  EXPECT_EQ(config.telemetry.readers[0].index, 1);
}

TEST(TelemetryConfigTest, WhatMeansNothingIsAWarning) {
  const Config config = Loaded(R"(
    - pull: {exporter: {prometheus/development: {}}}
    - periodic: {producers: [], exporter: {otlp_http: {endpoint: "http://${NOT_SET:-gw}", headers: [{name: a, value: "${env:NOT_SET}"}], encoding: protobuf}}}
    views: []
)");
  EXPECT_THAT(
      config.warnings,
      ElementsAre(
          HasSubstr("metrics.views: means nothing"),
          HasSubstr("readers[0].pull: means nothing"),
          HasSubstr("readers[0]: is not periodic"),
          HasSubstr("readers[1].periodic.producers: means nothing"),
          HasSubstr("otlp_http.encoding: means nothing"),
          HasSubstr("otlp_http.headers[0].value: the environment variable "
                    "NOT_SET is not set, or empty")));
}

TEST(TelemetryConfigTest, MistakesAreNamedByTheirPlace) {
  const struct {
    std::string readers, mistake;
  } cases[] = {
      {"{}", "dir/ta.yaml:5:14: telemetry.metrics.readers: expected a list"},
      {"[{periodic: {}}]",
       "dir/ta.yaml:5:26: telemetry.metrics.readers[0].periodic.exporter: "
       "needs exactly one of otlp_http, otlp_grpc"},
      {"[{periodic: {exporter: {otlp_http: {endpoint: 'http://a'}, otlp_grpc: "
       "{endpoint: a}}}}]",
       "needs exactly one of"},
      {Http(""), "otlp_http.endpoint: must be set"},
      {"[{periodic: {exporter: {otlp_grpc: {}}}}]",
       "otlp_grpc.endpoint: must be set"},
      {Http("endpoint: 'gw:4318'"),
       "expected http://host:port or https://host:port"},
      {Http("endpoint: 'htps://u:s3cret@h/x?api_key=s3cret'"),
       "expected http://host:port or https://host:port"},
      {Http("endpoint: 'u:s3cret@h:4318'"),
       "expected http://host:port or https://host:port"},
      {Http("endpoint: 'http://h:99999'"),
       "expected http://host:port or https://host:port"},
      {Http("endpoint: '${env:NOT_SET}'"),
       "expected http://host:port or https://host:port; the environment "
       "variable NOT_SET is not set, or empty"},
      {Http("endpoint: 'http://a', temporality_preference: gauge"),
       "temporality_preference: "},
      {Http("endpoint: 'http://a', compression: zstd"), "compression: "},
      {Http("endpoint: 'http://a', tls: {cert_file: a}"),
       "tls: needs cert_file and key_file together"},
      {Http("endpoint: 'http://a', headers: [{name: 'a b', value: c}]"),
       "headers[0].name: is no name of a header"},
      {Http("endpoint: 'http://a', headers: [{name: 'Authorization: s3cret', "
            "value: c}]"),
       "headers[0].name: is no name of a header"},
      {Http("endpoint: 'http://a', headers: [{name: a, value: "
            "'${env:BROKEN}'}]"),
       "headers[0].value: holds a line break"},
      {Http("endpoint: 'http://a', headers_list: 'a'"),
       "headers_list: header 1 is no name=value"},
      {"[{periodic: {timeout: 5s, exporter: {otlp_http: {endpoint: "
       "'http://a'}}}}]",
       "periodic.timeout: expected a whole number"},
  };
  for (const auto& [readers, mistake] : cases)
    EXPECT_THAT(
        MistakesOf(readers),
        ElementsAre(AllOf(HasSubstr(mistake), Not(HasSubstr("s3cret")))))
        << readers;
}

TEST(TelemetryConfigTest, ReferencesElsewhereStayAsTheyAre) {
  LoadOptions options;
  options.environment = kEnvironment;
  const auto config = LoadConfig(
      "ta.yaml",
      "collectors: {static: [c]}\n"
      "config: {scrape_configs: [{job_name: '${env:TOKEN}', relabel_configs: "
      "[{source_labels: [a], target_label: b, replacement: '$1${1}$$'}]}]}\n",
      options);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->jobs.at(0)->job_name, "${env:TOKEN}");
  EXPECT_EQ(config->jobs.at(0)->relabel_configs.at(0).replacement, "$1${1}$$");
  EXPECT_THAT(config->telemetry.resource, IsEmpty());
}

TEST(TelemetryConfigTest, TheEnvironmentFillsInWhatTheFileLeavesOut) {
  const Environment environment = {
      {"OTEL_METRIC_EXPORT_INTERVAL", "5000"},
      {"OTEL_METRIC_EXPORT_TIMEOUT", "1000"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "all=1"},
      {"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b%20c,d=e"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
      {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca"},
      {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/cert"},
      {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key"}};
  auto config = Load(Http("endpoint: 'https://a'"), environment);
  ASSERT_TRUE(config);
  EXPECT_THAT(config->warnings, IsEmpty());
  const OtlpReaderConfig& reader = config->telemetry.readers.at(0);
  EXPECT_EQ(reader.interval, milliseconds(5000));
  EXPECT_EQ(reader.timeout, milliseconds(1000));
  EXPECT_THAT(HeadersOf(reader),
              ElementsAre(std::pair("a", "b c"), std::pair("d", "e")));
  EXPECT_TRUE(reader.gzip);
  EXPECT_EQ(reader.client.tls.ca.file, "/ca");
  EXPECT_EQ(reader.client.tls.cert.file, "/cert");
  EXPECT_EQ(reader.client.tls.key.file, "/key");

  config = Load(
      "[{periodic: {interval: 7, timeout: 8, exporter: {otlp_http: {endpoint: "
      "'https://a', compression: none, headers: [], tls: {ca_file: /mine}}}}}]",
      environment);
  ASSERT_TRUE(config);
  const OtlpReaderConfig& whole = config->telemetry.readers.at(0);
  EXPECT_EQ(whole.interval, milliseconds(7));
  EXPECT_EQ(whole.timeout, milliseconds(8));
  EXPECT_FALSE(whole.gzip);
  EXPECT_THAT(whole.client.http_headers, IsEmpty());
  EXPECT_EQ(whole.client.tls.ca.file, "/mine");
  EXPECT_TRUE(whole.client.tls.cert.empty());
}

TEST(TelemetryConfigTest, ABrokenVariableIsAWarning) {
  const std::string reader =
      "{periodic: {exporter: {otlp_http: {endpoint: 'https://a'}}}}";
  const auto config = Load("[" + reader + ", " + reader + "]",
                           {{"OTEL_METRIC_EXPORT_INTERVAL", "1m"},
                            {"OTEL_EXPORTER_OTLP_HEADERS", "hunter2"},
                            {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "key.pem"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->telemetry.readers.at(0).interval, std::chrono::minutes(1));
  EXPECT_TRUE(config->telemetry.readers.at(0).client.tls.key.empty());
  EXPECT_THAT(
      config->warnings,
      ElementsAre("dir/ta.yaml: OTEL_METRIC_EXPORT_INTERVAL is not used: it is "
                  "no number from 1 on",
                  "dir/ta.yaml: the headers of "
                  "OTEL_EXPORTER_OTLP_METRICS_HEADERS or "
                  "OTEL_EXPORTER_OTLP_HEADERS are not used: they are no list "
                  "of name=value",
                  "dir/ta.yaml: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and "
                  "_CLIENT_KEY are not used: both are needed"));
}

TEST(TelemetryConfigTest, ABrokenResourceIsAWarning) {
  const auto config = Load(Http("endpoint: 'http://a'"),
                           {{"OTEL_RESOURCE_ATTRIBUTES", "a=b,hunter2"}});
  ASSERT_TRUE(config);
  EXPECT_THAT(config->telemetry.resource, IsEmpty());
  EXPECT_THAT(config->warnings,
              ElementsAre("dir/ta.yaml: OTEL_RESOURCE_ATTRIBUTES is not used: "
                          "attribute 2 is no name=value"));
}

}  // namespace
}  // namespace ta
