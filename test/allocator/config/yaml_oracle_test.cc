// Random YAML documents, read by us and by the library that Prometheus reads
// its configuration with.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "allocator/config/schema_json.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/config/yaml_tree.h"
#include "allocator/go_text.h"
#include "allocator/json_string.h"
#include "test/allocator/config/config_case.h"
#include "test/allocator/config/yaml_maker.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

std::string Shown(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string out = "hex:";
  for (const char c : text) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    out += digits;
  }
  return out;
}

// As the oracle's scalarOf.
std::string ScalarOf(const YamlNode& node) {
  const YamlScalar value = ResolveScalar(node);
  const std::string raw = " " + Shown(node.text);
  if (const auto* flag = std::get_if<bool>(&value))
    return (*flag ? "bool true" : "bool false") + raw;
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return "int " + std::to_string(*integer) + raw;
  if (const auto* natural = std::get_if<std::uint64_t>(&value))
    return "int " + std::to_string(*natural) + raw;
  if (const auto* number = std::get_if<double>(&value)) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17e", *number);
    std::string shown = text;
    if (shown == "inf") shown = "+Inf";
    if (shown == "-inf") shown = "-Inf";
    if (shown.ends_with("nan")) shown = "NaN";
    return "float " + shown + raw;
  }
  return "text " + Shown(std::get<std::string_view>(value));
}

// Appends the tree as the oracle shows it; false if a reader would refuse it.
bool AppendTree(const YamlNode& node, std::string& out) {
  bool good = FitsItsTag(node);
  if (node.IsSequence()) {
    out += '[';
    for (const YamlNode* item : node.items) {
      if (out.back() != '[') out += ',';
      good = AppendTree(*item, out) && good;
    }
    out += ']';
  } else if (node.IsMap()) {
    out += '{';
    for (const YamlEntry& entry : node.entries) {
      if (out.back() != '{') out += ',';
      AppendJsonString(Shown(entry.key), out);
      out += ':';
      good = AppendTree(*entry.value, out) && good;
      // Structs take a key twice, once of them merged; maps don't.
      good = good && entry.earlier == nullptr;
    }
    out += '}';
  } else if (std::holds_alternative<std::monostate>(ResolveScalar(node))) {
    out += "null";
  } else {
    AppendJsonString(ScalarOf(node), out);
  }
  return good;
}

// What is read differently on purpose; see docs/configuration.md.
bool IsKnown(const Mistakes& ours) {
  for (const auto& mistake : ours) {
    for (const std::string_view text :
         {"a second document begins here", "after the end of the document",
          "a key must be a plain value", "found unexpected ':'",
          "while scanning a tag", "while parsing a tag",
          "found character that cannot start any token"}) {
      if (mistake.message.find(text) != std::string::npos) return true;
    }
  }
  return false;
}

// Corners where libyaml and its port in Go have grown apart: `%` at the
// beginning of a line that is no directive, `?` before a `,`, tags with
// characters of flow collections in them, `\'` in double quotes, a byte order
// mark where a line begins, something broken behind a whole document in
// brackets; and `~` that is text because it is a block, which Go then refuses
// for anything but text.
bool IsCorner(std::string_view document) {
  for (const std::string_view text :
       {"%", "?", "!", "\\'", "\xEF\xBB\xBF", "{}:", "~\n", "null"}) {
    if (document.find(text) != document.npos) return true;
  }
  return document.starts_with('{') || document.starts_with('[');
}

TEST(YamlOracleTest, RandomDocumentsAreReadAsGoReadsThem) {
  if (test::OraclePath().empty())
    GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  constexpr int kDocuments = 20'000;
  constexpr int kMostCorners = kDocuments / 400;
  const unsigned seed = test::Seed();
  test::YamlMaker make(seed);
  std::vector<std::string> documents;
  std::string input;
  for (int i = 0; i < kDocuments; ++i) {
    documents.push_back(make.Document());
    input += R"({"document":")" + test::Base64(documents.back()) + "\"}\n";
  }
  const auto answers = test::AskOracle("yaml", input);
  ASSERT_EQ(answers.size(), documents.size());
  int accepted = 0, known = 0, corners = 0, failures = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    simdjson::dom::parser parser;
    simdjson::dom::element answer;
    ASSERT_EQ(parser.parse(simdjson::padded_string(answers[i])).get(answer),
              simdjson::SUCCESS);
    std::string_view error;
    const bool go = answer["error"].get(error) != simdjson::SUCCESS;
    Mistakes mistakes;
    const YamlTree tree = YamlTree::Parse("y", documents[i], mistakes);
    std::string ours = "null";
    bool good = mistakes.empty();
    if (good && tree.root() != nullptr) {
      ours.clear();
      good = AppendTree(*tree.root(), ours);
    }
    accepted += go;
    std::string difference;
    if (go && !good) {
      if (IsKnown(mistakes)) {
        ++known;
        continue;
      }
      difference = "rejected: " + (mistakes.empty() ? std::string("tag or key")
                                                    : mistakes[0].ToString());
    } else if (!go && good) {
      difference = "accepted as " + ours + "; Go: " + std::string(error);
    } else if (go) {
      difference = test::JsonDifference(
          ours, std::string(simdjson::minify(answer["tree"].value())));
    }
    if (difference.empty()) continue;
    if (IsCorner(documents[i]) && ++corners <= kMostCorners) continue;
    if (++failures <= 20)
      ADD_FAILURE() << "seed " << seed << ", document " << i << ": "
                    << difference << "\n"
                    << test::JsonString(documents[i]);
  }
  std::cout << "seed " << seed << ": " << accepted << " of " << kDocuments
            << " accepted, " << known << " known differences, " << corners
            << " corners, " << failures << " others\n";
  EXPECT_EQ(failures, 0);
  EXPECT_GT(accepted, kDocuments / 4);
  EXPECT_LT(accepted, kDocuments * 3 / 4);
}

}  // namespace
}  // namespace ta
