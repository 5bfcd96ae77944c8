#include "allocator/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "allocator/explain_why.h"
#include "allocator/target_set.h"

namespace ta {
namespace {

// Candidates that are shown: the owner is nearly always among the first few,
// and the ring of a thousand collectors is not worth a screen.
constexpr std::size_t kCandidates = 8;

std::string_view ToString(RelabelConfig::Action action) {
  constexpr std::array<std::string_view, 11> kNames = {
      "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
      "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};
  return kNames[static_cast<std::size_t>(action)];
}

// Why the trace's target was dropped, as one clause.
std::string DropReason(const ScrapeConfig& config, const RelabelTrace& trace,
                       const std::vector<std::string>& whys) {
  if (trace.outcome.kind == RelabelOutcome::Kind::kDroppedByCheck) {
    return "check after relabeling: " + trace.outcome.reason;
  }
  const int rule = trace.outcome.rule;
  if (rule < 0 ||
      static_cast<std::size_t>(rule) >= config.relabel_configs.size() ||
      trace.steps.empty()) {
    return "dropped by a rule";
  }
  const RelabelConfig& written = config.relabel_configs[rule];
  return fmt::format("relabel_configs[{}] ({}): {}", rule,
                     ToString(written.action), whys.back());
}

// Whether a label of that name can have another value after relabeling: by a
// rule, as a seed, or as `instance`, which is made of the address. Where it
// can't, a million targets need not be relabeled to find one.
bool MayWrite(const ScrapeConfig& config, std::string_view name) {
  using Action = RelabelConfig::Action;
  if (name == "instance" || config.seeds.Find(name)) return true;
  return std::ranges::any_of(
      config.relabel_configs, [&](const RelabelConfig& rule) {
        switch (rule.action) {
          case Action::kKeep:
          case Action::kDrop:
          case Action::kKeepEqual:
          case Action::kDropEqual:
          case Action::kLabelDrop:
          case Action::kLabelKeep:
            return false;
          case Action::kLabelMap:
            return true;
          case Action::kReplace:
          case Action::kHashMod:
          case Action::kLowercase:
          case Action::kUppercase:
            break;
        }
        return rule.target_label == name ||
               rule.target_label.find('$') != std::string::npos;
      });
}

// Whether one target is what a query means. Relabels only when it has to.
class Matcher {
 public:
  Matcher(const JobView& job, const ExplainQuery& query)
      : job_(job), query_(query) {}

  bool Matches(const InventoryEntry& entry) {
    relabeled_ = false;
    if (query_.id && *query_.id != IdOf(entry)) return false;
    if (!query_.address.empty() &&
        !LabelIs(entry, "__address__", query_.address) &&
        !InvalidNames(entry)) {
      return false;
    }
    return std::all_of(query_.labels.begin(), query_.labels.end(),
                       [&](const auto& label) {
                         return LabelIs(entry, label.first, label.second);
                       });
  }

 private:
  static std::optional<TargetId> IdOf(const InventoryEntry& entry) {
    if (entry.target != nullptr) return entry.target->id;
    if (entry.state == TargetState::kDuplicate) return entry.unserved->id;
    return std::nullopt;
  }
  // One that could not be accepted may have no labels: its reason names it.
  bool InvalidNames(const InventoryEntry& entry) const {
    return entry.state == TargetState::kInvalid &&
           entry.unserved->reason.find(query_.address) != std::string::npos;
  }
  bool LabelIs(const InventoryEntry& entry, std::string_view name,
               std::string_view value) {
    if (entry.Get(name) == value) return true;
    if (entry.state == TargetState::kInvalid || !job_.relabeler) return false;
    if (!MayWrite(*job_.config, name)) return false;
    if (!relabeled_) {
      job_.relabeler->Relabel(entry.group(), entry.own(), buffer_);
      relabeled_ = true;
    }
    for (const LabelPair& pair : buffer_.labels()) {
      if (pair.name == name) return pair.value == value;
    }
    return false;
  }

  const JobView& job_;
  const ExplainQuery& query_;
  RelabelBuffer buffer_;
  bool relabeled_ = false;  // buffer_ holds the current entry
};

void ExplainLive(const Snapshot& snapshot, const InventoryEntry& entry,
                 Explanation& out) {
  const Target& target = *entry.target;
  out.id = target.id;
  out.placement_key = target.placement_key;
  out.owner = MemberName(snapshot, entry.owner);
  for (const MemberId member : entry.earlier) {
    const std::string_view name = MemberName(snapshot, member);
    if (!name.empty()) out.earlier_owners.emplace_back(name);
  }
  if (snapshot.strategy) {
    out.placement =
        snapshot.strategy->Explain(target.id, target.placement_key,
                                   NodeOf(target), out.owner, kCandidates);
  }
  std::string still;
  if (!out.earlier_owners.empty()) {
    still = fmt::format("{} still {} it until the hand-over ends",
                        fmt::join(out.earlier_owners, ", "),
                        out.earlier_owners.size() == 1 ? "scrapes" : "scrape");
  }
  if (entry.state == TargetState::kAssigned) {
    out.state = Explanation::State::kAssigned;
    out.summary = fmt::format("assigned to {}", out.owner);
  } else {
    out.state = Explanation::State::kUnassigned;
    out.reason = WhyUnassigned(entry.unassigned_reason);
    out.summary = fmt::format("no collector scrapes it: {}", out.reason);
  }
  if (!still.empty()) out.summary += "; " + still;
}

void ExplainUnserved(const InventoryEntry& entry, Explanation& out) {
  const UnservedTarget& unserved = *entry.unserved;
  out.group = fmt::format("{} of {}", entry.unserved_group->source,
                          entry.unserved_group->discoverer);
  if (entry.state == TargetState::kDuplicate) {
    out.state = Explanation::State::kDuplicate;
    out.duplicate_of = unserved.id;
    out.id = unserved.id;
    out.reason = fmt::format("target {} has the same job and relabeled labels",
                             ToHex(unserved.id));
    out.summary = "a duplicate, another one is scraped instead: " + out.reason;
  } else if (entry.state == TargetState::kInvalid) {
    out.state = Explanation::State::kInvalid;
    out.reason = unserved.reason;
    out.summary = "left out by its discoverer: " + out.reason;
  }
}

}  // namespace

std::string_view ToString(Explanation::State state) {
  constexpr std::array<std::string_view, 6> kNames = {
      "kept", "assigned", "unassigned", "dropped", "duplicate", "invalid"};
  return kNames[static_cast<std::size_t>(state)];
}

Explanation ExplainLabels(const ScrapeConfig& config,
                          const Relabeler* relabeler, const Labels& group,
                          const Labels& own) {
  Explanation out;
  out.job = config.job_name;
  out.discovered = Labels::Merge(group, own);
  if (relabeler == nullptr) {
    out.id = TargetIdOf(out.job, out.discovered);
    out.placement_key = PlacementKeyOf(out.job, out.discovered);
    out.summary = "kept as discovered: filter_strategy is none";
    return out;
  }
  out.trace = relabeler->Trace(group, own);
  LabelTexts labels;  // before the step
  for (const LabelPair& pair : out.trace->before) {
    labels.emplace(pair.name, pair.value);
  }
  for (const RelabelStep& step : out.trace->steps) {
    const auto index = static_cast<std::size_t>(step.rule);
    const bool known = index < config.relabel_configs.size();
    const RelabelConfig rule =
        known ? config.relabel_configs[index] : RelabelConfig();
    out.rules.push_back(known ? RuleText(rule) : "");
    out.whys.push_back(known ? Why(rule, step, labels) : "");
    for (const LabelChange& change : step.changes) {
      if (change.after.empty()) {
        labels.erase(change.name);
      } else {
        labels[change.name] = change.after;
      }
    }
  }
  if (out.trace->outcome.kept()) {
    out.id = TargetIdOf(out.job, out.trace->after);
    out.placement_key = PlacementKeyOf(out.job, out.trace->after);
    out.summary = "kept: it would be scraped";
  } else {
    out.state = Explanation::State::kDropped;
    out.reason = DropReason(config, *out.trace, out.whys);
    out.summary = "dropped by " + out.reason;
  }
  return out;
}

std::string RuleText(const RelabelConfig& rule) {
  const RelabelConfig defaults;
  std::string text(ToString(rule.action));
  if (!rule.source_labels.empty()) {
    text +=
        fmt::format(" source_labels=[{}]", fmt::join(rule.source_labels, ", "));
  }
  if (rule.separator != defaults.separator) {
    text += fmt::format(" separator=\"{}\"", rule.separator);
  }
  if (rule.regex != defaults.regex)
    text += fmt::format(" regex={}", rule.regex);
  if (rule.modulus != 0) text += fmt::format(" modulus={}", rule.modulus);
  if (!rule.target_label.empty()) {
    text += fmt::format(" target_label={}", rule.target_label);
  }
  if (rule.replacement != defaults.replacement) {
    text += fmt::format(" replacement={}", rule.replacement);
  }
  return text;
}

std::string_view WhyUnassigned(UnassignedReason reason) {
  switch (reason) {
    case UnassignedReason::kNoCollectors:
      return "there is no live collector";
    case UnassignedReason::kNoCollectorOnNode:
      return "no live collector runs on its node";
    case UnassignedReason::kNoNode:
      return "it names no node, and there is no fallback strategy";
  }
  return "";
}

Explanation ExplainEntry(const Snapshot& snapshot, const JobView& job,
                         const InventoryEntry& entry) {
  Explanation out;
  if (entry.state == TargetState::kInvalid) {
    out.job = job.name();
    out.discovered = Labels::Merge(entry.group(), entry.own());
  } else {
    out = ExplainLabels(*job.config, job.relabeler.get(), entry.group(),
                        entry.own());
  }
  if (entry.target != nullptr) {
    ExplainLive(snapshot, entry, out);
  } else {
    ExplainUnserved(entry, out);
  }
  return out;
}

ExplainResult ExplainTargets(const Snapshot& snapshot,
                             const ExplainQuery& query, std::size_t limit) {
  ExplainResult result;
  for (const auto& job : snapshot.jobs) {
    if (!query.job.empty() && job->name() != query.job) continue;
    Matcher matcher(*job, query);
    for (const InventoryEntry& entry :
         InventoryOf(*job, [&](const InventoryEntry& candidate) {
           return matcher.Matches(candidate);
         })) {
      ++result.matches;
      if (result.explanations.size() < limit) {
        result.explanations.push_back(ExplainEntry(snapshot, *job, entry));
      }
    }
  }
  return result;
}

}  // namespace ta
