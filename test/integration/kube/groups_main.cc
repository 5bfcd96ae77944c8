// What our kubernetes_sd_configs find in a cluster, as it changes: the half of
// kubernetes_oracle_test.py that is ours, which is the program's own discovery
// without what comes after it. The other half is `oracle follow`
// (test/oracle/kubernetes_live.go), which asks and answers alike.
//
//     kubernetes_groups FILE
//
// FILE is a configuration of Prometheus. A line "dump" is answered with all
// groups, "changed" with those that came, changed or went since it was asked
// last, each answer in one line:
// [{"job":…,"source":…,"labels":{…},"targets":[{…},…]},…].

#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/config/load.h"
#include "allocator/json_string.h"
#include "allocator/target_group.h"
#include "discovery/file_read.h"
#include "discovery/manager.h"

namespace ta {
namespace {

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
class Groups final : public UpdateSink {
 public:
  // Discoverers feed every job that has one with their key.
  explicit Groups(const Config& config) {
    for (const auto& job : config.jobs) {
      for (const auto& discovery : job->discoveries) {
        jobs_[discovery.key].push_back(job->job_name);
      }
    }
  }

  void Discovered(DiscoveryUpdate update) override {
    const std::lock_guard lock(mutex_);
    for (const std::string& job : jobs_.at(update.discoverer)) {
      if (!update.problem.empty()) {
        std::fprintf(stderr, "job %s: %s\n", job.c_str(),
                     update.problem.c_str());
      }
      for (const TargetGroup& group : update.groups) {
        const Key key(job, group.source);
        changed_.insert(key);
        if (group.targets.empty()) {
          groups_.erase(key);
        } else {
          groups_[key] = group;
        }
      }
    }
  }
  void Members(MembersUpdate) override {}

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

  std::map<std::string, std::vector<std::string>> jobs_;  // by discoverer

  std::mutex mutex_;  // guards what follows
  std::map<Key, TargetGroup> groups_;
  std::set<Key> changed_;
};

int Run(const std::string& file) {
  const Result<std::string> text = ReadFile(file);
  if (!text) {
    std::fprintf(stderr, "kubernetes_groups: %s\n",
                 text.error().message.c_str());
    return 1;
  }
  const auto config = LoadConfig(file, *text, {});
  if (!config) {
    for (const Mistake& mistake : config.error()) {
      std::fprintf(stderr, "kubernetes_groups: %s\n", mistake.message.c_str());
    }
    return 1;
  }
  Groups groups(*config);
  DiscoveryManager manager(&groups);
  manager.Apply(*config);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << (line == "dump" ? groups.Dump() : groups.Changed())
              << std::endl;
  }
  manager.Stop();
  return 0;
}

}  // namespace
}  // namespace ta

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kubernetes_groups FILE\n");
    return 2;
  }
  return ta::Run(argv[1]);
}
