#include "discovery/manager.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <variant>

#include "allocator/base/log.h"
#include "allocator/members_key.h"
#include "discovery/members.h"
#include "discovery/static.h"

namespace ta {
namespace {

std::unique_ptr<Discoverer> MakeStatic(const DiscoveryConfig& config,
                                       const DiscovererContext& context) {
  return std::make_unique<StaticDiscoverer>(
      config.key, std::get<StaticDiscovery>(config.settings), context.sink);
}

std::unique_ptr<Discoverer> MakeFile(const DiscoveryConfig& config,
                                     const DiscovererContext& context) {
  return std::make_unique<FileDiscoverer>(
      config.key, std::get<FileDiscovery>(config.settings), context.watch,
      context.sink, context.file_counters);
}

struct Mechanism {
  std::string_view name;  // DiscoveryConfig::mechanism
  std::unique_ptr<Discoverer> (*make)(const DiscoveryConfig&,
                                      const DiscovererContext&);
};

// By name. To add one: its file, its settings in config.h, and a line here.
constexpr std::array kMechanisms = {
    Mechanism{"file", MakeFile},
    Mechanism{"static", MakeStatic},
};

}  // namespace

std::unique_ptr<Discoverer> MakeDiscoverer(const DiscoveryConfig& config,
                                           const DiscovererContext& context) {
  if (std::holds_alternative<UnimplementedDiscovery>(config.settings)) {
    return nullptr;
  }
  const auto it =
      std::ranges::find(kMechanisms, config.mechanism, &Mechanism::name);
  return it == kMechanisms.end() ? nullptr : it->make(config, context);
}

std::vector<std::string> ImplementedMechanisms() {
  std::vector<std::string> names;
  for (const Mechanism& mechanism : kMechanisms) {
    names.emplace_back(mechanism.name);
  }
  return names;
}

DiscoveryManager::DiscoveryManager(UpdateSink* sink,
                                   FileWatch::Options watch_options,
                                   DiscovererFactory factory)
    : sink_(sink), watch_(watch_options), factory_(std::move(factory)) {}

DiscoveryManager::~DiscoveryManager() { Stop(); }

void DiscoveryManager::Apply(const Config& config) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  current_.clear();
  const DiscovererContext context{sink_, &watch_, &file_counters_};
  for (const auto& job : config.jobs) {
    for (const DiscoveryConfig& discovery : job->discoveries) {
      if (!current_.insert(discovery.key).second) continue;
      if (running_.contains(discovery.key)) continue;
      std::unique_ptr<Discoverer> discoverer = factory_(discovery, context);
      if (discoverer == nullptr) continue;
      Log(Level::kDebug, "discoverer started",
          {{"mechanism", discovery.mechanism}, {"discoverer", discovery.key}});
      in_use_.insert(discovery.key);
      running_.emplace(discovery.key, std::move(discoverer))
          .first->second->Start();
    }
  }
  StopUnneeded();

  std::string key = MembersKey(config.members);
  if (old_members_ != nullptr) old_members_->Stop();
  old_members_.reset();
  if (key == members_key_) return;
  members_key_ = std::move(key);
  old_members_ = std::move(members_);
  members_ = MakeMembersSource(config.members, &watch_, sink_);
  if (members_ != nullptr) members_->Start();
}

void DiscoveryManager::Retain(std::set<std::string> keys_in_use) {
  const std::lock_guard lock(mutex_);
  in_use_ = std::move(keys_in_use);
  StopUnneeded();
}

void DiscoveryManager::StopUnneeded() {
  std::erase_if(running_, [&](auto& entry) {
    const auto& [key, discoverer] = entry;
    if (current_.contains(key) || in_use_.contains(key)) return false;
    discoverer->Stop();
    Log(Level::kDebug, "discoverer stopped", {{"discoverer", key}});
    return true;
  });
}

void DiscoveryManager::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& [key, discoverer] : running_) discoverer->Stop();
  if (old_members_ != nullptr) old_members_->Stop();
  if (members_ != nullptr) members_->Stop();
  running_.clear();
  old_members_.reset();
  members_.reset();
  watch_.Stop();
}

std::vector<std::string> DiscoveryManager::Running() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, discoverer] : running_) keys.push_back(key);
  return keys;
}

}  // namespace ta
