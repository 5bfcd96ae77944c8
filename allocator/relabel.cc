#include "allocator/relabel.h"

#include <map>
#include <utility>

#include "allocator/kept_labels.h"
#include "allocator/label_builder.h"
#include "allocator/populate.h"
#include "allocator/relabel_rules.h"

namespace ta {

struct RelabelBuffer::State {
  LabelBuilder builder;
  KeptLabels kept;
  std::string_view job;
};

RelabelBuffer::RelabelBuffer() : state_(std::make_unique<State>()) {}
RelabelBuffer::RelabelBuffer(RelabelBuffer&&) noexcept = default;
RelabelBuffer& RelabelBuffer::operator=(RelabelBuffer&&) noexcept = default;
RelabelBuffer::~RelabelBuffer() = default;

std::span<const LabelPair> RelabelBuffer::labels() const {
  return state_->kept.pairs();
}

TargetId RelabelBuffer::Id() const { return TargetIdOf(state_->job, labels()); }

std::uint64_t RelabelBuffer::PlacementKey() const {
  return PlacementKeyOf(state_->job, labels());
}

struct Relabeler::Parts {
  Populate populate;
  RelabelRules rules;
};

Relabeler::Relabeler(std::string job, std::unique_ptr<const Parts> parts)
    : job_(std::move(job)), parts_(std::move(parts)) {}
Relabeler::~Relabeler() = default;

Result<std::shared_ptr<const Relabeler>> Relabeler::Create(
    std::string job, const Labels& seeds,
    std::span<const RelabelConfig> rules) {
  auto compiled = RelabelRules::Compile(rules);
  if (!compiled) return std::unexpected(std::move(compiled).error());
  auto parts =
      std::make_unique<const Parts>(Populate(seeds), *std::move(compiled));
  return std::shared_ptr<const Relabeler>(
      new Relabeler(std::move(job), std::move(parts)));
}

std::size_t Relabeler::rules() const { return parts_->rules.size(); }

RelabelOutcome Relabeler::Relabel(const Labels& group, const Labels& own,
                                  RelabelBuffer& buffer) const {
  RelabelBuffer::State& state = *buffer.state_;
  state.job = job_;
  state.kept.Clear();
  const RelabelRules& rules = parts_->rules;
  state.builder.Reset();
  state.builder.AddTarget(group, own, [&rules](label_pool::NameId name) {
    return rules.Needs(name);
  });
  parts_->populate.Seed(state.builder);
  if (const int rule = rules.Apply(state.builder); rule >= 0) {
    return {.kind = RelabelOutcome::Kind::kDroppedByRule, .rule = rule};
  }
  auto reason = parts_->populate.Check(state.builder, state.kept);
  if (!reason) return {};
  return {.kind = RelabelOutcome::Kind::kDroppedByCheck,
          .reason = *std::move(reason)};
}

namespace {

using Picture = std::map<std::string, std::string>;

Picture PictureOf(const LabelBuilder& labels) {
  Picture picture;
  for (const auto& [name, value] : labels.entries()) {
    if (!value.empty())
      picture[std::string(label_pool::NameText(name))] = value;
  }
  return picture;
}

Labels LabelsOf(const Picture& picture) {
  std::vector<LabelPair> pairs;
  for (const auto& [name, value] : picture) pairs.push_back({name, value});
  return Labels::Of(std::move(pairs));
}

std::vector<LabelChange> ChangesBetween(const Picture& before,
                                        const Picture& after) {
  std::map<std::string, LabelChange> changes;
  for (const auto& [name, value] : before) {
    changes[name] = {.name = name, .before = value, .after = ""};
  }
  for (const auto& [name, value] : after) {
    changes[name].name = name;
    changes[name].after = value;
  }
  std::vector<LabelChange> changed;
  for (auto& [name, change] : changes) {
    if (change.before != change.after) changed.push_back(std::move(change));
  }
  return changed;
}

}  // namespace

RelabelTrace Relabeler::Trace(const Labels& group, const Labels& own) const {
  RelabelTrace trace;
  trace.discovered = Labels::Merge(group, own);
  LabelBuilder builder;
  builder.Reset();
  builder.AddTarget(group, own);
  parts_->populate.Seed(builder);
  Picture picture = PictureOf(builder);
  trace.before = LabelsOf(picture);
  for (std::size_t i = 0; i < parts_->rules.size(); ++i) {
    RelabelRules::Report report;
    const bool kept = parts_->rules.ApplyOne(i, builder, &report);
    Picture after = PictureOf(builder);
    trace.steps.push_back({.rule = static_cast<int>(i),
                           .source = std::move(report.source),
                           .matched = report.matched,
                           .dropped = !kept,
                           .changes = ChangesBetween(picture, after)});
    picture = std::move(after);
    if (kept) continue;
    trace.outcome = {.kind = RelabelOutcome::Kind::kDroppedByRule,
                     .rule = static_cast<int>(i)};
    return trace;
  }
  KeptLabels kept;
  if (auto reason = parts_->populate.Check(builder, kept)) {
    trace.outcome = {.kind = RelabelOutcome::Kind::kDroppedByCheck,
                     .reason = *std::move(reason)};
  } else {
    const auto pairs = kept.pairs();
    trace.after = Labels::Of({pairs.begin(), pairs.end()});
  }
  return trace;
}

}  // namespace ta
