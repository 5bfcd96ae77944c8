// Every case of test/testdata/config: for what Prometheus 3.14 accepts, the
// JSON that the Go allocator serves for it, byte for byte (recorded from
// Prometheus's own Go packages); for what is wrong, our lines.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "allocator/config/load.h"
#include "allocator/relabel.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> Names(const fs::path& folder, const char* suffix) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!name.ends_with(suffix) || name == "bad") continue;
    // With scrape_config_files: effective_test.cc has them.
    if (fs::exists(entry.path() / "files")) continue;
    out.push_back(name.substr(0, name.size() - std::string(suffix).size()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string TestName(const ::testing::TestParamInfo<std::string>& info) {
  std::string out = info.param;
  for (char& c : out) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return out;
}

class AcceptedConfigTest : public ::testing::TestWithParam<std::string> {};

TEST_P(AcceptedConfigTest, IsServedAsTheGoAllocatorServesIt) {
  const fs::path folder = fs::path(TA_TESTDATA) / GetParam();
  const auto config = LoadConfig("input.yaml", ReadText(folder / "input.yaml"),
                                 {.strict = true});
  if (!config) {
    for (const auto& mistake : config.error())
      ADD_FAILURE() << mistake.ToString();
    return;
  }
  EXPECT_EQ(config->scrape_configs_json + "\n",
            ReadText(folder / "scrape_configs.json"));
  // What is accepted here, the relabeler accepts.
  for (const auto& job : config->jobs) {
    for (const auto& rule : job->relabel_configs) {
      const auto valid = ValidateRelabelConfig(rule);
      EXPECT_TRUE(valid) << job->job_name << ": " << valid.error().message;
    }
  }
}

// Under `config:` the same text must mean the same.
TEST_P(AcceptedConfigTest, MeansTheSameInTheAllocatorsFile) {
  const fs::path folder = fs::path(TA_TESTDATA) / GetParam();
  const std::string text = ReadText(folder / "input.yaml");
  std::string nested = "collectors: {polling: {}}\nconfig:\n";
  std::istringstream lines(text.starts_with("\xEF\xBB\xBF") ? text.substr(3)
                                                            : text);
  for (std::string line; std::getline(lines, line);) {
    if (line != "---" && line != "...") nested += "  " + line + "\n";
  }
  const auto config = LoadConfig("input.yaml", nested, {.strict = true});
  ASSERT_TRUE(config.has_value()) << config.error().at(0).ToString();
  EXPECT_EQ(config->scrape_configs_json + "\n",
            ReadText(folder / "scrape_configs.json"));
}

INSTANTIATE_TEST_SUITE_P(Cases, AcceptedConfigTest,
                         ::testing::ValuesIn(Names(TA_TESTDATA, "")), TestName);

class RejectedConfigTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RejectedConfigTest, SaysWhatIsWrong) {
  const fs::path folder = fs::path(TA_TESTDATA) / "bad";
  const std::string file = GetParam() + ".bad.yaml";
  const std::string text = ReadText(folder / file);
  const auto config = LoadConfig(file, text, {.strict = true});
  ASSERT_FALSE(config.has_value());
  std::string lines;
  for (const auto& mistake : config.error()) lines += mistake.ToString() + "\n";
  EXPECT_EQ(lines, ReadText(folder / (GetParam() + ".bad.txt")));
  EXPECT_THAT(lines, ::testing::Not(::testing::HasSubstr("SECRET")));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RejectedConfigTest,
    ::testing::ValuesIn(Names(fs::path(TA_TESTDATA) / "bad", ".bad.yaml")),
    TestName);

}  // namespace
}  // namespace ta
