// The live differential test: random rules and targets, by us and by
// Prometheus. Needs the oracle (test/oracle/build.sh); without it the tests are
// skipped.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/go_text.h"
#include "allocator/regex.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

using Action = RelabelConfig::Action;

constexpr int kRuleSets = 500;

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  test::RelabelRequest Request() {
    test::RelabelRequest request;
    const bool legacy = Below(8) == 0;
    for (unsigned i = 1 + Below(6); i > 0; --i) {
      request.rules.push_back(Rule());
      request.rules.back().legacy_names = legacy;
    }
    for (unsigned i = Below(4); i > 0; --i) AddLabel(request.group);
    for (int i = 0; i < 6; ++i) {
      test::LabelMap target;
      if (Below(20) != 0) target["__address__"] = Pick(kAddresses);
      for (unsigned j = Below(8); j > 0; --j) AddLabel(target);
      request.targets.push_back(std::move(target));
    }
    return request;
  }

 private:
  using Words = std::span<const std::string_view>;
  static constexpr std::string_view kNames[] = {
      "a",
      "b",
      "ab",
      "job",
      "__address__",
      "__meta_a",
      "__meta_b",
      "__meta_kubernetes_pod_label_app",
      "__scheme__",
      "__scrape_interval__",
      "__scrape_timeout__",
      "__metrics_path__",
      "__param_x",
      "instance",
      "é.x",
      "__tmp_1",
      "__scrape_native_histograms__"};
  static constexpr std::string_view kValues[] = {
      "",      "a",   "b",          "ab",  "a:80",          "80",   "Pod",
      "true",  "10s", "x;y",        "ÄÖü", "日本",          "a\nb", "5m",
      "a-b-c", "$1",  "\"quoted\"", "ǅ",   "10.0.0.1:9100", "A/b"};
  static constexpr std::string_view kAddresses[] = {
      "10.0.0.1:80", "host", "host:1", "[::1]:80", "http://x/y", "ä:1"};
  static constexpr std::string_view kRegexes[] = {"(.*)",
                                                  "(.+)",
                                                  "",
                                                  "a",
                                                  "a|b|true",
                                                  "(a|b).*",
                                                  "Pod;(.*)",
                                                  "([^:]+)(?::\\d+)?;(\\d+)",
                                                  "(.+?)(?::\\d+)?",
                                                  "(.)(.*)",
                                                  "(?i)a(.*)",
                                                  "(?P<n>.+)-(?P<m>.+)",
                                                  "(?<n>\\w*).*",
                                                  ".*b",
                                                  "[a-z]+",
                                                  "\\d+(ms|s|m)",
                                                  "(a)?(b)?.*",
                                                  "a)|(b",
                                                  "(a*)(a|b)*",
                                                  "[^;]*;(.*)",
                                                  ".{2}",
                                                  "(\\pL+).*",
                                                  "x|(?:y|z)+|.*;a.*"};
  static constexpr std::string_view kReplacements[] = {
      "$1", "$2",      "${1}x", "$1x", "const", "",  "$0",    "$$1",
      "$n", "${m}:80", "$1$2",  "é$1", "5s",    "$", "h:${2}"};
  static constexpr std::string_view kTargets[] = {"a",
                                                  "b",
                                                  "c",
                                                  "job",
                                                  "__address__",
                                                  "instance",
                                                  "__scrape_interval__",
                                                  "l_$1",
                                                  "$1",
                                                  "${1}_x",
                                                  "é",
                                                  "__meta_new",
                                                  "__scrape_timeout__",
                                                  "a-$n"};
  // A labelmap to one name for all would have too many outcomes.
  static constexpr std::string_view kNameRegexes[] = {
      "__meta_(.+)", "(a|b)", "(.*)", "__meta_kubernetes_pod_label_(.*)",
      "__(.+)__",    "(.)b?", "job",  "(?i)__META_(.)",
      "a)|(b"};
  static constexpr std::string_view kNameReplacements[] = {
      "$1", "x_$1", "${1}_y", "__meta_$1", "é$1"};

  unsigned Below(unsigned limit) { return random_() % limit; }
  std::string Pick(Words words) {
    return std::string(words[Below(static_cast<unsigned>(words.size()))]);
  }
  void AddLabel(test::LabelMap& labels) {
    labels[Pick(kNames)] = Pick(kValues);
  }

  RelabelConfig Rule() {
    RelabelConfig rule;
    rule.action =
        Below(2) == 0 ? Action::kReplace : static_cast<Action>(Below(11));
    switch (rule.action) {
      case Action::kLabelMap:
        rule.regex = Pick(kNameRegexes);
        rule.replacement = Pick(kNameReplacements);
        return rule;
      case Action::kLabelDrop:
      case Action::kLabelKeep:
        rule.regex = Pick(kNameRegexes);
        if (rule.action == Action::kLabelKeep) rule.regex += "|__a.*|__sc.*";
        return rule;
      default:
        break;
    }
    for (unsigned i = Below(4); i > 0; --i) {
      rule.source_labels.push_back(Pick(kNames));
    }
    const bool equal =
        rule.action == Action::kKeepEqual || rule.action == Action::kDropEqual;
    const bool filter =
        rule.action == Action::kKeep || rule.action == Action::kDrop;
    if (!equal && Below(4) == 0) rule.separator = Below(2) == 0 ? "" : "--";
    if (!equal && Below(4) != 0) rule.regex = Pick(kRegexes);
    if (rule.action == Action::kReplace) {
      rule.target_label = Pick(kTargets);
      if (Below(4) != 0) rule.replacement = Pick(kReplacements);
    } else if (!filter) {
      rule.target_label = Pick(kNames);
    }
    if (rule.action == Action::kHashMod) rule.modulus = 1 + Below(1000);
    return rule;
  }

  std::mt19937 random_;
};

class RelabelOracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::OraclePath().empty()) {
      GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
    }
  }
};

TEST_F(RelabelOracleTest, RandomRulesDoWhatPrometheusDoes) {
  Maker make(test::Seed());
  std::vector<test::RelabelRequest> requests;
  std::string input;
  for (int i = 0; i < kRuleSets; ++i) {
    requests.push_back(make.Request());
    input += test::WriteRequest(requests.back(), 40);
  }
  const auto answers = test::AskOracle("relabel", input);
  ASSERT_EQ(answers.size(), requests.size());
  std::size_t kept = 0;
  std::size_t rejected = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto answer = test::ParseAnswer(answers[i]);
    std::string difference = test::Compare(requests[i], answer);
    if (!difference.empty()) {
      // Perhaps of many possible outcomes 40 tries did not show ours.
      const auto again =
          test::AskOracle("relabel", test::WriteRequest(requests[i], 20'000));
      ASSERT_EQ(again.size(), 1u);
      answer = test::ParseAnswer(again[0]);
      difference = test::Compare(requests[i], answer);
    }
    ASSERT_EQ(difference, "") << "seed " << test::Seed() << ", rule set " << i
                              << ": " << test::WriteRequest(requests[i], 40);
    rejected += !answer.error.empty();
    for (const auto& outcomes : answer.results) {
      kept += !outcomes[0].labels.empty();
    }
  }
  EXPECT_GT(kept, kRuleSets) << "else nearly all was dropped";
  EXPECT_LT(rejected, kRuleSets / 4) << "else nearly no rule was valid";
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
