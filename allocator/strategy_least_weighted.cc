#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#include "allocator/strategy_kinds.h"

namespace ta {
namespace {

class View final : public StrategyView {
 public:
  View(std::shared_ptr<const std::vector<std::string>> names,
       std::vector<std::size_t> loads)
      : names_(std::move(names)), loads_(std::move(loads)) {}

  PlacementExplanation Explain(const TargetId&, std::uint64_t, std::string_view,
                               std::string_view owner,
                               std::size_t limit) const override {
    PlacementExplanation result;
    result.strategy = "least-weighted";
    std::vector<std::pair<std::size_t, std::string_view>> ranked;
    for (std::size_t i = 0; i < loads_.size(); ++i) {
      ranked.emplace_back(loads_[i], (*names_)[i]);
    }
    std::ranges::sort(ranked);
    ranked.resize(std::min(limit, ranked.size()));
    for (const auto& [load, name] : ranked) {
      result.candidates.push_back({std::string(name), 0, load, 0,
                                   name == owner ? "owner" : "not chosen"});
    }
    if (loads_.empty()) {
      result.summary = "there is no live collector";
    } else if (owner.empty()) {
      result.summary = "it has no owner";
    } else {
      result.summary =
          std::string(owner) +
          " had the fewest targets when it came, or when members last changed";
    }
    return result;
  }

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<std::size_t> loads_;  // as *names_
};

class LeastWeighted final : public Strategy {
 public:
  std::vector<Assignment> Apply(const StrategyUpdate& update) override {
    for (const Slot slot : update.removed) Remove(slot);
    if (update.members != nullptr) SetMembers(*update.members);

    std::vector<const StrategyTarget*> added;
    for (const StrategyTarget& target : update.added) added.push_back(&target);
    std::ranges::sort(added, {}, [](const auto* target) { return target->id; });
    std::vector<const StrategyTarget*> fresh;
    for (const StrategyTarget* target : added) {
      if (target->slot >= items_.size()) items_.resize(target->slot + 1);
      items_[target->slot] = {target->id, kNoMember};
      if (const auto at = members_.find(target->previous);
          at != members_.end()) {
        Give(target->slot, at);
      } else {
        fresh.push_back(target);
      }
    }
    for (const StrategyTarget* target : fresh) Assign(target->slot);
    // Members that joined in this very step share in what came with them.
    if (update.members != nullptr) Level();
    for (const StrategyTarget& target : update.added)
      touched_.insert(target.slot);

    std::vector<Assignment> result;
    for (const Slot slot : touched_)
      result.push_back({slot, items_[slot].owner});
    touched_.clear();
    return result;
  }

  std::shared_ptr<const StrategyView> View() const override {
    std::vector<std::size_t> loads;
    loads.reserve(members_.size());
    for (const auto& [id, member] : members_) {
      loads.push_back(member.owned.size());
    }
    return std::make_shared<class View>(names_, std::move(loads));
  }

 private:
  struct Member {
    std::string name;
    std::set<std::pair<TargetId, Slot>> owned;
  };
  using Members = std::map<MemberId, Member>;
  struct Item {
    TargetId id;
    MemberId owner = kNoMember;
  };
  using Rank = std::tuple<std::size_t, std::string, MemberId>;

  static Rank RankOf(const Members::value_type& member) {
    return {member.second.owned.size(), member.second.name, member.first};
  }

  void Give(Slot slot, Members::iterator to) {
    by_load_.erase(RankOf(*to));
    to->second.owned.insert({items_[slot].id, slot});
    by_load_.insert(RankOf(*to));
    items_[slot].owner = to->first;
    touched_.insert(slot);
  }

  void Take(Slot slot) {
    const auto from = members_.find(items_[slot].owner);
    if (from == members_.end()) return;
    by_load_.erase(RankOf(*from));
    from->second.owned.erase({items_[slot].id, slot});
    by_load_.insert(RankOf(*from));
    items_[slot].owner = kNoMember;
  }

  void Assign(Slot slot) {
    if (by_load_.empty()) {
      homeless_.insert({items_[slot].id, slot});
      touched_.insert(slot);
    } else {
      Give(slot, members_.find(std::get<MemberId>(*by_load_.begin())));
    }
  }

  void Remove(Slot slot) {
    homeless_.erase({items_[slot].id, slot});
    Take(slot);
    touched_.erase(slot);
  }

  void SetMembers(const std::vector<StrategyMember>& members) {
    std::set<MemberId> live;
    for (const StrategyMember& member : members) {
      live.insert(member.id);
      const auto [at, added] = members_.try_emplace(member.id);
      if (!added) continue;
      at->second.name = member.name;
      by_load_.insert(RankOf(*at));
    }
    for (auto it = members_.begin(); it != members_.end();) {
      if (live.contains(it->first)) {
        ++it;
        continue;
      }
      by_load_.erase(RankOf(*it));
      for (const auto& [id, slot] : it->second.owned) {
        items_[slot].owner = kNoMember;
        homeless_.insert({id, slot});
      }
      it = members_.erase(it);
    }
    for (const auto& [id, slot] : std::exchange(homeless_, {})) Assign(slot);
    Level();
    auto names = std::make_shared<std::vector<std::string>>();
    for (const auto& [id, member] : members_) names->push_back(member.name);
    names_ = std::move(names);
  }

  // Moves only the excess, from the fullest (ties: the first by name of those
  // most loaded), largest TargetId first.
  void Level() {
    while (by_load_.size() > 1 && std::get<0>(*by_load_.rbegin()) >
                                      std::get<0>(*by_load_.begin()) + 1) {
      const auto fullest = by_load_.lower_bound(
          Rank{std::get<0>(*by_load_.rbegin()), std::string(), 0});
      const auto from = members_.find(std::get<MemberId>(*fullest));
      const Slot slot = from->second.owned.rbegin()->second;
      Take(slot);
      Assign(slot);
    }
  }

  Members members_;
  // As members_; views share it.
  std::shared_ptr<const std::vector<std::string>> names_ =
      std::make_shared<std::vector<std::string>>();
  std::set<Rank> by_load_;
  std::vector<Item> items_;  // by slot
  std::set<std::pair<TargetId, Slot>> homeless_;
  std::set<Slot> touched_;
};

}  // namespace

std::unique_ptr<Strategy> MakeLeastWeighted() {
  return std::make_unique<LeastWeighted>();
}

}  // namespace ta
