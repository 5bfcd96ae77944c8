// What our kubernetes_sd_configs find in a cluster, as it changes: the half of
// kubernetes_oracle_test.py that is ours. The other half is `oracle follow`
// (test/oracle/kubernetes_live.go), which asks and answers alike.
//
//     kubernetes_groups FILE
//
// FILE is a configuration of Prometheus whose kubernetes_sd_configs have a
// kubeconfig_file. A line "dump" is answered with all groups, "changed" with
// those that came, changed or went since it was asked last, each answer in one
// line: [{"job":…,"source":…,"labels":{…},"targets":[{…},…]},…].

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocator/config/load.h"
#include "allocator/config/schema.h"
#include "allocator/json_string.h"
#include "allocator/target_group.h"
#include "discovery/file_read.h"
#include "discovery/kubernetes/client.h"
#include "discovery/kubernetes/kubeconfig.h"
#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/reflector_runner.h"
#include "discovery/kubernetes/role_discovery.h"
#include "discovery/kubernetes/watch_pool.h"

namespace ta::kubernetes {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "kubernetes_groups: %s\n", why.c_str());
  std::exit(1);
}

void AppendLabels(const Labels& labels, std::string& out) {
  out += '{';
  for (const auto& [name, value] : labels) {
    if (out.back() != '{') out += ',';
    AppendJsonString(name, out);
    out += ':';
    AppendJsonString(value, out);
  }
  out += '}';
}

// What there is now, of all jobs. Thread-safe.
class Groups {
 public:
  void Take(const std::string& job, std::vector<TargetGroup> groups) {
    const std::lock_guard lock(mutex_);
    for (TargetGroup& group : groups) {
      const Key key(job, group.source);
      changed_.insert(key);
      if (group.targets.empty()) {
        groups_.erase(key);
      } else {
        groups_[key] = std::move(group);
      }
    }
  }
  std::string Dump() {
    const std::lock_guard lock(mutex_);
    std::string out = "[";
    for (const auto& [key, group] : groups_) Append(key, &group, out);
    return out + ']';
  }
  std::string Changed() {
    const std::lock_guard lock(mutex_);
    std::string out = "[";
    for (const Key& key : std::exchange(changed_, {})) {
      const auto found = groups_.find(key);
      Append(key, found == groups_.end() ? nullptr : &found->second, out);
    }
    return out + ']';
  }

 private:
  using Key = std::pair<std::string, std::string>;  // job and source

  static void Append(const Key& key, const TargetGroup* group,
                     std::string& out) {
    if (out.back() != '[') out += ',';
    out += R"({"job":)";
    AppendJsonString(key.first, out);
    out += R"(,"source":)";
    AppendJsonString(key.second, out);
    out += R"(,"labels":)";
    AppendLabels(group == nullptr ? Labels() : group->labels, out);
    out += R"(,"targets":[)";
    if (group != nullptr) {
      for (const Labels& target : group->targets) {
        if (out.back() != '[') out += ',';
        AppendLabels(target, out);
      }
    }
    out += "]}";
  }

  std::mutex mutex_;  // guards what follows
  std::map<Key, TargetGroup> groups_;
  std::set<Key> changed_;
};

// One kubernetes_sd_configs entry of a job.
struct Wanted {
  std::string job;
  std::string kubeconfig;
  RoleConfig role;
  std::vector<std::string> namespaces;
};

Wanted ReadWanted(std::string_view job, const Value& config) {
  Wanted wanted{std::string(job), config.at("kubeconfig_file").text, {}, {}};
  const auto role_of = [](const Value& value) {
    const auto kind = RoleNamed(value.at("role").text);
    if (!kind) Die("no role");
    return *kind;
  };
  wanted.role.kind = role_of(config);
  const Value& attach = config.at("attach_metadata");
  wanted.role.attach = {.node = attach.at("node").flag,
                        .ns = attach.at("namespace").flag,
                        .deployment = attach.at("deployment").flag,
                        .job = attach.at("job").flag,
                        .cron_job = attach.at("cronjob").flag};
  for (const Value& selector : config.at("selectors").items) {
    wanted.role.selectors[role_of(selector)] = {selector.at("label").text,
                                                selector.at("field").text};
  }
  for (const Value& name : config.at("namespaces").at("names").items) {
    wanted.namespaces.push_back(name.text);
  }
  if (wanted.namespaces.empty()) wanted.namespaces.emplace_back();
  return wanted;
}

std::vector<Wanted> ReadConfig(const std::string& file) {
  const Result<std::string> text = ReadFile(file);
  if (!text) Die(text.error().message);
  std::vector<Wanted> wanted;
  LoadOptions options;
  options.inspect = [&](std::string_view job, const Value& config) {
    if (job.empty()) return;
    for (const Value& each : config.at("kubernetes_sd_configs").items) {
      wanted.push_back(ReadWanted(job, each));
    }
  };
  if (const auto config = LoadConfig(file, *text, options); !config) {
    Die(config.error().front().message);
  }
  return wanted;
}

// Fills a store over the network.
class NetworkFiller final : public StoreFiller {
 public:
  NetworkFiller(boost::asio::any_io_executor executor, Store& store,
                ListerWatcher& lister, std::function<void()> on_step)
      : runner_(std::move(executor), store, lister, {}) {
    runner_.Start(std::move(on_step));
  }
  const ReflectorHealth& health() const override { return runner_.health(); }

 private:
  ReflectorRunner runner_;
};

int Run(const std::string& file) {
  const std::vector<Wanted> wanted = ReadConfig(file);
  if (wanted.empty()) Die("no kubernetes_sd_configs");
  Groups groups;
  boost::asio::io_context loop;
  const auto settings =
      FindCluster(wanted.front().kubeconfig,
                  {[](auto) { return static_cast<const char*>(nullptr); }});
  if (!settings) Die(settings.error().message);
  auto client = ApiClient::Make(loop.get_executor(), *settings, {});
  if (!client) Die(client.error().message);
  const auto lister = MakeListerWatcher(**client);
  WatchPool pool([&](Store& store, std::function<void()> on_step) {
    return std::make_unique<NetworkFiller>(loop.get_executor(), store, *lister,
                                           std::move(on_step));
  });
  std::vector<std::unique_ptr<RoleDiscovery>> running;
  for (const Wanted& each : wanted) {
    running.push_back(std::make_unique<RoleDiscovery>(
        each.role, each.namespaces, pool,
        [&groups, job = each.job](RoleUpdate update) {
          if (!update.problem.empty()) {
            std::fprintf(stderr, "job %s: %s\n", job.c_str(),
                         update.problem.c_str());
          }
          groups.Take(job, std::move(update.groups));
        },
        [&](std::function<void()> later) {
          boost::asio::post(loop, std::move(later));
        }));
  }
  const auto guard = boost::asio::make_work_guard(loop);
  std::thread thread([&] { loop.run(); });
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << (line == "dump" ? groups.Dump() : groups.Changed())
              << std::endl;
  }
  loop.stop();
  thread.join();
  return 0;
}

}  // namespace
}  // namespace ta::kubernetes

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kubernetes_groups FILE\n");
    return 2;
  }
  return ta::kubernetes::Run(argv[1]);
}
