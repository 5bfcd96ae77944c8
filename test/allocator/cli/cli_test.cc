#include "allocator/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParsedCommandLine Parse(std::initializer_list<const char*> arguments) {
  return ParseCommandLine(std::vector<const char*>(arguments));
}

CommandLine Ok(std::initializer_list<const char*> arguments) {
  const ParsedCommandLine parsed = Parse(arguments);
  EXPECT_TRUE(parsed.command.has_value()) << parsed.output.err;
  return parsed.command.value_or(CommandLine{});
}

TEST(CliTest, WithoutArgumentsItServesTheDefaultFile) {
  const CommandLine line = Ok({});
  EXPECT_EQ(line.command, CommandLine::Command::kServe);
  EXPECT_EQ(line.config_file, "/conf/targetallocator.yaml");
  EXPECT_FALSE(line.flags.listen_addr.has_value());
  EXPECT_FALSE(line.flags.allow_insecure_auth_secrets.has_value());
  EXPECT_FALSE(line.strict);
}

TEST(CliTest, ServeTakesItsFlagsBeforeAndAfterItsName) {
  for (const auto& line : {Ok({"serve", "--config-file", "a.yaml"}),
                           Ok({"--config-file", "a.yaml", "serve"}),
                           Ok({"--config-file=a.yaml"})}) {
    EXPECT_EQ(line.command, CommandLine::Command::kServe);
    EXPECT_EQ(line.config_file, "a.yaml");
  }
}

// The argument after `--name=` was once taken for its value.
TEST(CliTest, AFlagMayBeGivenTheEmptyValue) {
  const CommandLine line = Ok({"--kubeconfig-path=", "--config-file=a.yaml"});
  EXPECT_EQ(line.flags.kube_config_path, "");
  EXPECT_EQ(line.config_file, "a.yaml");
  EXPECT_THAT(Parse({"explain", "--job=", "--address=a"}).output.err,
              HasSubstr("--job is required"));
}

// cmd/otel-allocator/internal/config/flags.go, with pflag's two spellings.
TEST(CliTest, TakesEveryFlagOfTheGoAllocator) {
  const CommandLine line =
      Ok({"--config-file=c.yaml", "--listen-addr", ":9090",
          "--enable-prometheus-cr-watcher", "--kubeconfig-path=/k",
          "--enable-https-server=true", "--listen-addr-https=:9443",
          "--https-ca-file", "ca", "--https-tls-cert-file=cert",
          "--https-tls-key-file=key", "--allow-insecure-auth-secrets=false",
          "--zap-devel", "--zap-encoder=json", "--zap-log-level=error",
          "--zap-stacktrace-level=panic", "--zap-time-encoding=rfc3339"});
  EXPECT_EQ(line.flags.listen_addr, ":9090");
  EXPECT_EQ(line.flags.prometheus_cr_enabled, true);
  EXPECT_EQ(line.flags.kube_config_path, "/k");
  EXPECT_EQ(line.flags.https_enabled, true);
  EXPECT_EQ(line.flags.https_listen_addr, ":9443");
  EXPECT_EQ(line.flags.https_ca_file, "ca");
  EXPECT_EQ(line.flags.https_cert_file, "cert");
  EXPECT_EQ(line.flags.https_key_file, "key");
  EXPECT_EQ(line.flags.allow_insecure_auth_secrets, false);
  EXPECT_EQ(line.log_level, LogLevel::kError);
  EXPECT_EQ(line.log_format, LogFormat::kJson);
}

TEST(CliTest, ZapLevelsAreNamesOrNumbers) {
  const struct {
    const char* flag;
    LogLevel level;
  } cases[] = {
      {"--zap-log-level=info", LogLevel::kInfo},
      {"--zap-log-level=panic", LogLevel::kError},
      {"--zap-log-level=0", LogLevel::kInfo},
      {"--zap-log-level=1", LogLevel::kDebug},
      {"--zap-log-level=10", LogLevel::kDebug},
      {"--zap-devel", LogLevel::kDebug},
      {"--log-level=warn", LogLevel::kWarn},
  };
  for (const auto& c : cases) EXPECT_EQ(Ok({c.flag}).log_level, c.level);
  EXPECT_EQ(Ok({"--zap-log-level=debug", "--log-level=error"}).log_level,
            LogLevel::kError);
}

