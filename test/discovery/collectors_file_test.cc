#include "discovery/collectors_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "allocator/members_key.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using test::RecordingSink;
using test::Replace;
using test::TempFolder;
using test::Write;
using testing::ElementsAre;
using testing::IsEmpty;
using State = RecordingSink::State;

class CollectorsFileTest : public testing::Test {
 protected:
  // Waits for the `count`-th update and returns it.
  MembersUpdate Update(std::size_t count) {
    EXPECT_TRUE(sink_.WaitFor(
        [&](const State& state) { return state.members.size() >= count; }));
    const State state = sink_.state();
    return state.members.size() >= count ? state.members[count - 1]
                                         : MembersUpdate{};
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "collectors.yaml";
  RecordingSink sink_;
  FileWatch watch_;
  CollectorsFile source_{FileMembers{path_}, &watch_, &sink_};
};

TEST_F(CollectorsFileTest, SendsTheListAndEachOtherOne) {
  Write(path_, "- c-0\n- {name: c-1, node: n-1}\n");
  source_.Start();
  const MembersUpdate first = Update(1);
  EXPECT_EQ(first.source, MembersKey(FileMembers{path_}));
  EXPECT_TRUE(first.complete);
  EXPECT_THAT(first.members, ElementsAre(MemberObservation{"c-0", ""},
                                         MemberObservation{"c-1", "n-1"}));
  Replace(path_, "[\"c-0\"]");  // JSON is YAML
  EXPECT_THAT(Update(2).members, ElementsAre(MemberObservation{"c-0", ""}));
  Write(path_, "[]");
  EXPECT_TRUE(Update(3).complete);
  EXPECT_THAT(Update(3).members, IsEmpty());
}

TEST_F(CollectorsFileTest, ABadFileChangesNoMember) {
  Write(path_, "[c-0]");
  source_.Start();
  Update(1);
  for (const char* bad : {"", "c-0", "[c-0, c-0]", "[c-0"}) {
    SCOPED_TRACE(bad);
    const std::size_t updates = sink_.state().members.size();
    Replace(path_, bad);
    const MembersUpdate update = Update(updates + 1);
    EXPECT_FALSE(update.complete);
    EXPECT_NE(update.problem, "");
  }
  const std::size_t updates = sink_.state().members.size();
  Replace(path_, "[c-0]");
  const MembersUpdate good = Update(updates + 1);
  EXPECT_TRUE(good.complete);
  EXPECT_EQ(good.problem, "");
}

TEST_F(CollectorsFileTest, AMissingFileIsAProblemUntilItIsThere) {
  source_.Start();
  EXPECT_FALSE(Update(1).complete);
  EXPECT_EQ(Update(1).problem, path_ + ": No such file or directory");
  Write(path_, "[c-0]");
  EXPECT_TRUE(Update(2).complete);
}

TEST_F(CollectorsFileTest, ADeletedFileChangesNoMember) {
  Write(path_, "[c-0]");
  source_.Start();
  Update(1);
  std::filesystem::remove(path_);
  EXPECT_FALSE(Update(2).complete);
}

TEST_F(CollectorsFileTest, ATouchedFileIsNoUpdate) {
  Write(path_, "[c-0]");
  source_.Start();
  Update(1);
  Write(path_, "[c-0]");
  Write(path_, "[c-1]");
  EXPECT_THAT(Update(2).members, ElementsAre(MemberObservation{"c-1", ""}));
}

}  // namespace
}  // namespace ta
