// Random lives of pods, with flaps, outages and reloads, against a model of the
// membership that counts second by second.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "test/support/pods.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::PodOf;
using State = Membership::State;

struct ModelPod {
  MemberObservation seen;
  int first_seen = 0;
  bool polled = false;
  bool counts = false;  // runs and is not ready
  int unready = 0;      // seconds while another was ready
};
struct ModelMember {
  std::string uid;
  State state = State::kLive;
  int life = 0;  // another for each process
  int changed = 0;
};

class Model {
 public:
  using List = test::PodMembership::List;

  int grace = 30;
  std::map<std::string, ModelPod> pods;
  std::map<std::string, ModelMember> members;
  std::map<std::string, int> last_poll;
  std::set<int> gone;  // lives

  void Second(int now) {
    const bool any = AnyReady();
    for (auto& [name, pod] : pods) pod.unready += any && pod.counts;
    Judge(now);
    std::erase_if(members, [&](const auto& entry) {
      const auto& [name, member] = entry;
      if (member.state != State::kDraining) return false;
      const auto polled = last_poll.find(name);
      const int heard =
          std::max(member.changed,
                   polled == last_poll.end() ? member.changed : polled->second);
      if (heard + 90 > now) return false;
      gone.insert(member.life);
      return true;
    });
  }
  void Observe(const List& list, const std::vector<std::string>& ended,
               bool first, int now) {
    std::map<std::string, ModelPod> before = std::exchange(pods, {});
    for (const auto& seen : list) {
      ModelPod pod;
      pod.first_seen = now;
      if (const auto old = before.find(seen.name);
          old != before.end() && old->second.seen.pod->uid == seen.pod->uid) {
        pod = old->second;
      }
      pod.seen = seen;
      pods[seen.name] = pod;
    }
    for (auto& [name, pod] : pods) {
      const bool counted = std::exchange(pod.counts, Counts(pod));
      if (counted && pod.counts) continue;
      const int account = static_cast<int>(
          std::chrono::floor<seconds>(pod.seen.pod->not_ready_for).count());
      pod.unready = first && AnyReady() ? std::clamp(account, 0, grace) : 0;
    }
    std::erase_if(members, [&](const auto& entry) {
      const auto pod = pods.find(entry.first);
      const bool replaced =
          pod != pods.end() && pod->second.seen.pod->uid != entry.second.uid;
      if (!replaced && !std::ranges::count(ended, entry.second.uid)) {
        return false;
      }
      gone.insert(entry.second.life);
      last_poll.erase(entry.first);
      return true;
    });
    for (auto& [name, member] : members) {
      if (!pods.contains(name)) Drain(member, now);
    }
    Judge(now);
  }
  void Polled(const std::string& name, int now) {
    last_poll[name] = now;
    const auto at = pods.find(name);
    if (at == pods.end()) return;
    at->second.polled = true;
    if (!at->second.counts && Counts(at->second)) {
      at->second.counts = true;
      at->second.unready = 0;
    }
    Judge(now);
  }
  void Judge(int now) {
    for (const auto& [name, pod] : pods) {
      const auto member = members.find(name);
      const bool live = Runs(pod) && (pod.seen.pod->ready || grace == 0 ||
                                      pod.unready < grace);
      if (!live) {
        if (member != members.end()) Drain(member->second, now);
        continue;
      }
      const State state =
          pod.seen.pod->ready || grace == 0 ? State::kLive : State::kGrace;
      if (member == members.end()) {
        members[name] = {pod.seen.pod->uid, state, next_life_++, now};
      } else if (member->second.state != state) {
        member->second.state = state;
        member->second.changed = now;
      }
    }
  }

 private:
  static bool Runs(const ModelPod& pod) {
    const auto& seen = *pod.seen.pod;
    if (seen.deleted) return false;
    if (pod.polled && seen.phase == "Pending") return true;
    return seen.phase == "Running";
  }
  static bool Counts(const ModelPod& pod) {
    return Runs(pod) && !pod.seen.pod->ready;
  }
  bool AnyReady() const {
    return std::ranges::any_of(pods, [](const auto& entry) {
      return Runs(entry.second) && entry.second.seen.pod->ready;
    });
  }
  static void Drain(ModelMember& member, int now) {
    if (member.state == State::kDraining) return;
    member.state = State::kDraining;
    member.changed = now;
  }
  int next_life_ = 0;
};

