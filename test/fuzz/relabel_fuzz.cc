// Any rules over any labels: no crash, the simple engine agrees with RE2, and
// telling a relabeling step by step comes to the same as doing it.
//
// The input is lines. A rule: `!` and a letter for its action (a to k), then
// `<separator>/<target label>/<modulus>/<source labels, by commas>`, and on the
// two lines that follow its regex and its replacement. A label: `name=value`; a
// `+` before it makes it the group's. A `?` alone: names are the legacy ones.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/regex.h"
#include "allocator/relabel.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

std::string_view Cut(std::string_view& text, char at) {
  const std::size_t end = std::min(text.find(at), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

struct Input {
  std::vector<RelabelConfig> rules;
  std::vector<LabelPair> group;
  std::vector<LabelPair> own;
  std::vector<std::string_view> values;

  explicit Input(std::string_view text) {
    bool legacy = false;
    while (!text.empty()) {
      std::string_view line = Cut(text, '\n');
      if (line == "?") {
        legacy = true;
      } else if (line.starts_with('!') && line.size() > 1) {
        if (rules.size() < 8) rules.push_back(Rule(line, text));
      } else if (own.size() + group.size() < 40) {
        auto& labels = line.starts_with('+') ? group : own;
        if (line.starts_with('+')) line.remove_prefix(1);
        const std::string_view name = Cut(line, '=');
        labels.push_back({name, line});
        values.push_back(line);
        values.push_back(name);
      }
    }
    for (RelabelConfig& rule : rules) rule.legacy_names = legacy;
  }

  static RelabelConfig Rule(std::string_view line, std::string_view& text) {
    RelabelConfig rule;
    const auto action = static_cast<unsigned char>(line[1]);
    rule.action = static_cast<RelabelConfig::Action>((action - 'a' + 256) % 11);
    line.remove_prefix(2);
    rule.separator = Cut(line, '/');
    rule.target_label = Cut(line, '/');
    rule.modulus =
        std::strtoull(std::string(Cut(line, '/')).c_str(), nullptr, 10);
    while (!line.empty() && rule.source_labels.size() < 10) {
      rule.source_labels.emplace_back(Cut(line, ','));
    }
    rule.regex = Cut(text, '\n');
    rule.replacement = Cut(text, '\n');
    return rule;
  }
};

// What the two engines say of a text.
void CheckEngines(const std::string& pattern, const std::string& expansion,
                  const std::vector<std::string_view>& texts) {
  const auto best = Regex::Compile(pattern);
  const auto re2 = Regex::Compile(pattern, Regex::Engine::kRe2Only);
  TA_REQUIRE(best.has_value() == re2.has_value());
  if (!best) {
    TA_REQUIRE(best.error().message.size() < 1000);
    return;
  }
  TA_REQUIRE((*best)->group_count() == (*re2)->group_count());
  const RegexTemplate of_best(expansion, **best);
  const RegexTemplate of_re2(expansion, **re2);
  const auto groups = static_cast<std::size_t>((*best)->group_count());
  std::vector<std::string_view> got(groups);
  std::vector<std::string_view> expected(groups);
  for (const std::string_view text : texts) {
    const bool matches = (*re2)->Match(text, expected);
    TA_REQUIRE((*best)->Match(text, got) == matches);
    TA_REQUIRE((*best)->Matches(text) == matches);
    TA_REQUIRE(!matches || got == expected);
    TA_REQUIRE(of_best.ReplaceAll(**best, text) ==
               of_re2.ReplaceAll(**re2, text));
  }
}

void Check(std::string_view text) {
  const Input input(text);
  std::vector<RelabelConfig> good;
  for (const RelabelConfig& rule : input.rules) {
    CheckEngines(rule.regex, rule.replacement, input.values);
    CheckEngines(rule.regex, rule.target_label, input.values);
    if (ValidateRelabelConfig(rule)) good.push_back(rule);
  }
  const auto all = Relabeler::Create("job", Labels(), input.rules);
  TA_REQUIRE(all.has_value() == (good.size() == input.rules.size()));
  const auto relabeler =
      Relabeler::Create("job",
                        Labels::Of({{"job", "job"},
                                    {"__scheme__", "http"},
                                    {"__scrape_interval__", "1m"},
                                    {"__scrape_timeout__", "10s"}}),
                        good);
  TA_REQUIRE(relabeler.has_value());
  const Labels group = Labels::Of(input.group);
  const Labels own = Labels::Of(input.own);

  RelabelBuffer buffer;
  const RelabelOutcome outcome = (*relabeler)->Relabel(group, own, buffer);
  const TargetId id = buffer.Id();
  const auto labels = buffer.labels();
  TA_REQUIRE(outcome.kept() != labels.empty());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    TA_REQUIRE(!labels[i].value.empty());
    TA_REQUIRE(!labels[i].name.starts_with("__meta_"));
    TA_REQUIRE(i == 0 || labels[i - 1].name < labels[i].name);
  }
  // A buffer that was used says the same.
  TA_REQUIRE((*relabeler)->Relabel(group, own, buffer) == outcome);
  TA_REQUIRE(buffer.Id() == id);
  // So does the trace, and its changes lead from what was to what became.
  const RelabelTrace trace = (*relabeler)->Trace(group, own);
  TA_REQUIRE(trace.outcome == outcome);
  TA_REQUIRE(trace.after.size() == buffer.labels().size());
  TA_REQUIRE(!outcome.kept() || TargetIdOf("job", trace.after) == id);
  TA_REQUIRE(trace.steps.size() <= good.size());
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ta::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
