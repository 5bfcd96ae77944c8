// Random clusters, seen by us and by Prometheus.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/allocator/relabel_case.h"
#include "test/discovery/kubernetes/role_case.h"
#include "test/discovery/kubernetes/zoo.h"

namespace ta::kubernetes {
namespace {

TEST(RoleOracleTest, RandomClustersHaveTheGroupsThatPrometheusFinds) {
  if (test::OraclePath().empty()) {
    GTEST_SKIP() << "no oracle: run test/oracle/build.sh";
  }
  const unsigned seed = test::Seed();
  test::ZooMaker zoo(seed);
  std::vector<std::string> requests;
  std::string input;
  for (int i = 0; i < 400; ++i) {
    for (const std::string_view role :
         {"node", "pod", "service", "endpoints", "endpointslice", "ingress"}) {
      requests.push_back(zoo.Request(role));
      input += requests.back() + "\n";
    }
  }
  const auto answers = test::AskOracle("kubernetes", input);
  ASSERT_EQ(answers.size(), requests.size());
  std::size_t groups = 0;
  std::size_t targets = 0;
  int failures = 0;
  for (std::size_t i = 0; i < requests.size() && failures < 3; ++i) {
    const auto expected = test::ExpectedGroups(answers[i]);
    const auto found = test::FoundGroups(*test::ReadCluster(requests[i]));
    const std::string difference = test::Difference(found, expected);
    EXPECT_EQ(difference, "") << "seed " << seed << ", request\n"
                              << requests[i];
    failures += !difference.empty();
    groups += found.size();
    for (const auto& [source, text] : found) {
      for (auto at = text.find("target\n"); at != std::string::npos;
           at = text.find("target\n", at + 1))
        ++targets;
    }
  }
  // Else the loop proved little.
  EXPECT_GT(groups, 10'000u);
  EXPECT_GT(targets, 20'000u);
}

}  // namespace
}  // namespace ta::kubernetes
