// Random regular expressions and templates, by us and by Go.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/go_text.h"
#include "allocator/regex.h"
#include "test/allocator/pattern_maker.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

namespace dom = simdjson::dom;

struct Question {
  std::string pattern;
  std::string expansion;
  std::vector<std::string> texts;
};

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const auto byte = i + j < bytes.size() ? bytes[i + j] : '\0';
      three = three << 8 | static_cast<unsigned char>(byte);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > bytes.size() ? '=' : kDigits[three >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

std::string ToJson(const Question& question) {
  std::string out = R"({"pattern":)" + test::JsonString(question.pattern) +
                    R"(,"template":)" + test::JsonString(question.expansion) +
                    R"(,"texts":[)";
  for (const std::string& text : question.texts) {
    if (out.back() != '[') out += ',';
    out += '"' + Base64(text) + '"';
  }
  return out + "]}\n";
}

// Of what may be null.
std::string_view Text(simdjson::simdjson_result<dom::element> element) {
  std::string_view text;
  return element.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

// Compares with the oracle's answer; "" if all is equal.
std::string Difference(const Question& question, const dom::object& answer) {
  const auto regex = Regex::Compile(question.pattern);
  std::string_view error;
  if (answer["error"].get(error) == simdjson::SUCCESS) {
    return regex ? "accepted, expected: " + std::string(error) : "";
  }
  if (!regex) return "rejected: " + regex.error().message;
  const RegexTemplate expansion(question.expansion, **regex);
  const dom::array results = answer["results"].get_array().value();
  std::size_t i = 0;
  for (const dom::element element : results) {
    const std::string& text = question.texts[i++];
    std::vector<std::string_view> groups(
        static_cast<std::size_t>(expansion.groups_needed()));
    std::string expanded;
    const bool match = (*regex)->Match(text, groups);
    if (match) expansion.Append(groups, expanded);
    if (match != element["match"].get_bool().value() ||
        (*regex)->Matches(text) != match ||
        Base64(expanded) != Text(element["expanded"]) ||
        Base64(expansion.ReplaceAll(**regex, text)) !=
            Text(element["replaced"])) {
      return "text " + GoQuote(text) + ": got " +
             (match ? GoQuote(expanded) : "no match") + " and " +
             GoQuote(expansion.ReplaceAll(**regex, text)) + ", in base64 " +
             Base64(expanded) + " and " +
             Base64(expansion.ReplaceAll(**regex, text)) + ", expected " +
             std::string(simdjson::minify(element));
    }
  }
  return "";
}

TEST(RegexOracleTest, RandomPatternsDoWhatGoDoes) {
  if (test::OraclePath().empty()) {
    GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  }
  constexpr std::string_view kTemplates[] = {"$1",
                                             "<$0>",
                                             "${1}x$2",
                                             "$1x",
                                             "[$n|$m]",
                                             "$$1$",
                                             "$2$1",
                                             "${1}${3}-",
                                             "é$1",
                                             "",
                                             "const",
                                             "${n}_$m",
                                             "$",
                                             "$$",
                                             "${",
                                             "${1",
                                             "${}",
                                             "$-1",
                                             "$01",
                                             "${01}",
                                             "$1é",
                                             "${é}",
                                             "$999999999999",
                                             "${ 1}",
                                             "$$$1",
                                             "$n$n",
                                             "$1$",
                                             "${$1}x",
                                             "$_"};
  const unsigned seed = test::Seed();
  test::PatternMaker make(seed, test::PatternMaker::Syntax::kFull);
  std::vector<Question> questions(5000);
  std::string input;
  for (Question& question : questions) {
    question.pattern = make.Alternatives(2);
    question.expansion = kTemplates[make.Below(std::size(kTemplates))];
    for (int i = 0; i < 12; ++i) question.texts.push_back(make.Text());
    input += ToJson(question);
  }
  const auto answers = test::AskOracle("regex", input);
  ASSERT_EQ(answers.size(), questions.size());
  dom::parser parser;
  int rejected = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    dom::object answer;
    ASSERT_EQ(parser.parse(simdjson::padded_string(answers[i])).get(answer),
              simdjson::SUCCESS);
    rejected += answer["error"].error() == simdjson::SUCCESS;
    EXPECT_EQ(Difference(questions[i], answer), "")
        << "seed " << seed << ", pattern " << questions[i].pattern
        << ", template " << questions[i].expansion;
  }
  EXPECT_GT(rejected, 100);
  EXPECT_LT(rejected, 3000);
}

}  // namespace
}  // namespace ta
