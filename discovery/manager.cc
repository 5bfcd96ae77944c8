#include "discovery/manager.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <utility>
#include <variant>

#include "allocator/base/log.h"
#include "allocator/members_key.h"
#include "discovery/dns.h"
#include "discovery/http.h"
#include "discovery/kubernetes/discoverer.h"
#include "discovery/members.h"
#include "discovery/refresh.h"
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

// Replicas that were started together don't ask in step.
std::uint64_t RandomSeed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// One that asks for `config` again and again, by the mechanism that `make`
// makes.
std::unique_ptr<Discoverer> MakePolled(const DiscoveryConfig& config,
                                       Duration interval,
                                       const DiscovererContext& context,
                                       PolledDiscoverer::MakeMechanism make) {
  auto series =
      context.refresh_counters->SeriesOf(config.mechanism, context.job);
  return std::make_unique<PolledDiscoverer>(
      PolledDiscoverer::Settings{config.key, config.mechanism, interval,
                                 RandomSeed(), std::move(series)},
      std::move(make), context.io, context.sink);
}

std::unique_ptr<Discoverer> MakeHttp(const DiscoveryConfig& config,
                                     const DiscovererContext& context) {
  const auto& settings = std::get<HttpDiscovery>(config.settings);
  return MakePolled(config, settings.refresh_interval, context,
                    [settings, counters = context.refresh_counters](
                        boost::asio::any_io_executor executor) {
                      return std::make_unique<HttpMechanism>(
                          settings, std::move(executor), counters);
                    });
}

std::unique_ptr<Discoverer> MakeDns(const DiscoveryConfig& config,
                                    const DiscovererContext& context) {
  const auto& settings = std::get<DnsDiscovery>(config.settings);
  return MakePolled(
      config, settings.refresh_interval, context,
      [settings, client = context.dns, counters = context.refresh_counters](
          boost::asio::any_io_executor executor) {
        return std::make_unique<DnsMechanism>(settings, std::move(executor),
                                              client, counters);
      });
}

std::unique_ptr<Discoverer> MakeKubernetes(const DiscoveryConfig& config,
                                           const DiscovererContext& context) {
  return std::make_unique<kubernetes::KubernetesDiscoverer>(
      config.key, std::get<KubernetesDiscovery>(config.settings), context.hub,
      context.sink);
}

struct Mechanism {
  std::string_view name;  // DiscoveryConfig::mechanism
  std::unique_ptr<Discoverer> (*make)(const DiscoveryConfig&,
                                      const DiscovererContext&);
};

// By name. To add one: its file, its settings in config.h, and a line here.
constexpr std::array kMechanisms = {
    Mechanism{"dns", MakeDns},       Mechanism{"file", MakeFile},
    Mechanism{"http", MakeHttp},     Mechanism{"kubernetes", MakeKubernetes},
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
                                   DiscovererFactory factory,
                                   kubernetes::HubOptions hub_options)
    : sink_(sink),
      watch_(watch_options),
      hub_(std::move(hub_options)),
      factory_(std::move(factory)) {}

DiscoveryManager::~DiscoveryManager() { Stop(); }

void DiscoveryManager::Apply(const Config& config) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  current_.clear();
  for (const auto& job : config.jobs) {
    for (const DiscoveryConfig& discovery : job->discoveries) {
      if (!current_.insert(discovery.key).second) continue;
      if (running_.contains(discovery.key)) continue;
      auto running = std::make_unique<RunningDiscoverer>(sink_, ++instances_);
      running->discoverer =
          factory_(discovery, {&running->gate, &watch_, &file_counters_, &hub_,
                               &io_, &refresh_counters_, &dns_, job->job_name});
      if (running->discoverer == nullptr) continue;
      Log(Level::kDebug, "discoverer started",
          {{"mechanism", discovery.mechanism}, {"discoverer", discovery.key}});
      in_use_.insert(discovery.key);
      running_.emplace(discovery.key, std::move(running))
          .first->second->discoverer->Start();
    }
  }
  StopUnneeded();
  ChangeMembersSource(config.members);
}

void DiscoveryManager::ChangeMembersSource(const MembersConfig& config) {
  std::string key = MembersKey(config);
  if (key == members_key_) return;
  members_key_ = std::move(key);
  if (members_ != nullptr) {
    // One that has not answered feeds nobody: what ran before it runs on.
    if (members_->gate.ShutUnlessAnswered()) {
      retirement_.Add(std::move(members_));
    } else {
      KeepOldMembers(std::move(members_));
    }
  }
  auto running = std::make_unique<RunningDiscoverer>(
      sink_, ++instances_, [this] { KeepOldMembers(nullptr); });
  running->discoverer =
      MakeMembersSource(config, &watch_, &hub_, &running->gate);
  if (running->discoverer == nullptr) {
    // It never answers, as nothing is waited for: the allocator has the old
    // members until it knows who polls, and hears nothing more of them.
    KeepOldMembers(nullptr);
    return;
  }
  members_ = std::move(running);
  members_->discoverer->Start();
}

// In place of the one that was kept before.
void DiscoveryManager::KeepOldMembers(std::unique_ptr<RunningDiscoverer> old) {
  {
    const std::lock_guard lock(old_members_mutex_);
    old_members_.swap(old);
  }
  retirement_.Add(std::move(old));
}

void DiscoveryManager::Retain(std::set<std::string> keys_in_use) {
  const std::lock_guard lock(mutex_);
  in_use_ = std::move(keys_in_use);
  StopUnneeded();
}

void DiscoveryManager::StopUnneeded() {
  for (auto it = running_.begin(); it != running_.end();) {
    const std::string& key = it->first;
    if (current_.contains(key) || in_use_.contains(key)) {
      ++it;
      continue;
    }
    Log(Level::kDebug, "discoverer stopped", {{"discoverer", key}});
    retirement_.Add(std::move(it->second));
    it = running_.erase(it);
  }
}

void DiscoveryManager::Stop() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true)) return;
  for (auto& [key, running] : running_) retirement_.Add(std::move(running));
  running_.clear();
  retirement_.Add(std::move(members_));
  KeepOldMembers(nullptr);
  retirement_.Stop();
  io_.Stop();
  watch_.Stop();
}

std::vector<std::string> DiscoveryManager::Running() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, running] : running_) keys.push_back(key);
  return keys;
}

}  // namespace ta
