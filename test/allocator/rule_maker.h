// Random relabel rules, and targets that they have a chance to change: every
// corner of the language that we could think of, often enough.

#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "allocator/config/config.h"
#include "test/allocator/pattern_maker.h"
#include "test/allocator/relabel_case.h"

namespace ta::test {

// Equal seeds make equal requests.
class RuleMaker {
 public:
  explicit RuleMaker(unsigned seed)
      : random_(seed),
        patterns_(seed + 1),
        odd_patterns_(seed + 2, PatternMaker::Syntax::kFull) {}

  // Rules that are nearly always valid, and six targets.
  RelabelRequest Request() {
    RelabelRequest request;
    const bool legacy = Below(6) == 0;
    request.bytes = Below(8) == 0;
    request.with_params = Below(4) == 0;
    for (unsigned i = 1 + Below(6); i > 0; --i) {
      request.rules.push_back(Rule());
      request.rules.back().legacy_names = legacy;
    }
    for (unsigned i = Below(4); i > 0; --i) {
      AddLabel(request.bytes, request.group);
    }
    for (int i = 0; i < 6; ++i) {
      LabelMap target;
      if (Below(20) != 0) {
        target["__address__"] = Below(6) == 0 ? Pick(kAddresses) : "host:80";
      }
      for (unsigned j = Below(9); j > 0; --j) AddLabel(request.bytes, target);
      request.targets.push_back(std::move(target));
    }
    return request;
  }

  // One rule with whatever fields, which most actions refuse; no targets.
  RelabelRequest OddRequest() {
    RelabelRequest request;
    RelabelConfig rule;
    rule.action = static_cast<Action>(Below(11));
    rule.legacy_names = Below(3) == 0;
    if (Below(3) == 0) rule.source_labels = {Pick(kOddNames)};
    if (Below(5) == 0) rule.separator = Pick(kSeparators);
    if (Below(3) == 0) {
      // As explicit as can be: keepequal refuses even the default.
      do rule.regex = Pattern();
      while (rule.regex == RelabelConfig().regex);
    }
    if (Below(3) != 0) rule.target_label = Pick(kOddNames);
    if (Below(4) == 0) rule.replacement = Pick(kOddNames);
    if (Below(2) == 0) rule.modulus = Modulus();
    request.rules.push_back(std::move(rule));
    return request;
  }

