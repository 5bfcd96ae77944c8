#include "allocator/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StateDirTest : public ::testing::Test {
 protected:
  StateDirTest() {
    std::string path = ::testing::TempDir() + "state-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~StateDirTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(StateDirTest, WhatIsSavedIsThereAfterARestart) {
  {
    StateDir state(directory_);
    EXPECT_THAT(state.Load().value(), IsEmpty());
    state.Save({"a%b", "collector-0", "\u00fc"});
  }
  EXPECT_THAT(StateDir(directory_).Load().value(),
              ElementsAre("a%b", "collector-0", "\u00fc"));
}

TEST_F(StateDirTest, NamesThatNoCollectorMayHaveAreForgotten) {
  std::ofstream(directory_ + "/members")
      << "target-allocator members 1\na\n%00\nb\xff\nc%0Ad\n"
      << std::string(254, 'x') << "\ne\n";
  EXPECT_THAT(StateDir(directory_).Load().value(), ElementsAre("a", "e"));
}

TEST_F(StateDirTest, AnotherVersionsFileIsAnError) {
  std::ofstream(directory_ + "/members") << "members 9\na\n";
  EXPECT_FALSE(StateDir(directory_).Load().has_value());
}

}  // namespace
}  // namespace ta
