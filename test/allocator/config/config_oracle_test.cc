// The live differential test: what Prometheus makes of a configuration, and
// what we make of it. Needs the oracle (test/oracle/build.sh); without it the
// tests are skipped.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "test/allocator/config/config_case.h"
#include "test/allocator/config/config_maker.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

namespace dom = simdjson::dom;
namespace fs = std::filesystem;

// Where our verdict differs on purpose: what our message says, and what
// Prometheus does. The reasons are in docs/configuration.md, "Differences from
// Prometheus".
constexpr std::array<std::string_view, 5> kRejectedHereOnly = {
    "a second document begins here",
    "the file is empty",
    ", got \"null\"",  // a role in quotes
    ", got \"~\"",
    "httpclient: is only for Prometheus's own tests",
};

bool IsKnownDifference(const Mistakes& mistakes) {
  return std::all_of(
      mistakes.begin(), mistakes.end(), [](const Mistake& mistake) {
        return std::any_of(
            kRejectedHereOnly.begin(), kRejectedHereOnly.end(), [&](auto text) {
              return mistake.ToString().find(text) != std::string::npos;
            });
      });
}

struct Tally {
  int accepted = 0;
  int rejected = 0;
  int known = 0;  // differences
};

// Has it a `?` within a word in brackets? libyaml takes it, its port in Go
// doesn't.
bool HasQuestionInFlow(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    const bool within =
        i > 0 && std::string_view(" \t\n,[{").find(text[i - 1]) == text.npos;
    if (c == '?' && depth > 0 && within) return true;
  }
  return false;
}

// "" if we say of `input` what the oracle's `line` says.
std::string Difference(const test::ConfigCase& input, std::string_view line,
                       Tally& tally) {
  dom::parser parser;
  dom::element answer;
  if (parser.parse(simdjson::padded_string(line)).get(answer) !=
      simdjson::SUCCESS)
    return "the oracle's answer is no JSON: " + std::string(line);
  const test::LoadedCase ours = test::LoadCase(input);
  std::string_view error;
  const bool accepted = answer["error"].get(error) != simdjson::SUCCESS;
  ++(accepted ? tally.accepted : tally.rejected);
  if (!accepted) {
    if (!ours.mistakes.empty()) return "";
    if (error.find("did not find expected ',' or") == error.npos ||
        !HasQuestionInFlow(input.text))
      return "accepted; Prometheus: " + std::string(error);
    ++tally.known;
    return "";
  }
  if (!ours.mistakes.empty()) {
    if (IsKnownDifference(ours.mistakes)) {
      ++tally.known;
      return "";
    }
    std::string out = "rejected:";
    for (const auto& mistake : ours.mistakes)
      out += "\n  " + mistake.ToString();
    return out;
  }
  // What the Go allocator chokes on (a job called `<<`) we serve.
  if (answer["unserved"].error() == simdjson::SUCCESS) {
    ++tally.known;
    return "";
  }
  for (const auto& [got, key] :
       {std::pair(&ours.json, "json"), std::pair(&ours.shown, "shown"),
        std::pair(&ours.effective, "effective")}) {
    auto found = test::JsonDifference(*got, answer[key].get_string().value());
    if (!found.empty()) return std::string(key) + ": " + found;
  }
  return "";
}

class ConfigOracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::OraclePath().empty())
      GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  }

  // Asks about all cases at once; each difference is a failure.
  Tally Compare(const std::vector<std::string>& names,
                const std::vector<test::ConfigCase>& cases) {
    Tally tally;
    std::string input;
    for (const auto& each : cases) input += test::WriteConfigRequest(each);
    const auto answers = test::AskOracle("config", input);
    EXPECT_EQ(answers.size(), cases.size());
    int failures = 0;
    for (std::size_t i = 0; i < answers.size() && failures < 10; ++i) {
      const auto difference = Difference(cases[i], answers[i], tally);
      if (difference.empty()) continue;
      ++failures;
      ADD_FAILURE() << names[i] << ": " << difference << "\n" << cases[i].text;
    }
    return tally;
  }
};

TEST_F(ConfigOracleTest, AcceptedCasesMeanWhatPrometheusSays) {
  std::vector<std::string> names;
  std::vector<test::ConfigCase> cases;
  for (const auto& entry : fs::directory_iterator(TA_TESTDATA)) {
    if (!fs::exists(entry.path() / "input.yaml")) continue;
    names.push_back(entry.path().filename().string());
    cases.push_back(test::ReadConfigCase(entry.path().string()));
  }
  const Tally tally = Compare(names, cases);
  EXPECT_EQ(tally.rejected, 0);
}

TEST_F(ConfigOracleTest, BadCasesAreWhatPrometheusRejects) {
  std::vector<std::string> names;
  std::vector<test::ConfigCase> cases;
  for (const auto& entry : fs::directory_iterator(TA_TESTDATA "/bad")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".bad.yaml")) continue;
    std::string text = test::ReadFile(entry.path().string());
    // Files in the allocator's own form are nothing that Prometheus reads.
    if (text.find("\nconfig:") != std::string::npos ||
        text.starts_with("config:"))
      continue;
    names.push_back(name);
    cases.push_back({std::move(text), {}});
  }
  const Tally tally = Compare(names, cases);
  EXPECT_EQ(tally.accepted, tally.known);
}

TEST_F(ConfigOracleTest, RandomConfigurationsMeanWhatPrometheusSays) {
  constexpr int kFiles = 1500;
  const unsigned seed = test::Seed();
  test::ConfigMaker make(seed);
  std::vector<std::string> names;
  std::vector<test::ConfigCase> cases;
  for (int i = 0; i < kFiles; ++i) {
    names.push_back("seed " + std::to_string(seed) + ", file " +
                    std::to_string(i));
    cases.push_back({make.File(), {}});
  }
  const Tally tally = Compare(names, cases);
  std::cout << "seed " << seed << ": " << tally.accepted << " accepted, "
            << tally.rejected << " rejected, " << tally.known
            << " known differences\n";
  EXPECT_GT(tally.accepted, kFiles / 3);
  EXPECT_GT(tally.rejected, kFiles / 10);
  EXPECT_LT(tally.known, kFiles / 20);
}

}  // namespace
}  // namespace ta
