#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "allocator/ring_view.h"
#include "allocator/shared_blocks.h"
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
// Of the nodes with members, by name.
using Pictures = SharedBlocks<std::shared_ptr<const NodePicture>>;

class View final : public StrategyView {
 public:
  View(Pictures nodes, int ratio, FallbackScope scope,
       std::shared_ptr<const StrategyView> fallback)
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
  Pictures nodes_;
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
      if (NodeOf(slot).targets.empty()) {
        batch.left.insert(records_[slot].node->first);
      }
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
    return std::make_shared<class View>(
        pictures_, ratio_, scope_,
        fallback_ == nullptr ? nullptr : fallback_->View());
  }

 private:
  struct Node {
    std::vector<StrategyMember> members;  // by name
    std::set<Slot> targets;               // that name this node
    std::unique_ptr<BoundedMatching> matching;
    std::vector<Slot> slots;  // by item of the matching
    std::vector<BoundedMatching::Item> free;
    std::shared_ptr<const RingMembers> ring;  // null: to be made of `members`
    std::size_t position = 0;                 // in pictures_, with members
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
    std::set<std::string> left;          // nodes that a target has left
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
    const bool other_reason = (live_ == 0) != members.empty();
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
      node.second.ring = nullptr;
      if (node.second.members.empty()) batch.left.insert(node.first);
      batch.nodes.insert(&node);
      if (rehome) {
        for (const Slot slot : node.second.targets) {
          Enter(slot, kNoMember, batch);
        }
      }
    }
    // Why a target has no owner is another now.
    if (!other_reason) return;
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
    }
    Picture(members != nullptr, batch);
    if (fallback_ != nullptr) {
      for (const Assignment& now : fallback_->Apply(
               {batch.fallback_removed, members, batch.fallback_added})) {
        records_[now.slot].owner = now.owner;
        batch.touched.insert(now.slot);
      }
    }
    for (const std::string& name : batch.left) {
      const auto node = nodes_.find(name);
      if (node->second.targets.empty() && node->second.members.empty()) {
        nodes_.erase(node);
      }
    }
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

  // Brings the pictures up to date.
  void Picture(bool members_changed, const Batch& batch) {
    if (!members_changed) {
      for (Nodes::value_type* node : batch.nodes) {
        pictures_.Set(node->second.position, PictureOf(*node));
      }
      return;
    }
    std::vector<std::shared_ptr<const NodePicture>> pictures;
    for (auto& node : nodes_) {
      if (node.second.members.empty()) continue;
      node.second.position = pictures.size();
      pictures.push_back(PictureOf(node));
    }
    pictures_ = Pictures(std::move(pictures));
  }

  static std::shared_ptr<const NodePicture> PictureOf(Nodes::value_type& of) {
    auto& [name, node] = of;
    auto picture = std::make_shared<NodePicture>();
    picture->node = name;
    if (node.ring == nullptr) {
      std::vector<std::string> names;
      for (const StrategyMember& member : node.members) {
        names.push_back(member.name);
      }
      node.ring = std::make_shared<RingMembers>(std::move(names));
    }
    picture->members = node.ring;
    if (node.matching == nullptr) {
      picture->loads.resize(node.members.size());
    } else {
      picture->items = node.matching->size();
      picture->loads = node.matching->Loads();
    }
    return picture;
  }

  int ratio_;
  FallbackScope scope_;
  std::unique_ptr<Strategy> fallback_;
  Nodes nodes_;  // with targets or members; "" for targets without a node
  std::vector<Record> records_;  // by slot
  Pictures pictures_;
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
