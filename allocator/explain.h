// One target explained: what the rules made of it, one by one, and who scrapes
// it and why, or why nobody does. Two halves, because the first needs no
// running allocator: labels under a job's rules, and where a target stands in a
// snapshot.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/inventory.h"
#include "allocator/relabel.h"
#include "allocator/snapshot.h"

namespace ta {

// Which target is meant. Everything said must hold. Value type.
struct ExplainQuery {
  std::string job;             // "": of any job
  std::optional<TargetId> id;  // also finds its duplicates
  std::string address;         // discovered or relabeled __address__; "": any
  // Name and value of a label, discovered or relabeled; "" means absent.
  std::vector<std::pair<std::string, std::string>> labels;

  bool empty() const { return !id && address.empty() && labels.empty(); }
};

struct Explanation {
  enum class State {
    kKept,  // explained offline: it would be scraped
    kAssigned,
    kUnassigned,
    kDropped,
    kDuplicate,
    kInvalid,
  };

  std::string job;
  State state = State::kKept;
  std::string summary;  // one sentence, for people
  std::string reason;   // of everything but kKept and kAssigned; else ""

  Labels discovered;  // group under target labels
  // Rule by rule; nothing with filter_strategy none, and for kInvalid.
  std::optional<RelabelTrace> trace;
  // Each rule as written, "drop source_labels=[a, b] regex=x", for every step.
  std::vector<std::string> rules;
  // Why it matched or didn't, for every step: explain_why.h.
  std::vector<std::string> whys;

  std::optional<TargetId> id;  // of a live target, or one that was kept
  std::uint64_t placement_key = 0;
  std::optional<TargetId> duplicate_of;

  // Only in a snapshot.
  std::string owner;                        // "" if none
  std::vector<std::string> earlier_owners;  // it is still served to these
  std::string group;  // of one that is not served: discoverer and source
  std::optional<PlacementExplanation> placement;  // of a live target
};
// "kept", "assigned", "unassigned", "dropped", "duplicate", "invalid".
std::string_view ToString(Explanation::State state);

// What becomes of discovered labels under a job's rules. `relabeler` is null
// with filter_strategy none, where nothing is relabeled.
Explanation ExplainLabels(const ScrapeConfig& config,
                          const Relabeler* relabeler, const Labels& group,
                          const Labels& own);

struct ExplainResult {
  std::size_t matches = 0;
  std::vector<Explanation> explanations;  // the first of them, live ones first
};

// The targets of `snapshot` that `query` means; at most `limit` are explained.
// O(targets of the job); a label that no target was discovered with costs
// relabeling each of them.
ExplainResult ExplainTargets(const Snapshot& snapshot,
                             const ExplainQuery& query, std::size_t limit);

// The same for one that is at hand: `entry` of `job` of `snapshot`.
Explanation ExplainEntry(const Snapshot& snapshot, const JobView& job,
                         const InventoryEntry& entry);

// A rule as written, without what is left at its default:
// "drop source_labels=[a, b] regex=x".
std::string RuleText(const RelabelConfig& rule);
// "there is no live collector": a clause for people.
std::string_view WhyUnassigned(UnassignedReason reason);

// For the terminal: several lines, each ended by a newline.
std::string ToText(const Explanation& explanation);

}  // namespace ta
