#include "api/pages/target_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::MakeLabels;
using test::SnapshotBuilder;

// Jobs of every kind of target: owned, handed over, unassigned, and unserved in
// groups of several.
std::shared_ptr<const Snapshot> Fleet(int targets, std::uint32_t seed) {
  std::mt19937 random(seed);
  SnapshotBuilder builder;
  for (int i = 0; i < 5; ++i) builder.Member("c" + std::to_string(i));
  for (const char* job : {"a", "b", "c"}) {
    builder.Job(job);
    for (int i = 0; i < targets; ++i) {
      const std::string address = "h" + std::to_string(i) + ":9100";
      const std::string owner = "c" + std::to_string(random() % 4);
      const std::vector<std::pair<std::string, std::string>> labels = {
          {"__address__", address}};
      switch (random() % 8) {
        case 0:
          builder.Target(job, owner, labels, {}, {"c4"});
          break;
        case 1:
          builder.Unassigned(job, UnassignedReason::kNoNode, labels);
          break;
        case 2:
        case 3:
        case 4: {
          UnservedTarget unserved{
              static_cast<UnservedTarget::State>(random() % 4)};
          unserved.rule =
              unserved.state == UnservedTarget::State::kDroppedByRule
                  ? static_cast<int>(random() % 3)
                  : -1;
          unserved.own = MakeLabels(labels);
          builder.Unserved(job, "f:" + std::to_string(random() % 1000),
                           std::move(unserved));
          break;
        }
        default:
          builder.Target(job, owner, labels);
      }
    }
  }
  return builder.Build();
}

// What tells targets apart, wherever they come from.
using Identity = std::tuple<std::string, const Target*, const UnservedTarget*>;
Identity IdentityOf(const std::string& job, const InventoryEntry& entry) {
  return {job, entry.target, entry.unserved};
}

bool Matches(const JobView& job, const InventoryEntry& entry,
             const TargetFilter& filter) {
  if (filter.job != nullptr && filter.job != &job) return false;
  if (filter.collector != nullptr && entry.owner != filter.collector->id &&
      std::ranges::find(entry.earlier, filter.collector->id) ==
          entry.earlier.end()) {
    return false;
  }
  if (filter.state && entry.state != *filter.state) return false;
  if (filter.rule &&
      (entry.unserved == nullptr || entry.unserved->rule != *filter.rule)) {
    return false;
  }
  return entry.Get("__address__").find(filter.address) != std::string::npos;
}

// Every filter there is, on one fleet.
std::vector<TargetFilter> Filters(const Snapshot& snapshot) {
  std::vector<TargetFilter> filters(1);
  const auto vary = [&](auto change) {
    const std::vector<TargetFilter> before = filters;
    for (TargetFilter filter : before) {
      change(filter);
      filters.push_back(filter);
    }
  };
  vary([&](TargetFilter& filter) { filter.job = snapshot.jobs[1].get(); });
  vary([&](TargetFilter& filter) { filter.address = "7:"; });
  const std::vector<TargetFilter> bare = filters;
  for (const TargetFilter& one : bare) {
    for (int state = 0; state < 5; ++state) {
      TargetFilter filter = one;
      filter.state = static_cast<TargetState>(state);
      filters.push_back(filter);
    }
    TargetFilter filter = one;
    filter.rule = 1;
    filters.push_back(filter);
  }
  const std::vector<TargetFilter> before = filters;
  for (TargetFilter filter : before) {
    for (const char* name : {"c1", "c4"}) {
      filter.collector = snapshot.FindMember(name);
      filters.push_back(filter);
    }
  }
  return filters;
}

