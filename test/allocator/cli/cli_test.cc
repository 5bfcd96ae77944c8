#include "allocator/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
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
  EXPECT_EQ(line.profile, "");
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

// cmd/otel-allocator/internal/config/flags.go: each flag in pflag's spellings,
// as the configuration is given it.
TEST(CliTest, TakesEveryFlagOfTheGoAllocator) {
  const struct {
    const char* name;
    std::optional<std::string> ConfigFlags::* value;
  } texts[] = {
      {"--listen-addr", &ConfigFlags::listen_addr},
      {"--kubeconfig-path", &ConfigFlags::kube_config_path},
      {"--listen-addr-https", &ConfigFlags::https_listen_addr},
      {"--https-ca-file", &ConfigFlags::https_ca_file},
      {"--https-tls-cert-file", &ConfigFlags::https_cert_file},
      {"--https-tls-key-file", &ConfigFlags::https_key_file},
  };
  for (const auto& flag : texts) {
    SCOPED_TRACE(flag.name);
    const std::string name = flag.name;
    EXPECT_EQ(Ok({}).flags.*flag.value, std::nullopt);
    EXPECT_EQ(Ok({name.c_str(), ":1"}).flags.*flag.value, ":1");
    EXPECT_EQ(Ok({(name + "=:1").c_str()}).flags.*flag.value, ":1");
    // The last one counts.
    EXPECT_EQ(
        Ok({(name + "=:2").c_str(), name.c_str(), ":1"}).flags.*flag.value,
        ":1");
  }
  const struct {
    const char* name;
    std::optional<bool> ConfigFlags::* value;
  } switches[] = {
      {"--enable-prometheus-cr-watcher", &ConfigFlags::prometheus_cr_enabled},
      {"--enable-https-server", &ConfigFlags::https_enabled},
      {"--allow-insecure-auth-secrets",
       &ConfigFlags::allow_insecure_auth_secrets},
  };
  for (const auto& flag : switches) {
    SCOPED_TRACE(flag.name);
    const std::string name = flag.name;
    EXPECT_EQ(Ok({}).flags.*flag.value, std::nullopt);
    EXPECT_EQ(Ok({name.c_str()}).flags.*flag.value, true);
    // What strconv.ParseBool reads.
    for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
      EXPECT_EQ(Ok({(name + "=" + yes).c_str()}).flags.*flag.value, true);
    }
    for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
      EXPECT_EQ(Ok({(name + "=" + no).c_str()}).flags.*flag.value, false);
      EXPECT_EQ(Ok({name.c_str(), (name + "=" + no).c_str()}).flags.*flag.value,
                false);
    }
  }
  EXPECT_EQ(Ok({"--config-file=a.yaml", "--config-file", "b.yaml"}).config_file,
            "b.yaml");
}

// controller-runtime's pkg/log/zap: what the flags and their defaults come to.
TEST(CliTest, ZapFlagsSayLevelAndFormat) {
  constexpr auto kLogfmt = LogFormat::kLogfmt;
  constexpr auto kJson = LogFormat::kJson;
  const struct {
    std::initializer_list<const char*> flags;
    LogLevel level;
    LogFormat format;
  } cases[] = {
      {{}, LogLevel::kInfo, kLogfmt},
      {{"--zap-log-level=debug"}, LogLevel::kDebug, kLogfmt},
      {{"--zap-log-level", "info"}, LogLevel::kInfo, kLogfmt},
      {{"--zap-log-level=ERROR"}, LogLevel::kError, kLogfmt},
      {{"--zap-log-level=Panic"}, LogLevel::kError, kLogfmt},
      {{"--zap-log-level=0"}, LogLevel::kInfo, kLogfmt},
      {{"--zap-log-level=1"}, LogLevel::kDebug, kLogfmt},
      {{"--zap-log-level", "+10"}, LogLevel::kDebug, kLogfmt},
      {{"--zap-devel"}, LogLevel::kDebug, kLogfmt},
      {{"--zap-devel=false"}, LogLevel::kInfo, kLogfmt},
      {{"--zap-devel", "--zap-log-level=error"}, LogLevel::kError, kLogfmt},
      {{"--zap-devel", "--zap-encoder=json"}, LogLevel::kDebug, kJson},
      {{"--zap-encoder=JSON"}, LogLevel::kInfo, kJson},
      {{"--zap-encoder", "console"}, LogLevel::kInfo, kLogfmt},
      {{"--zap-stacktrace-level=panic", "--zap-time-encoding", "iso8601"},
       LogLevel::kInfo,
       kLogfmt},
      // Ours win.
      {{"--log-level=warn", "--zap-log-level=debug"}, LogLevel::kWarn, kLogfmt},
      {{"--zap-encoder=json", "--log-format=logfmt"}, LogLevel::kInfo, kLogfmt},
  };
  for (const auto& c : cases) {
    const CommandLine line = Ok(c.flags);
    SCOPED_TRACE(testing::PrintToString(
        std::vector<std::string>(c.flags.begin(), c.flags.end())));
    EXPECT_EQ(line.log_level, c.level);
    EXPECT_EQ(line.log_format, c.format);
  }
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
      {{"--zap-log-level=-1"}, "-1"},
      {{"--zap-encoder=xml"}, "--zap-encoder"},
      {{"--enable-https-server=perhaps"}, "perhaps"},
      {{"--enable-https-server="}, "--enable-https-server needs"},
      // pflag would switch it on, and forget the rest.
      {{"--enable-https-server", "false"}, "false"},
      // It has no flags of one letter.
      {{"-zap-devel"}, "-zap-devel"},
      {{"-v=3"}, "-v=3"},
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
