#include "discovery/path_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "test/discovery/support.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

using test::TempFolder;
using testing::ElementsAre;

// The steps inside of `folder`, as "file a in /x".
std::vector<std::string> Steps(const TempFolder& folder, std::string_view name,
                               bool pattern = false) {
  std::vector<std::string> steps;
  WalkPath(folder / name, pattern, [&](const PathStep& step) {
    std::string shown = step.directory;
    if (!shown.starts_with(folder.path())) return true;
    shown = shown.substr(folder.path().size()) + "/";
    switch (step.kind) {
      case PathStep::Kind::kFile:
        shown = "file " + step.name + " in " + shown;
        break;
      case PathStep::Kind::kLink:
        shown = "link " + step.name + " in " + shown;
        break;
      case PathStep::Kind::kSelf:
        shown = "self " + shown;
        break;
    }
    steps.push_back(shown);
    return true;
  });
  return steps;
}

TEST(PathWalkTest, APlainFileNeedsItsDirectories) {
  const TempFolder folder;
  fs::create_directories(folder / "a/b");
  EXPECT_THAT(
      Steps(folder, "a/b/x.json"),
      ElementsAre("self /", "self /a/", "self /a/b/", "file x.json in /a/b/"));
}

TEST(PathWalkTest, WhatIsMissingIsAwaitedInTheNearestDirectory) {
  const TempFolder folder;
  EXPECT_THAT(Steps(folder, "a/b/x.json"),
              ElementsAre("self /", "link a in /"));
}

TEST(PathWalkTest, AConfigMapIsFollowedToItsVersion) {
  const TempFolder folder;
  test::ConfigMapFolder config_map(folder / "cm");
  config_map.Update({{"a.yaml", ""}});
  EXPECT_THAT(Steps(folder, "cm/a.yaml"),
              ElementsAre("self /", "self /cm/", "file a.yaml in /cm/",
                          "link ..data in /cm/", "self /cm/..version_1/",
                          "file a.yaml in /cm/..version_1/"));
}

TEST(PathWalkTest, AnAbsoluteSymlinkStartsAtTheRoot) {
  const TempFolder folder;
  fs::create_directory(folder / "real");
  fs::create_directory_symlink(folder / "real", folder / "link");
  EXPECT_THAT(Steps(folder, "link/x.json"),
              ElementsAre("self /", "link link in /", "self /", "self /real/",
                          "file x.json in /real/"));
}

TEST(PathWalkTest, APatternIsNotFollowed) {
  const TempFolder folder;
  EXPECT_THAT(Steps(folder, "*.json", /*pattern=*/true),
              ElementsAre("self /", "file *.json in /"));
}

TEST(PathWalkTest, ALoopEnds) {
  const TempFolder folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  EXPECT_LE(Steps(folder, "a").size(), 100u);
  EXPECT_LE(Steps(folder, "a/x").size(), 100u);
}

}  // namespace
}  // namespace ta
