#include "allocator/target.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ta {
namespace {

const Labels kTarget = Labels::Of({{"__address__", "10.0.0.1:80"},
                                   {"__metrics_path__", "/probe"},
                                   {"__param_module", "http"},
                                   {"__param_target", "a"},
                                   {"__scheme__", "https"},
                                   {"app", "web"},
                                   {"instance", "10.0.0.1:80"}});

Labels With(const char* name, const char* value) {
  return Labels::Merge(kTarget, Labels::Of({{name, value}}));
}

// Serialised as target.h says, so that no later version moves a target.
TEST(TargetTest, HashesAreThoseOfTheDocumentedBytes) {
  Hasher id;
  id.Append("job");
  for (const LabelPair& label : kTarget)
    id.Append(label.name).Append(label.value);
  EXPECT_EQ(TargetIdOf("job", kTarget), id.Hash128());
  Hasher key;
  key.Append("job").Append("10.0.0.1:80").Append("https").Append("/probe");
  key.Append("__param_module").Append("http");
  key.Append("__param_target").Append("a");
  EXPECT_EQ(PlacementKeyOf("job", kTarget), key.Hash64());
}

TEST(TargetTest, GoldenValuesNeverChange) {
  EXPECT_EQ(ToHex(TargetIdOf("job", kTarget)),
            "3a6236ec8b3244263ce41a84e1b7efb3");
  EXPECT_EQ(PlacementKeyOf("job", kTarget), 10970273077711743327u);
  EXPECT_EQ(ToHex(TargetIdOf("", Labels())),
            "870a57d6e1031e4ee88ab7a9add65b8d");
  EXPECT_EQ(PlacementKeyOf("", Labels()), 16836392905868963383u);
}

TEST(TargetTest, EveryLabelAndTheJobIdentify) {
  const TargetId id = TargetIdOf("job", kTarget);
  EXPECT_NE(TargetIdOf("job2", kTarget), id);
  EXPECT_NE(TargetIdOf("job", With("app", "web2")), id);
  EXPECT_NE(TargetIdOf("job", With("more", "")), id);
}

TEST(TargetTest, OnlyTheEndpointPlaces) {
  const std::uint64_t key = PlacementKeyOf("job", kTarget);
  EXPECT_EQ(PlacementKeyOf("job", With("app", "web2")), key);
  EXPECT_EQ(PlacementKeyOf("job", With("__scrape_interval__", "5s")), key);
  EXPECT_EQ(PlacementKeyOf("job", With("__meta_x", "5s")), key);
  EXPECT_NE(PlacementKeyOf("job2", kTarget), key);
  for (const char* name : {"__address__", "__scheme__", "__metrics_path__",
                           "__param_module", "__param_z"}) {
    EXPECT_NE(PlacementKeyOf("job", With(name, "other")), key) << name;
  }
}

TEST(TargetTest, HexIsReadBack) {
  const TargetId id{.high = 0x0123456789abcdef, .low = 0xfedcba9876543210};
  EXPECT_EQ(ToHex(id), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(ParseTargetId(ToHex(id)), id);
  for (const char* bad :
       {"", "0123", "0123456789abcdeffedcba987654321g",
        "-123456789abcdeffedcba9876543210", "0123456789abcdeffedcba98765432100",
        "0x23456789abcdeffedcba9876543210",
        " 123456789abcdeffedcba987654321 "}) {
    EXPECT_EQ(ParseTargetId(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace ta