TEST(TargetRowsTest, PagesTogetherAreTheInventoryThatMatches) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    const auto snapshot = Fleet(60, seed);
    for (const TargetFilter& filter : Filters(*snapshot)) {
      std::multiset<Identity> expected;
      for (const auto& job : snapshot->jobs) {
        for (const InventoryEntry& entry : InventoryOf(*job)) {
          if (Matches(*job, entry, filter)) {
            expected.insert(IdentityOf(job->name(), entry));
          }
        }
      }
      for (const std::size_t count : {1u, 7u, 1000u}) {
        std::multiset<Identity> seen;
        std::size_t first = 0;
        do {
          const TargetRows page = FindTargets(*snapshot, filter, first, count);
          ASSERT_EQ(page.matches, expected.size()) << "seed " << seed;
          ASSERT_EQ(page.rows.size(),
                    std::min(count, expected.size() -
                                        std::min(first, expected.size())));
          for (const TargetRow& row : page.rows) {
            seen.insert(IdentityOf(row.job->name(), row.entry));
          }
          first += count;
        } while (first < expected.size());
        ASSERT_EQ(seen, expected) << "seed " << seed << " count " << count;
      }
    }
  }
}

TEST(TargetRowsTest, RowsAreTheInventorysEntries) {
  const auto snapshot = Fleet(60, 4);
  for (const auto& job : snapshot->jobs) {
    TargetFilter filter;
    filter.job = job.get();
    const TargetRows all = FindTargets(*snapshot, filter, 0, 1000);
    for (const InventoryEntry& entry : InventoryOf(*job)) {
      const auto row = std::ranges::find_if(all.rows, [&](const auto& one) {
        return one.entry.target == entry.target &&
               one.entry.unserved == entry.unserved;
      });
      ASSERT_NE(row, all.rows.end());
      EXPECT_EQ(row->entry.state, entry.state);
      EXPECT_EQ(row->entry.owner, entry.owner);
      EXPECT_EQ(row->entry.earlier, entry.earlier);
      EXPECT_EQ(row->entry.unserved_group, entry.unserved_group);
      if (entry.state == TargetState::kUnassigned) {
        EXPECT_EQ(row->entry.unassigned_reason, entry.unassigned_reason);
      }
    }
  }
}

// However the page cuts them, what is not served stands by its source.
TEST(TargetRowsTest, UnservedRowsAreInOrderOnEveryPage) {
  SnapshotBuilder builder;
  builder.Job("a");
  std::mt19937 random(5);
  std::vector<std::string> sources;
  for (int i = 0; i < 500; ++i) {
    sources.push_back("f:" + std::to_string(100'000 + random() % 900'000));
    UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
    dropped.rule = 0;
    builder.Unserved("a", sources.back(), dropped);
  }
  std::ranges::sort(sources);
  const auto snapshot = builder.Build();
  TargetFilter filter;
  filter.rule = 0;
  for (const std::size_t count : {1u, 64u, 499u, 500u}) {
    std::vector<std::string> seen;
    for (std::size_t first = 0; first < sources.size(); first += count) {
      for (const TargetRow& row :
           FindTargets(*snapshot, filter, first, count).rows) {
        seen.push_back(row.entry.unserved_group->source);
      }
    }
    EXPECT_EQ(seen, sources) << count;
  }
}

TEST(TargetRowsTest, TargetsAreFoundAgainByWhatTheirLinksSay) {
  const auto snapshot = Fleet(60, 6);
  for (const auto& job : snapshot->jobs) {
    for (const InventoryEntry& entry : InventoryOf(*job)) {
      if (entry.target != nullptr) {
        const auto found = FindTarget(*snapshot, job.get(), entry.target->id);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->entry.target, entry.target);
        EXPECT_EQ(FindTarget(*snapshot, nullptr, entry.target->id)->job,
                  job.get());
        continue;
      }
      const auto found = FindUnserved(
          *job, UnservedKey(*entry.unserved_group, *entry.unserved));
      ASSERT_TRUE(found);
      EXPECT_EQ(found->entry.Get("__address__"), entry.Get("__address__"));
    }
  }
  EXPECT_FALSE(FindTarget(*snapshot, nullptr, TargetId{1, 2}));
  EXPECT_FALSE(FindUnserved(*snapshot->jobs[0], 1));
}

}  // namespace
}  // namespace ta