class RandomPodsTest : public ::testing::TestWithParam<int>,
                       protected test::PodMembership {
 protected:
  int Draw(int below) { return static_cast<int>(random_() % below); }

  // What the cluster does; what we are told of it is another matter.
  void Change() {
    const std::string name = "c" + std::to_string(Draw(5));
    const auto at = cluster_.find(name);
    if (at == cluster_.end()) {
      PodOf pod(name, "u" + std::to_string(next_uid_++));
      cluster_.emplace(name, Draw(2) ? pod.Phase("Pending")
                                     : pod.NotReady(seconds(Draw(50) - 5)));
      return;
    }
    PodObservation& pod = *at->second.pod;
    switch (Draw(8)) {
      case 0:
        if (pod.deleted) ended_.push_back(pod.uid);
        cluster_.erase(at);  // or deselected
        break;
      case 1:
        pod.deleted = true;
        break;
      case 2:
        pod.phase = Draw(2) ? "Failed" : "Unknown";
        pod.ready = false;
        break;
      default:
        if (pod.phase != "Failed") {
          pod.phase = "Running";
          pod.ready = Draw(2) == 0;
          pod.not_ready_for = seconds(pod.ready ? 0 : Draw(50));
        }
    }
  }
  List Listed() {
    List list;
    for (const auto& [name, pod] : cluster_) list.push_back(pod);
    std::shuffle(list.begin(), list.end(), random_);
    return list;
  }
  void Compare(const std::set<MemberId>& gone) {
    std::map<std::string, State> states, expected;
    for (const auto& [name, member] : membership_.members()) {
      states[name] = member.state;
    }
    for (const auto& [name, member] : model_.members) {
      expected[name] = member.state;
    }
    ASSERT_EQ(states, expected);
    for (const auto& [name, member] : model_.members) {
      const auto [at, added] = ids_.try_emplace(member.life, Member(name).id);
      ASSERT_EQ(at->second, Member(name).id) << name;
      ASSERT_EQ(Member(name).uid, member.uid);
      ASSERT_EQ(Member(name).changed, At(member.changed)) << name;
      ASSERT_EQ(Member(name).reason.empty(), member.state == State::kLive);
    }
    for (const auto& [name, pod] : model_.pods) {
      ASSERT_NE(membership_.left_out().contains(name),
                membership_.members().contains(name))
          << name;
    }
    std::set<MemberId> expected_gone;
    for (const int life : std::exchange(model_.gone, {})) {
      // One that came and went within a step was never seen.
      if (ids_.contains(life)) expected_gone.insert(ids_.at(life));
    }
    ASSERT_EQ(gone, expected_gone);
  }

  std::mt19937 random_{static_cast<std::uint32_t>(GetParam())};
  std::map<std::string, MemberObservation> cluster_;
  std::vector<std::string> ended_;
  int next_uid_ = 0;
  Model model_;
  std::map<int, MemberId> ids_;
};

TEST_P(RandomPodsTest, AgreeWithAModelThatCountsSeconds) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  bool first = true;
  int outage_until = 5;
  int drained = 0, graced = 0;
  for (int now = 1; now < 3'000; ++now) {
    std::set<MemberId> gone;
    const auto note = [&](const std::vector<MemberId>& ids) {
      gone.insert(ids.begin(), ids.end());
    };
    model_.Second(now);
    // As its caller does: not before it asked for it.
    if (const auto deadline = membership_.Deadline();
        deadline && *deadline <= At(now)) {
      note(membership_.Advance(At(now)));
    }
    if (Draw(4) == 0) Change();
    if (Draw(200) == 0) outage_until = now + Draw(60);
    if (now >= outage_until && Draw(2) == 0) {
      const List list = Listed();
      model_.Observe(list, ended_, first, now);
      note(Observe(list, now, std::exchange(ended_, {})));
      first = false;
    }
    if (Draw(10) == 0) {
      const std::string name = "c" + std::to_string(Draw(5));
      model_.Polled(name, now);
      note(Poll(name, now));
    }
    if (Draw(200) == 0) {
      model_.grace = Draw(3) * 20;
      model_.Judge(now);
      membership_.SetNotReadyGrace(seconds(model_.grace), At(now));
      note(membership_.Advance(At(now)));
    }
    Compare(gone);
    if (HasFatalFailure()) {
      ADD_FAILURE() << "at second " << now;
      return;
    }
    if (const auto deadline = membership_.Deadline()) {
      ASSERT_GT(*deadline, At(now));
    }
    for (const auto& [name, member] : model_.members) {
      drained += member.state == State::kDraining;
      graced += member.state == State::kGrace;
    }
  }
  EXPECT_GT(drained, 100);
  EXPECT_GT(graced, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPodsTest, ::testing::Range(0, 20));

}  // namespace
}  // namespace ta
