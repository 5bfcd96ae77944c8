#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "allocator/ring_view.h"
#include "allocator/strategy_kinds.h"
#include "hashing/bounded_matching.h"

namespace ta {
namespace {

// One node's members and how much they own, for those who ask.
struct NodePicture {
  std::string node;
  std::shared_ptr<const RingMembers> members;
  std::vector<std::size_t> loads;  // as members->names()
  std::size_t items = 0;
};

class View final : public StrategyView {
 public:
  View(std::vector<std::shared_ptr<const NodePicture>> nodes, int ratio,
       FallbackScope scope, std::shared_ptr<const StrategyView> fallback)
      : nodes_(std::move(nodes)),
        ratio_(ratio),
        scope_(scope),
        fallback_(std::move(fallback)) {}

  PlacementExplanation Explain(const TargetId& id, std::uint64_t placement_key,
                               std::string_view node, std::string_view owner,
                               std::size_t limit) const override {
    const auto found = std::ranges::lower_bound(
        nodes_, node, {},
        [](const auto& picture) { return std::string_view(picture->node); });
    const std::string name = "per-node";
    if (!node.empty() && found != nodes_.end() && (*found)->node == node) {
      PlacementExplanation result =
          ExplainOnRing(*(*found)->members, (*found)->loads, (*found)->items,
                        ratio_, placement_key, owner, limit);
      result.strategy = name + " on node " + std::string(node);
      return result;
    }
    if (fallback_ != nullptr &&
        (node.empty() || scope_ == FallbackScope::kAll)) {
      PlacementExplanation result =
          fallback_->Explain(id, placement_key, node, owner, limit);
      result.strategy = name + ", fallback " + result.strategy;
      return result;
    }
    PlacementExplanation result;
    result.strategy = name;
    result.summary =
        node.empty() ? "the target names no node and there is no fallback"
                     : "node " + std::string(node) + " has no live collector";
    return result;
  }

 private:
  std::vector<std::shared_ptr<const NodePicture>> nodes_;  // with members
  int ratio_;
  FallbackScope scope_;
  std::shared_ptr<const StrategyView> fallback_;
};

// A matching numbers its items densely from 0; a node has few of all targets.
class PerNode final : public Strategy {
 public:
  PerNode(int ratio, FallbackScope scope, std::unique_ptr<Strategy> fallback)
      : ratio_(ratio), scope_(scope), fallback_(std::move(fallback)) {}

  std::vector<Assignment> Apply(const StrategyUpdate& update) override {
    Batch batch;
    for (const Slot slot : update.removed) {
      Leave(slot, batch);
      NodeOf(slot).targets.erase(slot);
      records_[slot].node = nullptr;
    }
    if (update.members != nullptr) SetMembers(*update.members, batch);
    for (const StrategyTarget& target : update.added) {
      if (target.slot >= records_.size()) records_.resize(target.slot + 1);
      Record& record = records_[target.slot];
      record.placement_key = target.placement_key;
      record.id = target.id;
      record.node = &*nodes_.try_emplace(std::string(target.node)).first;
      record.node->second.targets.insert(target.slot);
      Enter(target.slot, target.previous, batch);
    }
    return Finish(update.members, batch);
  }

  std::shared_ptr<const StrategyView> View() const override {
    std::vector<std::shared_ptr<const NodePicture>> pictures;
    for (const auto& [name, node] : nodes_) {
      if (node.members.empty()) continue;
      if (node.picture == nullptr) node.picture = Picture(name, node);
      pictures.push_back(node.picture);
    }
    return std::make_shared<class View>(
        std::move(pictures), ratio_, scope_,
        fallback_ == nullptr ? nullptr : fallback_->View());
  }

 private:
  struct Node {
    std::vector<StrategyMember> members;  // by name
    std::set<Slot> targets;               // that name this node
    std::unique_ptr<BoundedMatching> matching;
    std::vector<Slot> slots;  // by item of the matching
    std::vector<BoundedMatching::Item> free;
    mutable std::shared_ptr<const NodePicture> picture;  // null when stale
    // Of the batch under way.
    std::vector<BoundedMatching::Item> removed;
    std::vector<BoundedMatching::Addition> added;
  };
  using Nodes = std::map<std::string, Node, std::less<>>;
  enum class Place { kNowhere, kNode, kFallback };
  struct Record {
    std::uint64_t placement_key = 0;
    TargetId id;
    Nodes::value_type* node = nullptr;
    Place place = Place::kNowhere;
    BoundedMatching::Item item = 0;
    MemberId owner = kNoMember;  // in the fallback
  };
  struct Batch {
    std::set<Nodes::value_type*> nodes;  // with changed items or members
    std::set<Slot> touched;
    std::vector<Slot> fallback_removed;
    std::vector<StrategyTarget> fallback_added;
  };

  Node& NodeOf(Slot slot) { return records_[slot].node->second; }

  Place Home(const Nodes::value_type& node) const {
    if (!node.first.empty() && !node.second.members.empty())
      return Place::kNode;
    if (fallback_ == nullptr) return Place::kNowhere;
    return node.first.empty() || scope_ == FallbackScope::kAll
               ? Place::kFallback
               : Place::kNowhere;
  }

  void Leave(Slot slot, Batch& batch) {
    Record& record = records_[slot];
    if (record.place == Place::kNode) {
      record.node->second.removed.push_back(record.item);
      batch.nodes.insert(record.node);
    } else if (record.place == Place::kFallback) {
      batch.fallback_removed.push_back(slot);
    }
    record.place = Place::kNowhere;
    record.owner = kNoMember;
    batch.touched.erase(slot);
  }