 private:
  using Action = RelabelConfig::Action;
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
      "__param_new",
      "instance",
      "é.x",
      "a b",
      "1a",
      "日本",
      "__tmp_1",
      "__tmp_hash",
      "__name__",
      "__scrape_native_histograms__",
      "__convert_classic_histograms_to_nhcb__",
      "__always_scrape_classic_histograms__"};
  static constexpr std::string_view kOddNames[] = {
      "",      "a",      "_",      "1",       "a1",   "a-b",   "é",
      "$1",    "${1}",   "$",      "$$",      "a$1",  "1$1",   "${1}a$2",
      "a.$1",  "${n}",   "${n",    "$n}",     "$-",   "a b",   "a\n",
      "__a__", "$1${2}", "${1}-a", "${ä}",    "$ä",   "a$",    "$1$",
      "x_$1y", "${1}${", "a{1}",   "__meta_", "${1x", "$(1)a", "${}"};
  static constexpr std::string_view kValues[] = {"",
                                                 "a",
                                                 "b",
                                                 "ab",
                                                 "a:80",
                                                 "80",
                                                 "Pod",
                                                 "true",
                                                 "T",
                                                 "FALSE",
                                                 "yes",
                                                 "10s",
                                                 "1m30s",
                                                 "0s",
                                                 "0",
                                                 "1y",
                                                 "1.5s",
                                                 "9999999h",
                                                 "x;y",
                                                 ";",
                                                 "ÄÖü",
                                                 "日本",
                                                 "a\nb",
                                                 "5m",
                                                 "a-b-c",
                                                 "$1",
                                                 "${1}",
                                                 "\"quoted\"",
                                                 "ǅ",
                                                 "ß",
                                                 "ẞ",
                                                 "İ",
                                                 "ı",
                                                 "ΟΔΟΣ",
                                                 "οδος",
                                                 "ﬀ",
                                                 "Ⅷⅷ",
                                                 "\u1e9e\u1c80\u10d0",
                                                 "\u212aK\u017f",
                                                 "\ufffd",
                                                 "10.0.0.1:9100",
                                                 "A/b",
                                                 "http",
                                                 "https"};
  static constexpr std::string_view kBrokenValues[] = {"\xff",
                                                       "a\xc3",
                                                       "\xe6\x97:80",
                                                       "\xed\xa0\x80",
                                                       "\x80\x80",
                                                       "Ä\xff"
                                                       "B"};
  static constexpr std::string_view kAddresses[] = {
      "10.0.0.1:80", "host", "host:1",    "[::1]:80", "http://x/y", "ä:1",
      "host:",       "::",   "host:port", "a b",      ":80",        "/"};
  static constexpr std::string_view kSeparators[] = {"", "--", ";;", "é", "$1"};
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
                                                  "(\\pN*)(.*)",
                                                  "(?U)(.*)(.*)",
                                                  "(?i)(k|s|ß|σ)+.*",
                                                  "\\Q$1\\E|(.*):(\\d{1,5})",
                                                  "(?P<n>\\D*)(?P<m>\\d*).*",
                                                  "[^\\PL]+",
                                                  "(?m)^(.*)$",
                                                  "(?-s)(.*)",
                                                  "$",
                                                  "^",
                                                  "x|(?:y|z)+|.*;a.*"};
  static constexpr std::string_view kReplacements[] = {
      "$1", "$2",      "${1}x", "$1x", "const", "",   "$0",     "$$1",
      "$n", "${m}:80", "$1$2",  "é$1", "5s",    "$",  "h:${2}", "${n}$m",
      "$",  "${1",     "$999",  "a$",  "1m",    "$$", "${é}"};
  static constexpr std::string_view kTargets[] = {
      "a",
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
      "__scheme__",
      "__metrics_path__",
      "__param_new",
      "__param_$1",
      "__scrape_native_histograms__",
      "a-$n",
      "$n",
      "${m}_$n",
      "$"};
  // A labelmap to one name for all would have too many outcomes.
  static constexpr std::string_view kNameRegexes[] = {
      "__meta_(.+)", "(a|b)",
      "(.*)",        "__meta_kubernetes_pod_label_(.*)",
      "__(.+)__",    "(.)b?",
      "job",         "(?i)__META_(.)",
      "a)|(b",       "(?<n>\\w+?)_?\\d?",
      "\\W+",        "(\\PL*)(.*)"};
  static constexpr std::string_view kNameReplacements[] = {
      "$1", "x_$1", "${1}_y", "__meta_$1", "é$1", "__param_$1", "$2$1"};

  unsigned Below(std::size_t limit) {
    return static_cast<unsigned>(random_() % limit);
  }
  std::string Pick(Words words) {
    return std::string(words[Below(words.size())]);
  }
  void AddLabel(bool bytes, LabelMap& labels) {
    labels[Pick(kNames)] = bytes && Below(3) == 0 ? Pick(kBrokenValues)
                           : Below(4) == 0        ? patterns_.Text()
                                                  : Pick(kValues);
  }
  std::string Pattern() {
    switch (Below(8)) {
      case 0:
        return patterns_.Alternatives(1);
      case 1:
        return odd_patterns_.Alternatives(1);
      default:
        return Pick(kRegexes);
    }
  }
  std::uint64_t Modulus() {
    constexpr std::array<std::uint64_t, 11> kModuli = {
        1,          2,
        3,          7,
        97,         1000,
        4294967297, (1ull << 63) - 1,
        1ull << 63, (1ull << 63) + 1,
        ~0ull};
    return kModuli[Below(kModuli.size())];
  }

  RelabelConfig Rule() {
    RelabelConfig rule;
    rule.action =
        Below(5) < 3 ? Action::kReplace : static_cast<Action>(Below(11));
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
    if (!equal && Below(4) == 0) rule.separator = Pick(kSeparators);
    if (!equal && Below(4) != 0) rule.regex = Pattern();
    if (rule.action == Action::kReplace) {
      rule.target_label = Pick(kTargets);
      if (Below(4) != 0) rule.replacement = Pick(kReplacements);
    } else if (!filter) {
      rule.target_label = Pick(kNames);
    }
    if (rule.action == Action::kHashMod) rule.modulus = Modulus();
    return rule;
  }

  std::mt19937 random_;
  PatternMaker patterns_;
  PatternMaker odd_patterns_;
};

}  // namespace ta::test
