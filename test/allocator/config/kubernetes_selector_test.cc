#include "allocator/config/kubernetes_selector.h"

#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

// Verdicts of apimachinery's labels.Parse.
TEST(LabelSelectorTest, TakesWhatKubernetesTakes) {
  for (const auto* selector : {"",
                               " ",
                               "a",
                               "!a",
                               "a=b",
                               "a==b",
                               "a!=b",
                               "a=",
                               "a,b",
                               "a in (b)",
                               "a in (b,c,)",
                               "a in (,)",
                               "a notin ()",
                               "a>5",
                               " a = b , !c ",
                               "a.b/c=d",
                               "x-y.z_1=A-b_c.9",
                               "a in(b)",
                               "in=in",
                               "notin in (in,notin)",
                               "a <5"})
    EXPECT_TRUE(CheckLabelSelector(selector).has_value()) << selector;
}

TEST(LabelSelectorTest, RefusesWhatKubernetesRefuses) {
  for (const auto* selector :
       {",",     "=b",     "a b",   "a in b", "a in (b", "a in (b c)",
        "a=b c", "!a=b",   "a=b=c", "-a",     "a/b/c",   "/a",
        "A/b",   "a..b/c", "a=-",   "a=b/c",  "a>b",     "a in (b))",
        "a,",    "a=(b)",  "!",     "a!b",    "a=b,,",   "a < -1"})
    EXPECT_FALSE(CheckLabelSelector(selector).has_value()) << selector;
  EXPECT_FALSE(CheckLabelSelector(std::string(64, 'a')).has_value());
}

TEST(FieldSelectorTest, TakesTermsWithAnOperator) {
  for (const auto* selector :
       {"", "a=b", "a==b", "a!=b", "metadata.name=x,spec.nodeName!=y",
        "a=", "a=b\\,c", "a=b\\=c\\\\", "a=b,", ",", "=b"})
    EXPECT_TRUE(CheckFieldSelector(selector).has_value()) << selector;
  for (const auto* selector :
       {"a", "a=b,c", "a=b=c", "a=b\\c", "a=\\", "a===b"})
    EXPECT_FALSE(CheckFieldSelector(selector).has_value()) << selector;
}

}  // namespace
}  // namespace ta
