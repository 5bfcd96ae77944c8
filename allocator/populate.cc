#include "allocator/populate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "allocator/go_text.h"

namespace ta {
namespace {

// Prometheus's order of seeds; after them come the parameters, by name. It
// decides which label wins when a labelmap makes two equal.
constexpr std::array<std::string_view, 8> kSeedOrder = {
    "job",
    "__scrape_interval__",
    "__scrape_timeout__",
    "__metrics_path__",
    "__scheme__",
    "__convert_classic_histograms_to_nhcb__",
    "__always_scrape_classic_histograms__",
    "__scrape_native_histograms__",
};

struct Histogram {
  std::string_view label;
  std::string_view words;
};
constexpr std::array<Histogram, 3> kHistograms = {{
    {"__convert_classic_histograms_to_nhcb__",
     "convert classic histograms to nhcb"},
    {"__always_scrape_classic_histograms__",
     "always scrape classic histograms"},
    {"__scrape_native_histograms__", "scrape native histograms"},
}};

std::size_t Rank(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(kSeedOrder, name) -
                                  kSeedOrder.begin());
}

}  // namespace

Populate::Populate(const Labels& seeds)
    : held_(seeds),
      address_("__address__"),
      instance_("instance"),
      interval_{LabelName("__scrape_interval__")},
      timeout_{LabelName("__scrape_timeout__")} {
  for (const LabelPair& seed : held_) {
    if (seed.value.empty()) continue;
    seeds_.push_back({LabelName(seed.name), seed.value});
  }
  std::ranges::sort(seeds_, {}, [](const Pair& seed) {
    return std::pair(Rank(seed.name.text()), seed.name.text());
  });
  const std::string_view interval = held_.Get("__scrape_interval__");
  const std::string_view timeout = held_.Get("__scrape_timeout__");
  if (!CheckIntervals(interval, timeout)) {
    interval_.passes = interval;
    timeout_.passes = timeout;
  }
  for (const Histogram& histogram : kHistograms) {
    const std::string_view value = held_.Get(histogram.label);
    const bool passes = !value.empty() && ParseBool(value).has_value();
    histograms_.push_back(
        {LabelName(histogram.label), passes ? value : std::string_view()});
  }
}

void Populate::Seed(LabelBuilder& labels) const {
  for (const Pair& seed : seeds_) {
    if (labels.Get(seed.name.id()).empty()) {
      labels.Set(seed.name.id(), seed.value);
    }
  }
}

std::optional<std::string> Populate::CheckIntervals(
    std::string_view interval, std::string_view timeout) const {
  if (interval_.Passes(interval) && timeout_.Passes(timeout)) return {};
  const auto every = ParseDuration(interval);
  if (!every) return "error parsing scrape interval: " + every.error().message;
  if (every->count() == 0) return "scrape interval cannot be 0";
  const auto within = ParseDuration(timeout);
  if (!within) return "error parsing scrape timeout: " + within.error().message;
  if (within->count() == 0) return "scrape timeout cannot be 0";
  if (*within > *every) {
    return "scrape timeout cannot be greater than scrape interval (" +
           GoQuote(timeout) + " > " + GoQuote(interval) + ")";
  }
  return {};
}

std::optional<std::string> Populate::CheckHistograms(
    const LabelBuilder& labels) const {
  for (std::size_t i = 0; i < kHistograms.size(); ++i) {
    const std::string_view value = labels.Get(histograms_[i].name.id());
    if (value.empty() || histograms_[i].Passes(value)) continue;
    if (const auto parsed = ParseBool(value); !parsed) {
      return "error parsing " + std::string(kHistograms[i].words) + ": " +
             parsed.error().message;
    }
  }
  return {};
}

std::optional<std::string> Populate::Check(LabelBuilder& labels,
                                           KeptLabels& kept) const {
  kept.Clear();
  const std::string_view address = labels.Get(address_.id());
  if (address.empty()) return "no address";
  if (address.contains('/')) {
    return GoQuote(address) + " is not a valid hostname";
  }
  if (auto reason = CheckIntervals(labels.Get(interval_.name.id()),
                                   labels.Get(timeout_.name.id()))) {
    return reason;
  }
  if (auto reason = CheckHistograms(labels)) return reason;
  if (labels.Get(instance_.id()).empty()) labels.Set(instance_.id(), address);

  kept.Take(labels);
  for (const LabelPair& label : kept.pairs()) {
    if (IsValidUtf8(label.value)) [[likely]]
      continue;
    std::string reason = "invalid label value for " + GoQuote(label.name) +
                         ": " + GoQuote(label.value);
    kept.Clear();
    return reason;
  }
  return {};
}

}  // namespace ta
