// The live differential test: random rules and targets, by us and by
// Prometheus. Needs the oracle (test/oracle/build.sh); without it the tests are
// skipped.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/go_text.h"
#include "test/allocator/relabel_case.h"
#include "test/allocator/rule_maker.h"

namespace ta {
namespace {

constexpr int kRuleSets = 2000;
constexpr int kOddRules = 4000;

// How often to ask: only a labelmap has several outcomes.
int Runs(const test::RelabelRequest& request) {
  return std::ranges::any_of(request.rules,
                             [](const RelabelConfig& rule) {
                               return rule.action ==
                                      RelabelConfig::Action::kLabelMap;
                             })
             ? 40
             : 1;
}

class RelabelOracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::OraclePath().empty()) {
      GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
    }
  }
};

TEST_F(RelabelOracleTest, RandomRulesDoWhatPrometheusDoes) {
  const unsigned seed = test::Seed();
  test::RuleMaker make(seed);
  std::vector<test::RelabelRequest> requests;
  std::string input;
  for (int i = 0; i < kRuleSets; ++i) {
    requests.push_back(make.Request());
    input += test::WriteRequest(requests.back(), Runs(requests.back()));
  }
  const auto answers = test::AskOracle("relabel", input);
  ASSERT_EQ(answers.size(), requests.size());
  std::size_t kept = 0;
  std::size_t rejected = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto answer = test::ParseAnswer(answers[i]);
    std::string difference = test::Compare(requests[i], answer);
    if (!difference.empty() && Runs(requests[i]) > 1) {
      // Perhaps of many possible outcomes 40 tries did not show ours.
      const auto again =
          test::AskOracle("relabel", test::WriteRequest(requests[i], 20'000));
      ASSERT_EQ(again.size(), 1u);
      answer = test::ParseAnswer(again[0]);
      difference = test::Compare(requests[i], answer);
    }
    EXPECT_EQ(difference, "") << "seed " << seed << ", rule set " << i << ": "
                              << test::WriteRequest(requests[i], 40);
    rejected += !answer.error.empty();
    for (const auto& outcomes : answer.results) {
      kept += !outcomes[0].labels.empty();
    }
  }
  EXPECT_GT(kept, kRuleSets) << "else nearly all was dropped";
  EXPECT_LT(rejected, kRuleSets / 3) << "else nearly no rule was valid";
}

TEST_F(RelabelOracleTest, OddRulesAreRefusedAsPrometheusRefusesThem) {
  const unsigned seed = test::Seed();
  test::RuleMaker make(seed);
  std::vector<test::RelabelRequest> requests;
  std::string input;
  for (int i = 0; i < kOddRules; ++i) {
    requests.push_back(make.OddRequest());
    input += test::WriteRequest(requests.back(), 1);
  }
  const auto answers = test::AskOracle("relabel", input);
  ASSERT_EQ(answers.size(), requests.size());
  int rejected = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto answer = test::ParseAnswer(answers[i]);
    EXPECT_EQ(test::Compare(requests[i], answer), "")
        << "seed " << seed << ", rule " << i << ": "
        << test::WriteRequest(requests[i], 1);
    rejected += !answer.error.empty();
  }
  EXPECT_GT(rejected, kOddRules / 4) << "else too few rules were odd";
  EXPECT_LT(rejected, kOddRules * 19 / 20) << "else nearly no rule was valid";
}

TEST_F(RelabelOracleTest, CaseMapsEveryRuneAsGoDoes) {
  const auto answer = test::AskOracle("casemap", "");
  ASSERT_EQ(answer.size(), 1u);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(simdjson::padded_string(answer[0])).get(root),
            simdjson::SUCCESS);
  const auto map_of = [&root](const char* key) {
    test::LabelMap map;
    const simdjson::dom::object members = root[key].get_object().value();
    for (const auto& [from, to] : members) {
      map[std::string(from)] = std::string_view(to.get_string().value());
    }
    return map;
  };
  const test::LabelMap lower = map_of("lower");
  const test::LabelMap upper = map_of("upper");
  const auto mapped = [](const test::LabelMap& map, const std::string& rune) {
    const auto found = map.find(rune);
    return found == map.end() ? rune : found->second;
  };
  for (char32_t rune = 0x80; rune < 0x110000; ++rune) {
    if (rune >= 0xd800 && rune < 0xe000) continue;
    std::string text;
    if (rune < 0x800) {
      text += static_cast<char>(0xc0 | rune >> 6);
    } else if (rune < 0x10000) {
      text += static_cast<char>(0xe0 | rune >> 12);
      text += static_cast<char>(0x80 | (rune >> 6 & 0x3f));
    } else {
      text += static_cast<char>(0xf0 | rune >> 18);
      text += static_cast<char>(0x80 | (rune >> 12 & 0x3f));
      text += static_cast<char>(0x80 | (rune >> 6 & 0x3f));
    }
    text += static_cast<char>(0x80 | (rune & 0x3f));
    std::string got;
    AppendGoLower(text, got);
    EXPECT_EQ(got, mapped(lower, text)) << std::hex << std::size_t{rune};
    got.clear();
    AppendGoUpper(text, got);
    EXPECT_EQ(got, mapped(upper, text)) << std::hex << std::size_t{rune};
  }
}

}  // namespace
}  // namespace ta
