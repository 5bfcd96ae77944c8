#include "test/discovery/kubernetes/role_case.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "test/discovery/kubernetes/read_objects.h"

namespace ta::test {
namespace {

namespace dom = simdjson::dom;
using kubernetes::Resource;

void Require(bool good, std::string_view what) {
  if (good) return;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

dom::element Parse(dom::parser& parser, std::string_view json) {
  dom::element root;
  Require(parser.parse(json.data(), json.size()).get(root) == simdjson::SUCCESS,
          json);
  return root;
}

std::string_view Text(simdjson::simdjson_result<dom::element> of) {
  std::string_view text;
  return of.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool Flag(simdjson::simdjson_result<dom::element> of) {
  bool flag = false;
  return of.get(flag) == simdjson::SUCCESS && flag;
}

Resource ResourceOf(std::string_view kind) {
  for (int i = 0; i < kubernetes::kResourceCount; ++i) {
    const auto resource = static_cast<Resource>(i);
    if (kubernetes::InfoOf(resource).kind == kind) return resource;
  }
  Require(false, kind);
  return {};
}

std::string Line(std::string_view name, std::string_view value) {
  return "  " + std::string(name) + "=" + std::string(value) + "\n";
}

std::string GroupText(std::string labels, std::vector<std::string> targets) {
  std::sort(targets.begin(), targets.end());
  for (const std::string& target : targets) labels += "target\n" + target;
  return labels;
}

std::string LabelsText(const Labels& labels) {
  std::string text;
  for (const auto [name, value] : labels) text += Line(name, value);
  return text;
}

std::string LabelsText(const dom::element& json) {
  std::map<std::string, std::string> sorted;
  for (const auto field : dom::object(json)) {
    sorted.emplace(field.key, std::string_view(field.value));
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += Line(name, value);
  return text;
}

}  // namespace

Cluster::Cluster(kubernetes::RoleKind kind,
                 const kubernetes::AttachMetadata& attach) {
  for (int i = 0; i < kubernetes::kResourceCount; ++i) {
    stores_.push_back(std::make_unique<kubernetes::Store>(
        kubernetes::Scope{static_cast<Resource>(i)}));
  }
  kubernetes::RoleStores used;
  for (const auto& scope :
       kubernetes::ScopesOf({.kind = kind, .attach = attach}, "")) {
    used[scope.resource] = &store(scope.resource);
  }
  role_ = std::make_unique<kubernetes::Role>(kind, attach, used);
}

void Cluster::Add(std::string_view json) {
  dom::parser parser;
  const auto resource = ResourceOf(Text(Parse(parser, json)["kind"]));
  store(resource).Upsert(ReadObject(resource, json));
}

GroupTexts FoundGroups(const Cluster& cluster) {
  GroupTexts groups;
  cluster.role().main().ForEach([&](const kubernetes::Object& object) {
    const TargetGroup group = cluster.role().Build(object.key);
    if (group.targets.empty() && !group.invalid.empty()) return;
    std::vector<std::string> targets;
    for (const Labels& target : group.targets) {
      targets.push_back(LabelsText(target));
    }
    groups.emplace(group.source,
                   GroupText(LabelsText(group.labels), std::move(targets)));
  });
  return groups;
}

GroupTexts ExpectedGroups(std::string_view answer_json) {
  dom::parser parser;
  const dom::element root = Parse(parser, answer_json);
  Require(Text(root["error"]).empty(), answer_json);
  GroupTexts groups;
  for (const dom::element group : dom::array(root["groups"])) {
    std::vector<std::string> targets;
    for (const dom::element target : dom::array(group["targets"])) {
      targets.push_back(LabelsText(target));
    }
    groups.emplace(Text(group["source"]),
                   GroupText(LabelsText(group["labels"]), std::move(targets)));
  }
  return groups;
}

std::unique_ptr<Cluster> ReadCluster(std::string_view request_json) {
  dom::parser parser;
  const dom::element root = Parse(parser, request_json);
  const auto kind = kubernetes::RoleNamed(Text(root["role"]));
  Require(kind.has_value(), request_json);
  const auto attach = root["attach_metadata"];
  auto cluster = std::make_unique<Cluster>(
      *kind,
      kubernetes::AttachMetadata{.node = Flag(attach["node"]),
                                 .ns = Flag(attach["namespace"]),
                                 .deployment = Flag(attach["deployment"]),
                                 .job = Flag(attach["job"]),
                                 .cron_job = Flag(attach["cronjob"])});
  for (const dom::element object : dom::array(root["objects"])) {
    cluster->Add(simdjson::minify(object));
  }
  return cluster;
}

std::string Difference(const GroupTexts& found, const GroupTexts& expected) {
  std::string text;
  for (const auto& [source, group] : expected) {
    const auto ours = found.find(source);
    if (ours == found.end()) {
      text += source + " is missing\n";
    } else if (ours->second != group) {
      text +=
          source + " is\n" + ours->second + "but should be\n" + group + "\n";
    }
  }
  for (const auto& [source, group] : found) {
    if (!expected.contains(source)) text += source + " should not be\n";
  }
  return text;
}

}  // namespace ta::test
