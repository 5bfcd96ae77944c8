// What surrounds the relabel rules in Prometheus's scrape.PopulateLabels: the
// labels a scrape config seeds before them, and the checks after them.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/kept_labels.h"
#include "allocator/label_builder.h"
#include "allocator/labels.h"

namespace ta {

// Immutable: any thread. Must outlive the use of what a builder was seeded
// with.
class Populate {
 public:
  // `seeds`: ScrapeConfig::seeds.
  explicit Populate(const Labels& seeds);

  // Sets each seed where a label is absent or empty, in Prometheus's order.
  void Seed(LabelBuilder& labels) const;

  // Whether a relabeled target can be scraped. If so, adds `instance` (the
  // address) where it is absent, and leaves the labels without __meta_* in
  // `kept`. Else `kept` is empty, and the reason is returned, in Prometheus's
  // words.
  std::optional<std::string> Check(LabelBuilder& labels,
                                   KeptLabels& kept) const;

 private:
  struct Pair {
    LabelName name;
    std::string_view value;
  };
  // A label with a rule of its own, and the value that is known to pass: that
  // of the seed, unless somebody changed it.
  struct Checked {
    LabelName name;
    std::string_view passes;
    bool Passes(std::string_view value) const {
      return value.data() == passes.data() && value.size() == passes.size() &&
             !value.empty();
    }
  };
  std::optional<std::string> CheckIntervals(std::string_view interval,
                                            std::string_view timeout) const;
  std::optional<std::string> CheckHistograms(const LabelBuilder& labels) const;

  Labels held_;  // what the views below see
  std::vector<Pair> seeds_;
  LabelName address_;
  LabelName instance_;
  Checked interval_;
  Checked timeout_;
  std::vector<Checked> histograms_;  // in the order of kHistograms
};

}  // namespace ta
