// Relabeling as the oracle is asked about it: requests and answers in JSON
// (test/oracle/relabel.go), and the same thing done by us.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/relabel.h"

namespace ta::test {

using LabelMap = std::map<std::string, std::string>;

Labels ToLabels(const LabelMap& map);
LabelMap ToMap(const Labels& labels);

// One scrape config and the targets of one group.
struct RelabelRequest {
  std::vector<RelabelConfig> rules;
  LabelMap group;
  std::vector<LabelMap> targets;
  std::string json;  // as the oracle reads it
  // Labels may be no UTF-8, which JSON can't say: each byte is sent as the
  // character of its number. In `group` and `targets` here it is a byte.
  bool bytes = false;
  bool with_params = false;  // the scrape config has some `params`
};

// What became of a target: Prometheus says no more.
struct RelabelResult {
  LabelMap labels;  // if it was kept
  bool dropped = false;
  std::string error;
  auto operator<=>(const RelabelResult&) const = default;
};
std::string ToString(const RelabelResult& result);

struct RelabelAnswer {
  std::string error;  // of the rules
  LabelMap seeds;
  std::vector<std::vector<RelabelResult>> results;  // any of them is right
};

// Reads input.json; a mistake in it ends the test run with a message.
RelabelRequest ParseRequest(std::string_view json);
// Reads expected.json, or a line of the oracle.
RelabelAnswer ParseAnswer(std::string_view json);

// Writes a request for the oracle, as one line; `runs`: how often it asks.
std::string WriteRequest(const RelabelRequest& request, int runs);
std::string JsonString(std::string_view text);

// What we make of one target.
RelabelResult Relabel(const Relabeler& relabeler, const LabelMap& group,
                      const LabelMap& own, RelabelBuffer& buffer);

// Compares all of a request with the answer. Returns what differs, "" if
// nothing does.
std::string Compare(const RelabelRequest& request, const RelabelAnswer& answer);

std::string ReadFile(const std::string& path);
// Runs `oracle command` on the lines of `input`; its lines.
std::vector<std::string> AskOracle(const std::string& command,
                                   const std::string& input);
// The oracle's path, "" if there is none: $TA_ORACLE, else build/oracle.
std::string OraclePath();
// Of random tests against it: $TA_SEED repeats or varies a run, else 1. Prints
// it.
unsigned Seed();

}  // namespace ta::test
