#include <algorithm>
#include <utility>
#include <vector>

#include "allocator/ring_view.h"
#include "allocator/strategy_kinds.h"
#include "hashing/bounded_matching.h"

namespace ta {
namespace {

class View final : public StrategyView {
 public:
  View(std::shared_ptr<const RingMembers> members,
       std::vector<std::size_t> loads, std::size_t items, int ratio)
      : members_(std::move(members)),
        loads_(std::move(loads)),
        items_(items),
        ratio_(ratio) {}

  PlacementExplanation Explain(const TargetId&, std::uint64_t placement_key,
                               std::string_view, std::string_view owner,
                               std::size_t limit) const override {
    return ExplainOnRing(*members_, loads_, items_, ratio_, placement_key,
                         owner, limit);
  }

 private:
  std::shared_ptr<const RingMembers> members_;
  std::vector<std::size_t> loads_;  // as members_->names()
  std::size_t items_;
  int ratio_;
};

class ConsistentHashing final : public Strategy {
 public:
  explicit ConsistentHashing(int ratio)
      : matching_(ratio),
        ring_members_(
            std::make_shared<RingMembers>(std::vector<std::string>())) {}

  std::vector<Assignment> Apply(const StrategyUpdate& update) override {
    std::vector<BoundedMatching::Addition> additions;
    additions.reserve(update.added.size());
    std::vector<Slot> touched;
    touched.reserve(update.added.size());
    for (const StrategyTarget& target : update.added) {
      additions.push_back({target.slot, target.placement_key, target.id});
      touched.push_back(target.slot);
    }
    // Members last when items go, first when they come: the result is the same,
    // and what is matched twice is the smaller set.
    const auto note = [&](const std::vector<BoundedMatching::Move>& moves) {
      for (const auto& move : moves) touched.push_back(move.item);
    };
    if (update.members != nullptr) {
      note(matching_.Apply(update.removed, {}));
      note(SetMembers(*update.members));
      note(matching_.Apply({}, additions));
    } else {
      note(matching_.Apply(update.removed, additions));
    }
    std::ranges::sort(touched);
    touched.erase(std::ranges::unique(touched).begin(), touched.end());
    std::vector<Assignment> result;
    result.reserve(touched.size());
    for (const Slot slot : touched) {
      result.push_back({slot, matching_.Owner(slot)});
    }
    return result;
  }

  std::shared_ptr<const StrategyView> View() const override {
    return std::make_shared<class View>(ring_members_, matching_.Loads(),
                                        matching_.size(),
                                        matching_.load_ratio_thousandths());
  }

 private:
  std::vector<BoundedMatching::Move> SetMembers(
      std::vector<StrategyMember> members) {
    std::ranges::sort(members, {}, &StrategyMember::name);
    std::vector<BoundedMatching::Member> handles;
    std::vector<std::string> names;
    for (const StrategyMember& member : members) {
      handles.push_back({member.id, member.name});
      names.push_back(member.name);
    }
    std::vector<BoundedMatching::Move> moves =
        matching_.SetMembers(std::move(handles));
    if (names != ring_members_->names()) {
      ring_members_ = std::make_shared<RingMembers>(std::move(names));
    }
    return moves;
  }

  BoundedMatching matching_;
  std::shared_ptr<const RingMembers> ring_members_;
};

}  // namespace

static_assert(BoundedMatching::kNone == kNoMember);

std::unique_ptr<Strategy> MakeConsistentHashing(
    int max_load_ratio_thousandths) {
  return std::make_unique<ConsistentHashing>(max_load_ratio_thousandths);
}

}  // namespace ta
