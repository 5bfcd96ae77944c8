#include "discovery/members.h"

#include <cstdlib>
#include <utility>
#include <variant>

#include "allocator/members_key.h"
#include "discovery/collectors_file.h"
#include "discovery/kubernetes/pod_members_source.h"

namespace ta {
namespace {

class StaticMembersSource final : public Discoverer {
 public:
  StaticMembersSource(const StaticMembers& settings, UpdateSink* sink)
      : sink_(sink) {
    update_.source = MembersKey(settings);
    for (const StaticCollector& collector : settings.collectors) {
      update_.members.push_back({collector.name, collector.node});
    }
  }

  void Start() override { sink_->Members(std::move(update_)); }
  void Stop() override {}

 private:
  MembersUpdate update_;
  UpdateSink* const sink_;
};

}  // namespace

std::unique_ptr<Discoverer> MakeMembersSource(const MembersConfig& config,
                                              FileWatch* watch,
                                              kubernetes::Hub* hub,
                                              UpdateSink* sink) {
  if (const auto* fixed = std::get_if<StaticMembers>(&config)) {
    return std::make_unique<StaticMembersSource>(*fixed, sink);
  }
  if (const auto* file = std::get_if<FileMembers>(&config)) {
    return std::make_unique<CollectorsFile>(*file, watch, sink);
  }
  if (const auto* pods = std::get_if<PodMembers>(&config)) {
    return std::make_unique<kubernetes::PodMembersSource>(*pods, hub, sink);
  }
  return nullptr;
}

Result<void> CheckMembersSource(const MembersConfig& config) {
  const auto* pods = std::get_if<PodMembers>(&config);
  if (pods == nullptr) return {};
  return kubernetes::CheckCluster(
      *pods, {.get_env = [](const char* name) { return std::getenv(name); }});
}

}  // namespace ta
