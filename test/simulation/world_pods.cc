// Collectors that are pods: what their cluster does with them, and what is
// heard of it.

#include <algorithm>
#include <utility>

#include "allocator/members_key.h"
#include "test/simulation/world.h"
#include "test/support/pods.h"

namespace ta::test {

// A new process. It polls before its status says that it runs.
void World::AddPod(const std::string& name) {
  PodOf pod(name, "uid-" + std::to_string(next_uid_++));
  pod.NotReady().On(listed_.at(name));
  if (Chance(30)) pod.Phase("Pending");
  pods_[name] = {pod, now_, now_ + Seconds(Draw(20))};
  deselected_.erase(name);
  pods_changed_ = true;
}

// One that is told to end, or deselected, ends when it is served nothing any
// more. One that dies is deleted by force, or after it was told to.
void World::EndPod(const std::string& name, bool told_to_end) {
  const auto at = pods_.find(name);
  pods_changed_ = true;
  if (told_to_end && Chance(70)) {
    at->second.seen.pod->deleted = true;
    return;
  }
  if (told_to_end) {
    deselected_[name] = at->second;
  } else if (Chance(50)) {
    ended_pods_.push_back(at->second.seen.pod->uid);
  }
  pods_.erase(at);
}

void World::ChangePods() {
  const int what = Draw(10);
  if (what == 0) {
    outage_until_ = now_ + Seconds(Draw(60));
    return;
  }
  if (what == 1 && !deselected_.empty()) {
    const auto at = deselected_.begin();
    listed_[at->first] = at->second.seen.node;
    leaving_.erase(at->first);
    pods_.insert(deselected_.extract(at));
    pods_changed_ = true;
    return;
  }
  if (listed_.empty()) return;
  const auto listed =
      std::next(listed_.begin(), Draw(static_cast<int>(listed_.size())));
  const std::string& name = listed->first;
  if (what == 2 && options_.unplanned) {
    // As by a StatefulSet: the same name, another process, maybe elsewhere.
    const Seconds refresh = scrapers_.at(name).refresh();
    scrapers_.erase(name);
    scrapers_.emplace(name, Scraper(name, refresh, now_));
    listed->second = RandomNode();
    AddPod(name);
    Unplanned();
    return;
  }
  PodState& pod = pods_.at(name);
  if (!pod.seen.pod->ready) return;
  pod.seen.pod->ready = false;
  pod.readiness_since = now_;
  pod.ready_at = now_ + Seconds(Draw(80));
  pods_changed_ = true;
}

void World::RunPods() {
  for (auto& [name, pod] : pods_) {
    if (!pod.ready_at || *pod.ready_at > now_ || pod.seen.pod->deleted) {
      continue;
    }
    pod.ready_at.reset();
    pod.readiness_since = now_;
    pod.seen.pod->phase = "Running";
    pod.seen.pod->ready = true;
    pods_changed_ = true;
  }
  if (snapshot_ == nullptr || now_ < outage_until_) return;
  if (members_told_ ? !pods_changed_ : !Chance(50)) return;
  members_told_ = true;
  next_.members.push_back(PodsNow());
}

MembersUpdate World::PodsNow() {
  pods_changed_ = false;
  MembersUpdate update;
  update.source = MembersKey(config_->members);
  update.ended_pods = std::exchange(ended_pods_, {});
  for (auto& [name, pod] : pods_) {
    MemberObservation seen = pod.seen;
    if (!seen.pod->ready) seen.pod->not_ready_for = now_ - pod.readiness_since;
    update.members.push_back(std::move(seen));
  }
  std::shuffle(update.members.begin(), update.members.end(), random_);
  return update;
}

}  // namespace ta::test
