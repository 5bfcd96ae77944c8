// What happens to a discovered target before it is scraped, exactly as in
// Prometheus 3 (scrape.PopulateLabels): it gets the labels that the scrape
// config seeds, the relabel rules keep, drop or rewrite it, and what is left is
// checked. Relabeler is that for one job; relabel_rules.h has the rules alone.
//
// Speed matters here more than anywhere else in the core: changed rules send
// every target of a job through again. So label names are compared as numbers,
// values are views of the discovered labels until a rule makes a new one, and a
// RelabelBuffer is used again and again; a target that is kept costs no
// allocation once the buffer has seen one like it.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "allocator/labels.h"
#include "allocator/target.h"

namespace ta {

class LabelBuilder;

// What became of one target.
struct RelabelOutcome {
  enum class Kind {
    kKept,
    kDroppedByRule,   // `rule` says which
    kDroppedByCheck,  // `reason` says which check after relabeling
  };
  Kind kind = Kind::kKept;
  int rule = -1;       // kDroppedByRule: index into relabel_configs
  std::string reason;  // kDroppedByCheck: Prometheus's own words, "no address"

  bool kept() const { return kind == Kind::kKept; }
  bool operator==(const RelabelOutcome&) const = default;
};

// Where a Relabeler works, and where it leaves its result. Make one and use it
// for any number of targets and Relabelers. Confined to one thread at a time.
class RelabelBuffer {
 public:
  RelabelBuffer();
  RelabelBuffer(RelabelBuffer&&) noexcept;
  RelabelBuffer& operator=(RelabelBuffer&&) noexcept;
  ~RelabelBuffer();

  // What the last Relabel kept: the relabeled labels, sorted by name, without
  // __meta_*, with __scheme__, __metrics_path__, __param_*, the interval labels
  // and everything else as relabeling left them, and `instance` (the address,
  // if the rules set none). Empty after a drop. The views live until the next
  // Relabel, and only as long as the Labels that went in.
  std::span<const LabelPair> labels() const;
  // The identity and placement of what was kept: target.h.
  TargetId Id() const;
  std::uint64_t PlacementKey() const;

 private:
  friend class Relabeler;
  struct State;
  std::unique_ptr<State> state_;
};

// A label that a rule added, changed or (after == "") removed.
struct LabelChange {
  std::string name;
  std::string before;  // "" if it was not there
  std::string after;   // "" if it is not there any more
  bool operator==(const LabelChange&) const = default;
};

// What one rule did, for explain.
struct RelabelStep {
  int rule = 0;  // index into relabel_configs
  // The source labels' values, joined; labelmap, labeldrop and labelkeep, which
  // look at names, have "".
  std::string source;
  // The regex matched, or the compared values were equal. For the three that
  // look at names: some name did. Always true for hashmod, lower- and
  // uppercase.
  bool matched = false;
  bool dropped = false;              // the last step then
  std::vector<LabelChange> changes;  // by name
};

struct RelabelTrace {
  Labels discovered;               // group under target labels
  Labels before;                   // with the seeds
  std::vector<RelabelStep> steps;  // one a rule, up to a drop
  RelabelOutcome outcome;
  Labels after;  // as RelabelBuffer::labels(); empty unless kept
};

// One job's seeds, rules and checks. Immutable: any thread, each with its own
// RelabelBuffer.
class Relabeler {
 public:
  // `seeds` are what Prometheus's PopulateDiscoveredLabels sets where a label
  // is absent or empty (ScrapeConfig::seeds). The error names every bad rule,
  // one line each: `relabel_configs[2]: "a b" is invalid 'target_label' ...`.
  static Result<std::shared_ptr<const Relabeler>> Create(
      std::string job, const Labels& seeds,
      std::span<const RelabelConfig> rules);
  ~Relabeler();
  Relabeler(const Relabeler&) = delete;
  Relabeler& operator=(const Relabeler&) = delete;

  // Sends a discovered target through; the result is left in `buffer`. A label
  // of `own` wins over one of `group`, also when it is empty; empty labels then
  // count as absent.
  RelabelOutcome Relabel(const Labels& group, const Labels& own,
                         RelabelBuffer& buffer) const;
  // The same, told step by step. Slow.
  RelabelTrace Trace(const Labels& group, const Labels& own) const;

  const std::string& job() const { return job_; }
  std::size_t rules() const;

 private:
  struct Parts;
  Relabeler(std::string job, std::unique_ptr<const Parts> parts);

  std::string job_;
  std::unique_ptr<const Parts> parts_;
};

// What is wrong with one rule, as Prometheus says it; also that its regex does
// not compile. Compiles the regex, so not for hot paths.
Result<void> ValidateRelabelConfig(const RelabelConfig& config);

}  // namespace ta
