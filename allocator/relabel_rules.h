// Compiled relabel rules: keep, drop or rewrite one label set, action by action
// as Prometheus 3's model/relabel does it (v0.314.0, relabel.go).
//
// Prometheus leaves open which of two labels wins that a labelmap maps to one
// name; here, where it could be either, the one that came later in
// LabelBuilder.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "allocator/label_builder.h"
#include "allocator/name_memo.h"

namespace ta {

// What makes rules fast and changes no result. Switched off only to measure
// what it gains.
struct RelabelShortcuts {
  bool simple_regexes = true;  // where they are simple: simple_regex.h
  bool name_memo = true;       // of labelmap and its like: name_memo.h
};

// Immutable: any thread, each with its own LabelBuilder. What a builder holds
// after Apply may view into the rules, which must outlive it.
class RelabelRules {
 public:
  // The error has one line a bad rule, each naming it: `relabel_configs[2]: …`.
  static Result<RelabelRules> Compile(std::span<const RelabelConfig> configs,
                                      RelabelShortcuts shortcuts = {});
  RelabelRules(RelabelRules&&) noexcept;
  RelabelRules& operator=(RelabelRules&&) noexcept;
  ~RelabelRules();

  std::size_t size() const { return rules_.size(); }

  // Whether a label of this name can make a difference to what becomes of a
  // target; if not, it need not be brought along. A meta label, which ends with
  // the last rule, does so only where a rule reads its value or maps its name.
  // O(1) once a name was asked for. REQUIRES: the caller holds `name`
  bool Needs(LabelBuilder::NameId name) const {
    return !label_pool::IsMeta(name) || Reads(name);
  }

  // The index of the rule that drops the target, else -1.
  int Apply(LabelBuilder& labels) const;

  // What one rule saw, for explain: RelabelStep has the meanings.
  struct Report {
    std::string source;
    bool matched = false;
  };
  // Applies one rule; false if it drops the target. `report` may be null.
  bool ApplyOne(std::size_t rule, LabelBuilder& labels, Report* report) const;

 private:
  struct Rule;
  RelabelRules();

  bool Reads(LabelBuilder::NameId name) const;

  std::vector<std::unique_ptr<const Rule>> rules_;
  std::unique_ptr<NameMemo> reads_;  // by name; null where nothing is read
};

}  // namespace ta
