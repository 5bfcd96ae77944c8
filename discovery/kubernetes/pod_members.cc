#include "discovery/kubernetes/pod_members.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

namespace ta::kubernetes {
namespace {

MemberObservation ObservationOf(const Pod& pod,
                                std::chrono::system_clock::time_point now) {
  MemberObservation seen;
  seen.name = pod.name();
  seen.node = pod.node_name();
  PodObservation& says = seen.pod.emplace();
  says.uid = pod.uid();
  says.phase = pod.phase();
  says.deleted = pod.deleted;
  says.ready = pod.ready() == "true";
  if (!says.ready && pod.ready_since) {
    // Whatever it says, a difference of years must not overflow.
    says.not_ready_for = std::chrono::duration_cast<Duration>(std::clamp(
        std::chrono::floor<std::chrono::seconds>(now) - *pod.ready_since,
        std::chrono::seconds(0), std::chrono::seconds(std::chrono::hours(24))));
  }
  return seen;
}

// But for the time, which goes on by itself.
bool SayTheSame(const std::vector<MemberObservation>& a,
                const std::vector<MemberObservation>& b) {
  return std::ranges::equal(
      a, b, [](const MemberObservation& x, MemberObservation y) {
        y.pod->not_ready_for = x.pod->not_ready_for;
        return x == y;
      });
}

}  // namespace

PodMembersFeed::PodMembersFeed(std::string source, const Scope& scope,
                               WatchPool& pool, Send send,
                               Deferred::Defer defer, WallClock now)
    : source_(std::move(source)),
      send_(std::move(send)),
      now_(std::move(now)),
      watch_(pool.Acquire(scope)),
      flush_(std::move(defer), [this] { Flush(); }) {
  assert(scope.resource == Resource::kPods);
  watch_->store().AddListener(this);
  watch_->AddObserver(this);
  flush_.Soon();  // another may have filled the store already
}

PodMembersFeed::~PodMembersFeed() {
  watch_->store().RemoveListener(this);
  watch_->RemoveObserver(this);
}

void PodMembersFeed::Changed(const Store&, const Object* before,
                             const Object* now) {
  if (before == nullptr) return;
  const Pod& pod = As<Pod>(*before);
  const bool is_gone = now == nullptr || As<Pod>(*now).uid() != pod.uid();
  // Without a deletion timestamp it may be that only its labels changed.
  if (is_gone && pod.deleted) ended_.emplace_back(pod.uid());
}

void PodMembersFeed::Settled(const Store&) { flush_.Soon(); }

void PodMembersFeed::Stepped(const SharedWatch& watch) {
  if (watch.health().problem != problem_) flush_.Soon();
}

void PodMembersFeed::Flush() {
  MembersUpdate update;
  update.source = source_;
  update.complete = false;
  update.problem = watch_->health().problem;
  if (watch_->store().synced()) {
    std::string twice;
    auto list = List(twice);
    if (update.problem.empty()) update.problem = std::move(twice);
    update.complete = !sent_any_ || !ended_.empty() || !SayTheSame(list, sent_);
    if (update.complete) {
      sent_any_ = true;
      sent_ = list;
      update.members = std::move(list);
      update.ended_pods = std::exchange(ended_, {});
    }
  }
  if (!update.complete && update.problem == problem_) return;
  problem_ = update.problem;
  send_(std::move(update));
}

std::vector<MemberObservation> PodMembersFeed::List(std::string& twice) const {
  std::vector<const Pod*> pods;
  watch_->store().ForEach(
      [&](const Object& object) { pods.push_back(&As<Pod>(object)); });
  // By key would put "a-b/x" before "a/x".
  std::ranges::sort(pods, {}, [](const Pod* pod) {
    return std::pair(pod->ns(), pod->name());
  });
  std::set<std::string_view> names;
  std::vector<MemberObservation> list;
  const auto now = now_();
  for (const Pod* pod : pods) {
    if (names.insert(pod->name()).second) {
      list.push_back(ObservationOf(*pod, now));
    } else if (twice.empty()) {
      twice = "pod " + pod->key +
              " is left out: one of its name is selected in another namespace, "
              "and who asks is known by the name alone";
    }
  }
  return list;
}

}  // namespace ta::kubernetes
