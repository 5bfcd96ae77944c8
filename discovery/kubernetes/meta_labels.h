// Collects the labels of an object or target and interns them together.

#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/labels.h"
#include "discovery/kubernetes/json_value.h"

namespace ta::kubernetes {

// Names and values are views until Build: of the document, or kept here.
class MetaLabels {
 public:
  std::string_view Keep(std::string text) {
    return made_.emplace_back(std::move(text));
  }
  // Of equal names the one that is added last wins.
  void Add(std::string_view name, std::string_view value) {
    pairs_.push_back({name, value});
  }
  // `prefix` and `key`, of which only letters, digits and underscores stay.
  // Source: Prometheus's strutil.SanitizeLabelName.
  void AddSanitized(std::string_view prefix, std::string_view key,
                    std::string_view value);
  // A map of strings, each key as name "<prefix><key>" with its value, and as
  // "<present_prefix><key>" with "true". Where keys sanitize to one name, the
  // smallest key's value wins.
  void AddMap(const JsonValue& map, std::string_view prefix,
              std::string_view present_prefix);
  // Labels and annotations as `__meta_kubernetes_<role>_label_…` and so on.
  void AddLabelsAndAnnotations(const JsonValue& metadata,
                               std::string_view role);
  Labels Build() { return Labels::Of(std::move(pairs_)); }

 private:
  std::vector<LabelPair> pairs_;
  std::deque<std::string> made_;
};

// Go's net.JoinHostPort: brackets around a host that contains a colon.
std::string JoinHostPort(std::string_view host, std::string_view port);
// A port as Prometheus writes it in most places, strconv.FormatUint(uint64(…)):
// a negative one, which no API server lets through, becomes a huge number.
std::string PortText(std::int32_t port);

}  // namespace ta::kubernetes
