#include "allocator/members_key.h"

#include <variant>

namespace ta {
namespace {

struct Visitor {
  std::string operator()(const PodMembers& pods) const {
    std::string key = pods.has_selector ? "pods:" : "no pods:";
    for (const std::string& part :
         {pods.collector_namespace, pods.selector, pods.kube_config_path}) {
      key += std::to_string(part.size()) + ':' + part;
    }
    return key;
  }
  std::string operator()(const StaticMembers& members) const {
    std::string key = "static:";
    for (const StaticCollector& collector : members.collectors) {
      key += std::to_string(collector.name.size()) + ':' + collector.name +
             std::to_string(collector.node.size()) + ':' + collector.node;
    }
    return key;
  }
  std::string operator()(const FileMembers& file) const {
    return "file:" + file.path;
  }
  std::string operator()(const PollingMembers& polling) const {
    return "polling:" + std::to_string(polling.poll_timeout.count()) + "ms";
  }
};

}  // namespace

std::string MembersKey(const MembersConfig& config) {
  return std::visit(Visitor(), config);
}

}  // namespace ta