TEST(CliTest, CheckTakesFilesAndAFormat) {
  const CommandLine line =
      Ok({"check", "a.yaml", "--format=json", "b.yaml", "--strict"});
  EXPECT_EQ(line.command, CommandLine::Command::kCheck);
  EXPECT_THAT(line.files, ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(line.format, CommandLine::Format::kJson);
}

TEST(CliTest, ExplainTakesAServerOrAFile) {
  const CommandLine online =
      Ok({"explain", "--server=http://x:1", "--job=j", "--address=a:1"});
  EXPECT_EQ(online.command, CommandLine::Command::kExplain);
  EXPECT_EQ(online.server, "http://x:1");
  EXPECT_EQ(online.address, "a:1");
  const CommandLine offline =
      Ok({"explain", "--config-file=c.yaml", "--job", "j", "--labels", "{}"});
  EXPECT_EQ(offline.config_file, "c.yaml");
  EXPECT_EQ(offline.labels, "{}");
}

TEST(CliTest, WhatItDoesNotKnowIsAUsageErrorThatNamesIt) {
  const struct {
    std::initializer_list<const char*> arguments;
    const char* says;
  } cases[] = {
      {{"--confg-file=x"}, "--confg-file"},
      {{"frobnicate"}, "frobnicate"},
      {{"check"}, "FILE"},
      {{"check", "--format=xml", "f"}, "--format"},
      {{"explain", "--job=j"}, "--labels or --address"},
      {{"explain", "--address=a:1"}, "--job"},
      {{"--log-level=loud"}, "log level \"loud\""},
      {{"--log-format=xml"}, "log format \"xml\""},
      {{"--zap-log-level=loud"}, "loud"},
      {{"--zap-encoder=xml"}, "--zap-encoder"},
      {{"--enable-https-server=perhaps"}, "perhaps"},
      {{"--config-file"}, "--config-file"},
  };
  for (const auto& c : cases) {
    const ParsedCommandLine parsed = Parse(c.arguments);
    EXPECT_FALSE(parsed.command.has_value()) << c.says;
    EXPECT_EQ(parsed.output.exit_code, ExitCode::kUsage) << c.says;
    EXPECT_THAT(parsed.output.err, HasSubstr(c.says));
    EXPECT_EQ(parsed.output.out, "");
  }
}

TEST(CliTest, HelpNamesCommandsExitCodesAndExamples) {
  const ParsedCommandLine all = Parse({"--help"});
  EXPECT_FALSE(all.command.has_value());
  EXPECT_EQ(all.output.exit_code, ExitCode::kDone);
  for (const char* part :
       {"serve", "check", "explain", "version", "--config-file",
        "/conf/targetallocator.yaml", "--listen-addr", "Exit codes",
        "OTELCOL_NAMESPACE", "SIGHUP"}) {
    EXPECT_THAT(all.output.out, HasSubstr(part));
  }
  EXPECT_THAT(Parse({"check", "--help"}).output.out, HasSubstr("--format"));
  EXPECT_THAT(Parse({"explain", "-h"}).output.out, HasSubstr("--labels"));
}

TEST(CliTest, TheVersionIsACommandAndAFlag) {
  for (const auto& line : {Ok({"version"}), Ok({"--version"})}) {
    EXPECT_EQ(line.command, CommandLine::Command::kVersion);
  }
}

// It ended as a wrong configuration does, and named a file.
TEST(CliTest, AnAddressThatIsNoneIsAWrongCommandLine) {
  for (const char* flag : {"--listen-addr", "--listen-addr-https"}) {
    for (const char* address : {"nonsense", "host:port", ":70000", "::1"}) {
      const ParsedCommandLine parsed = Parse({flag, address});
      EXPECT_FALSE(parsed.command.has_value()) << address;
      EXPECT_EQ(parsed.output.exit_code, ExitCode::kUsage);
      EXPECT_THAT(parsed.output.err, HasSubstr(flag));
      EXPECT_THAT(parsed.output.err, HasSubstr(address));
    }
    EXPECT_TRUE(Parse({flag, "[::1]:80"}).command.has_value());
  }
}

}  // namespace
}  // namespace ta