  void Enter(Slot slot, MemberId previous, Batch& batch) {
    Record& record = records_[slot];
    record.place = Home(*record.node);
    batch.touched.insert(slot);
    if (record.place == Place::kNode) {
      Node& node = record.node->second;
      if (node.free.empty()) {
        record.item = static_cast<BoundedMatching::Item>(node.slots.size());
        node.slots.push_back(slot);
      } else {
        record.item = node.free.back();
        node.free.pop_back();
        node.slots[record.item] = slot;
      }
      node.added.push_back({record.item, record.placement_key, record.id});
      batch.nodes.insert(record.node);
    } else if (record.place == Place::kFallback) {
      batch.fallback_added.push_back(
          {slot, record.placement_key, record.id, "", previous});
    }
  }

  void SetMembers(const std::vector<StrategyMember>& members, Batch& batch) {
    live_ = members.size();
    std::map<std::string_view, std::vector<StrategyMember>> by_node;
    for (const StrategyMember& member : members) {
      if (!member.node.empty()) by_node[member.node].push_back(member);
    }
    for (const auto& [name, list] : by_node) {
      nodes_.try_emplace(std::string(name));
    }
    for (auto& node : nodes_) {
      std::vector<StrategyMember> now;
      if (const auto at = by_node.find(node.first); at != by_node.end()) {
        now = std::move(at->second);
        std::ranges::sort(now, {}, &StrategyMember::name);
      }
      if (now == node.second.members) continue;
      const bool rehome = now.empty() != node.second.members.empty();
      if (rehome) {
        for (const Slot slot : node.second.targets) Leave(slot, batch);
      }
      node.second.members = std::move(now);
      batch.nodes.insert(&node);
      if (rehome) {
        for (const Slot slot : node.second.targets) {
          Enter(slot, kNoMember, batch);
        }
      }
    }
    // Why a target has no owner may be another now.
    for (const auto& node : nodes_) {
      if (Home(node) != Place::kNowhere) continue;
      batch.touched.insert(node.second.targets.begin(),
                           node.second.targets.end());
    }
  }

  std::vector<Assignment> Finish(const std::vector<StrategyMember>* members,
                                 Batch& batch) {
    for (Nodes::value_type* node : batch.nodes) {
      Match(node->second, batch);
      node->second.picture = nullptr;
    }
    if (fallback_ != nullptr) {
      for (const Assignment& now : fallback_->Apply(
               {batch.fallback_removed, members, batch.fallback_added})) {
        records_[now.slot].owner = now.owner;
        batch.touched.insert(now.slot);
      }
    }
    std::erase_if(nodes_, [](const auto& node) {
      return node.second.targets.empty() && node.second.members.empty();
    });
    std::vector<Assignment> result;
    result.reserve(batch.touched.size());
    for (const Slot slot : batch.touched) result.push_back(Now(slot));
    return result;
  }

  // Brings the node's matching up to date. An item that was taken out keeps
  // its number until here, so that one batch never gives it out again.
  void Match(Node& node, Batch& batch) {
    if (node.matching == nullptr) {
      if (node.added.empty()) return;
      node.matching = std::make_unique<BoundedMatching>(ratio_);
    }
    const auto note = [&](const std::vector<BoundedMatching::Move>& moves) {
      for (const auto& move : moves)
        batch.touched.insert(node.slots[move.item]);
    };
    note(node.matching->Apply(node.removed, {}));
    node.free.insert(node.free.end(), node.removed.begin(), node.removed.end());
    std::vector<BoundedMatching::Member> handles;
    for (const auto& member : node.members) {
      handles.push_back({member.id, member.name});
    }
    note(node.matching->SetMembers(std::move(handles)));
    note(node.matching->Apply({}, node.added));
    node.removed.clear();
    node.added.clear();
    if (node.matching->size() == 0) {  // give the memory back
      node.matching = nullptr;
      node.slots = {};
      node.free = {};
    }
  }

  Assignment Now(Slot slot) const {
    const Record& record = records_[slot];
    switch (record.place) {
      case Place::kNode:
        return {slot, record.node->second.matching->Owner(record.item)};
      case Place::kFallback:
        return {slot, record.owner};
      case Place::kNowhere:
        break;
    }
    if (live_ == 0) return {slot, kNoMember, UnassignedReason::kNoCollectors};
    return {slot, kNoMember,
            record.node->first.empty() ? UnassignedReason::kNoNode
                                       : UnassignedReason::kNoCollectorOnNode};
  }

  static std::shared_ptr<const NodePicture> Picture(const std::string& name,
                                                    const Node& node) {
    auto picture = std::make_shared<NodePicture>();
    picture->node = name;
    std::vector<std::string> names;
    std::unordered_map<MemberId, std::size_t> index;
    for (const StrategyMember& member : node.members) {
      index[member.id] = names.size();
      names.push_back(member.name);
    }
    picture->loads.resize(names.size());
    if (node.matching != nullptr) {
      picture->items = node.matching->size();
      for (BoundedMatching::Item item = 0; item < node.slots.size(); ++item) {
        const auto owner = index.find(node.matching->Owner(item));
        if (owner != index.end()) ++picture->loads[owner->second];
      }
    }
    picture->members = std::make_shared<RingMembers>(std::move(names));
    return picture;
  }

  int ratio_;
  FallbackScope scope_;
  std::unique_ptr<Strategy> fallback_;
  Nodes nodes_;  // with targets or members; "" for targets without a node
  std::vector<Record> records_;  // by slot
  std::size_t live_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> MakePerNode(int max_load_ratio_thousandths,
                                      FallbackScope scope,
                                      std::unique_ptr<Strategy> fallback) {
  return std::make_unique<PerNode>(max_load_ratio_thousandths, scope,
                                   std::move(fallback));
}

}  // namespace ta
