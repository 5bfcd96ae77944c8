#include "discovery/kubernetes/pod_members_source.h"

#include <utility>

#include "allocator/members_key.h"
#include "discovery/kubernetes/pod_members.h"

namespace ta::kubernetes {

PodMembersSource::PodMembersSource(const PodMembers& settings, Hub* hub,
                                   UpdateSink* sink)
    : settings_(settings),
      source_(MembersKey(settings)),
      hub_(hub),
      sink_(sink) {}

PodMembersSource::~PodMembersSource() { Stop(); }

void PodMembersSource::Start() {
  if (!settings_.has_selector) {
    MembersUpdate nobody;
    nobody.source = source_;
    nobody.problem =
        "collector_selector is not set, so that no pod is a collector";
    sink_->Members(std::move(nobody));
    return;
  }
  session_ = hub_->Open(
      {ClusterSource::Kind::kFound, settings_.kube_config_path},
      [this](Connection& connection) -> Result<Hub::User> {
        return std::make_shared<PodMembersFeed>(
            source_,
            Scope{Resource::kPods, settings_.collector_namespace,
                  settings_.selector},
            connection.pool(),
            [this](MembersUpdate update) { sink_->Members(std::move(update)); },
            connection.defer());
      },
      [this](const std::string& problem) { SendProblem(problem); });
}

void PodMembersSource::Stop() {
  if (session_ != nullptr) session_->Close();
}

void PodMembersSource::SendProblem(const std::string& problem) {
  MembersUpdate update;
  update.source = source_;
  update.complete = false;
  update.problem = problem;
  sink_->Members(std::move(update));
}

Result<void> CheckCluster(const PodMembers& settings,
                          const ClusterPlaces& places) {
  if (!settings.has_selector || !settings.kube_config_path.empty()) return {};
  auto found = FindCluster("", places);
  if (found) return {};
  return std::unexpected(
      Error{found.error().code,
            "without static, file or polling they are pods, and there is no "
            "cluster to find them in: " +
                found.error().message +
                "; or name a kubeconfig file in kube_config_file_path"}
          .Within("collectors"));
}

}  // namespace ta::kubernetes
