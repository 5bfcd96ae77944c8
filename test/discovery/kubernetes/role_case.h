// A cluster at rest, a role that looks at it, and the target groups that it
// finds, as the oracle writes them (test/oracle/kubernetes.go).

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/kubernetes/role.h"
#include "discovery/kubernetes/store.h"

namespace ta::test {

// Stores with objects, and a role over them.
class Cluster {
 public:
  Cluster(kubernetes::RoleKind kind, const kubernetes::AttachMetadata& attach);

  kubernetes::Store& store(kubernetes::Resource resource) {
    return *stores_[static_cast<std::size_t>(resource)];
  }
  const kubernetes::Role& role() const { return *role_; }
  // Reads the object as one of its kind, which it must name.
  void Add(std::string_view json);

 private:
  std::vector<std::unique_ptr<kubernetes::Store>> stores_;
  std::unique_ptr<kubernetes::Role> role_;
};

// What a group shows, as text: its labels, then each target's, sorted.
using GroupTexts = std::map<std::string, std::string>;  // by source

// Groups of all main objects, and those which the oracle has answered. Groups
// that are empty because their object is invalid are left out: Prometheus sends
// nothing for those.
GroupTexts FoundGroups(const Cluster& cluster);
GroupTexts ExpectedGroups(std::string_view answer_json);

// The cluster in a request; one that can't be read ends the test run.
std::unique_ptr<Cluster> ReadCluster(std::string_view request_json);

// What differs, "" if nothing does.
std::string Difference(const GroupTexts& found, const GroupTexts& expected);

}  // namespace ta::test
