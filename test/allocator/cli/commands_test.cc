#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "allocator/cli_check.h"
#include "allocator/cli_explain.h"
#include "allocator/config_file.h"

namespace ta {
namespace {

using testing::HasSubstr;
using testing::Not;

class CommandsTest : public testing::Test {
 protected:
  CommandsTest()
      : folder_(
            std::filesystem::path(testing::TempDir()) /
            (std::string("commands_test_") +
             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~CommandsTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }

  std::filesystem::path folder_;
};

constexpr const char* kGood = R"(
collectors: {static: [a]}
config:
  scrape_configs:
    - job_name: web
      static_configs: [{targets: ["x:1"]}]
      relabel_configs:
        - {source_labels: [env], regex: staging, action: drop}
        - {target_label: team, replacement: shop}
)";

TEST_F(CommandsTest, CheckIsStrictAndTellsEachFile) {
  CommandLine line;
  line.files = {Write("good.yaml", kGood),
                Write("bad.yaml", "collectors: {static: [a]}\nconfg: {}\n")};
  const CommandOutput output = Check(line, Terminal());
  EXPECT_EQ(output.exit_code, ExitCode::kRefused);
  EXPECT_THAT(output.out, HasSubstr("good.yaml: ok, 1 job\n"));
  EXPECT_THAT(output.err, HasSubstr("bad.yaml:2:1: "));
  EXPECT_THAT(output.err, HasSubstr("did you mean \"config\"?"));
}

TEST_F(CommandsTest, CheckShowsTheLineOnATerminal) {
  CommandLine line;
  line.files = {Write("bad.yaml",
                      "collectors: {static: [a]}\n"
                      "confg: {}\n"
                      "config:\n"
                      "  scrape_config_files: [\"more.yaml\"]\n"
                      "  scrape_configs:\n"
                      "  - job_name: a\n"
                      "    scrape_interval: soon\n")};
  Write("more.yaml", "scrape_configs:\n- job_name: b\n  honor_labels: maybe\n");
  const CommandOutput output = Check(line, {.is_one = true});
  EXPECT_THAT(output.err, HasSubstr("   2 | confg: {}\n     | ^~~~~\n"));
  EXPECT_THAT(output.err, HasSubstr("   7 |     scrape_interval: soon\n"
                                    "     |                      ^~~~\n"));
  EXPECT_THAT(output.err, HasSubstr("   3 |   honor_labels: maybe\n"
                                    "     |                 ^~~~~\n"));
  EXPECT_THAT(output.err, HasSubstr("bad.yaml: 3 mistakes in 2 files\n"));
  EXPECT_EQ(output.err.find('\x1b'), std::string::npos);
  EXPECT_THAT(Check(line, {.is_one = true, .colour = true}).err,
              HasSubstr("\x1b[1;31m"));
  EXPECT_EQ(Check(line, Terminal()).err.find('^'), std::string::npos);
}

// Each of its mistakes once cost the whole line: minutes.
TEST_F(CommandsTest, CheckShowsNoLineThatNobodyWrote) {
  std::string text = "scrape_configs: [";
  for (int i = 0; i < 20'000; ++i) text += "{job_name: ä, x: 1},";
  CommandLine line;
  line.files = {Write("long.yaml", text + "]\n")};
  const CommandOutput output = Check(line, {.is_one = true});
  EXPECT_THAT(output.err, HasSubstr("long.yaml:1:"));
  EXPECT_THAT(output.err, Not(HasSubstr(" | ")));
}

TEST_F(CommandsTest, CheckNeverShowsSecrets) {
  CommandLine line;
  line.files = {Write("bad.yaml",
                      "collectors: {static: [a]}\n"
                      "config:\n"
                      "  scrape_configs:\n"
                      "  - job_name: a\n"
                      "    basic_auth: {usernam: u, password: hunter2, x: 1}\n"
                      "    oauth2: {hunter2: 1, Hunter2: {a: b}}\n"
                      "    bearer_tokn: hunter2 # hunter2\n"
                      "    authorization: hunter2\n"
                      "    proxy_url: http://u:hunter2@:x/\n"
                      "    http_headers: {A: {secrets: {hunter2: hunter2}}}\n"
                      "    basic_auth: \"hunter2\n")};
  const CommandOutput output = Check(line, {.is_one = true});
  EXPECT_EQ(output.exit_code, ExitCode::kRefused);
  EXPECT_THAT(output.err, HasSubstr(" | "));
  EXPECT_EQ(output.err.find("hunter2"), std::string::npos) << output.err;
}

// As `check <(generate)` gives it.
TEST_F(CommandsTest, CheckReadsPipes) {
  const std::string path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&path] { std::ofstream(path) << kGood; });
  CommandLine line;
  line.files = {path};
  const CommandOutput output = Check(line, Terminal());
  writer.join();
  EXPECT_EQ(output.exit_code, ExitCode::kDone) << output.err;
  EXPECT_THAT(output.out, HasSubstr("pipe: ok, 1 job\n"));
  // A running allocator reads it again and again: only files for that.
  EXPECT_THAT(LoadConfigFile(path, {}).config.error()[0].message,
              HasSubstr("is not a regular file"));
}

TEST_F(CommandsTest, CheckSaysWhyItCannotRead) {
  CommandLine line;
  line.files = {"/dev/null", folder_, folder_ / "nowhere"};
  const CommandOutput output = Check(line, Terminal());
  EXPECT_THAT(output.err, HasSubstr("/dev/null: the file is empty\n"));
  EXPECT_THAT(output.err, HasSubstr(": is a directory\n"));
  EXPECT_THAT(output.err, HasSubstr(": No such file or directory\n"));
}

TEST_F(CommandsTest, NamesOfFilesCannotReachTheTerminal) {
  CommandLine line;
  line.files = {Write("a\x1b[31m\nb\u202e", "x"), Write("\u009b31m", kGood)};
  for (const auto format :
       {CommandLine::Format::kText, CommandLine::Format::kYaml}) {
    line.format = format;
    const CommandOutput output = Check(line, {.is_one = true});
    EXPECT_THAT(output.err, HasSubstr("a\\x1b[31m\\nb\\u202e: 1 mistake\n"));
    for (const char* raw : {"\x1b", "\u202e", "\u009b"}) {
      EXPECT_THAT(output.err + output.out, Not(HasSubstr(raw)));
    }
  }
}

TEST_F(CommandsTest, CheckInYamlShowsNoSecretThatIsServed) {
  CommandLine line;
  line.format = CommandLine::Format::kYaml;
  line.files = {Write("ta.yaml", R"(
collectors: {static: [a]}
allow_insecure_auth_secrets: true
config:
  scrape_configs:
    - job_name: web
      basic_auth: {username: u, password: hidden-word}
)")};
  const CommandOutput output = Check(line, Terminal());
  EXPECT_EQ(output.exit_code, ExitCode::kDone) << output.err;
  EXPECT_THAT(output.out, HasSubstr("password: <secret>"));
  EXPECT_THAT(output.out + output.err, Not(HasSubstr("hidden-word")));
}

TEST_F(CommandsTest, CheckInJsonIsOneList) {
  CommandLine line;
  line.format = CommandLine::Format::kJson;
  line.files = {Write("good.yaml", kGood), folder_ / "nowhere.yaml"};
  const CommandOutput output = Check(line, Terminal());
  EXPECT_EQ(output.exit_code, ExitCode::kRefused);
  EXPECT_EQ(output.err, "");
  EXPECT_TRUE(output.out.starts_with("[{\"file\":")) << output.out;
  EXPECT_THAT(output.out, HasSubstr("\"valid\":true,\"jobs\":1"));
  EXPECT_THAT(output.out, HasSubstr("\"valid\":false,\"jobs\":0"));
  EXPECT_TRUE(output.out.ends_with("]\n"));
}

TEST_F(CommandsTest, ExplainTakesLabelsFromJsonOrAnAddress) {
  CommandLine line;
  line.labels = R"({"__address__":"x:1","env":"a\nb"})";
  EXPECT_EQ(ExplainedLabels(line).value(),
            Labels::Of({{"__address__", "x:1"}, {"env", "a\nb"}}));
  line.labels = "";
  line.address = "y:1";
  EXPECT_EQ(ExplainedLabels(line).value(),
            Labels::Of({{"__address__", "y:1"}}));
}

TEST_F(CommandsTest, ExplainSaysWhatIsWrongWithTheLabels) {
  CommandLine line;
  for (const char* text : {"{", "[]", "7", "", R"({"a":1})", R"({"a":null})"}) {
    line.labels = text;
    const auto labels = ExplainedLabels(line);
    ASSERT_FALSE(labels.has_value()) << text;
    EXPECT_THAT(labels.error().message,
                HasSubstr("--labels: expected a JSON object of strings"))
        << text;
  }
}

TEST_F(CommandsTest, ExplainSaysWhereTheLabelsAreWrong) {
  const struct {
    const char* labels;
    const char* says;
  } kCases[] = {
      {"", "; there is nothing"},
      {R"({"a":"b)", "; a string is not closed"},
      {"{\"a\":\"\xff\"}", "; it is not UTF-8"},
      {R"([1])", "; this is no object, at byte 1: \"[1]\""},
      {R"({"a":1})", "; the value of \"a\" is no string, at byte 6: \"1}\""},
      {R"({"a":"b","c":"d","a":"b"})", "; \"a\" is there twice"},
      {R"({"a":"b"}{})", "; something follows the object"},
      {R"({a: b})", ", at byte 2: \"a: b}\""},
      {R"({"a":"b",})", ", at byte 10: \"}\""},
      {R"({"a":"\q"})", ": a backslash in a string means nothing"},
  };
  for (const auto& each : kCases) {
    CommandLine line;
    line.labels = each.labels;
    const auto labels = ExplainedLabels(line);
    ASSERT_FALSE(labels.has_value()) << each.labels;
    EXPECT_THAT(labels.error().message, HasSubstr(each.says)) << each.labels;
    EXPECT_EQ(labels.error().message.find("simdjson"), std::string::npos);
  }
}

TEST_F(CommandsTest, ExplainOfflineAppliesTheRulesOfTheJob) {
  const std::string path = Write("ta.yaml", kGood);
  const auto config = LoadConfigFile(path, {}).config;
  ASSERT_TRUE(config.has_value());
  CommandLine line;
  line.job = "web";
  const CommandOutput kept =
      ExplainOffline(line, Labels::Of({{"__address__", "x:1"}}), *config);
  EXPECT_EQ(kept.exit_code, ExitCode::kDone);
  EXPECT_THAT(kept.out, HasSubstr("team = \"shop\""));
  const CommandOutput dropped = ExplainOffline(
      line, Labels::Of({{"__address__", "x:1"}, {"env", "staging"}}), *config);
  EXPECT_EQ(dropped.exit_code, ExitCode::kDone);
  EXPECT_THAT(dropped.out, HasSubstr("dropped"));
  line.job = "nobody";
  EXPECT_EQ(ExplainOffline(line, Labels(), *config).exit_code,
            ExitCode::kRefused);
  line.job = "wbe";
  EXPECT_THAT(ExplainOffline(line, Labels(), *config).err,
              HasSubstr("there is no job \"wbe\" (did you mean \"web\"?)"));
}

TEST_F(CommandsTest, ExplainOnlineFailsWhereNobodyListens) {
  CommandLine line;
  line.job = "web";
  line.address = "x:1";
  line.server = "http://127.0.0.1:1/ignored";
  const CommandOutput output = ExplainOnline(line, Labels());
  EXPECT_EQ(output.exit_code, ExitCode::kFailed);
  EXPECT_THAT(output.err, HasSubstr("http://127.0.0.1:1"));
  line.server = "https://127.0.0.1:1";
  EXPECT_EQ(ExplainOnline(line, Labels()).exit_code, ExitCode::kUsage);
}

// What the watcher compares with: the file, and what its patterns matched.
TEST_F(CommandsTest, LoadingNotesWhatWasRead) {
  Write("more-1.yaml", "scrape_configs: [{job_name: more}]\n");
  const std::string text =
      "collectors: {static: [a]}\n"
      "config: {scrape_config_files: [\"more-*.yaml\"]}\n";
  const std::string path = Write("ta.yaml", text);
  const LoadedConfig loaded = LoadConfigFile(path, {});
  ASSERT_TRUE(loaded.config.has_value());
  EXPECT_EQ(loaded.config->jobs.size(), 1u);
  ASSERT_TRUE(loaded.files.has_value());
  EXPECT_EQ(loaded.files->text, text);
  EXPECT_THAT(loaded.files->patterns,
              testing::ElementsAre((folder_ / "more-*.yaml").string()));
  EXPECT_EQ(loaded.files->matched->count((folder_ / "more-1.yaml").string()),
            1u);
  EXPECT_FALSE(LoadConfigFile(folder_ / "nowhere.yaml", {}).files.has_value());
}

}  // namespace
}  // namespace ta
