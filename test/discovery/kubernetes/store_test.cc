#include "discovery/kubernetes/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ObjectPtr MakePod(std::string_view name, std::string_view node) {
  return test::ReadObject(Resource::kPods,
                          R"({"metadata":{"namespace":"x","name":")" +
                              std::string(name) + R"("},"spec":{"nodeName":")" +
                              std::string(node) + "\"}}");
}

constexpr Index kByNode = {
    "node", [](const Object& object, const Index::Values& value) {
      value(As<Pod>(object).node_name());
    }};

// The same, as if all values had one hash.
constexpr Index kByNodeColliding = {
    "node with one hash", kByNode.values_of,
    [](std::string_view) -> std::size_t { return 1; }};

// Writes down what it is told: "x/a n1>n2", and "." at the end of a step.
class Recorder : public StoreListener {
 public:
  void Changed(const Store& store, const Object* before,
               const Object* now) override {
    const Object& object = now != nullptr ? *now : *before;
    const auto node = [](const Object* pod) {
      return pod == nullptr ? "" : std::string(As<Pod>(*pod).node_name());
    };
    EXPECT_EQ(store.Find(object.key), now);
    told.push_back(object.key + " " + node(before) + ">" + node(now));
  }
  void Settled(const Store&) override { told.push_back("."); }
  std::vector<std::string> Take() { return std::exchange(told, {}); }

  std::vector<std::string> told;
};

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { store_.AddListener(&recorder_); }
  std::vector<std::string> OnNode(std::string_view node,
                                  const Index& index = kByNode) const {
    const auto keys = store_.ByIndex(index, node);
    return {keys.begin(), keys.end()};
  }
  Store store_{Scope{Resource::kPods}};
  Recorder recorder_;
};

TEST_F(StoreTest, TellsWhatChangedAndThatNothingDid) {
  store_.Upsert(MakePod("a", "n1"));
  EXPECT_THAT(recorder_.Take(), ElementsAre("x/a >n1", "."));
  store_.Upsert(MakePod("a", "n1"));
  EXPECT_THAT(recorder_.Take(), IsEmpty());
  store_.Upsert(MakePod("a", "n2"));
  EXPECT_THAT(recorder_.Take(), ElementsAre("x/a n1>n2", "."));
  store_.Delete("x/a");
  EXPECT_THAT(recorder_.Take(), ElementsAre("x/a n2>", "."));
  store_.Delete("x/a");
  EXPECT_THAT(recorder_.Take(), IsEmpty());
}

TEST_F(StoreTest, ListRemovesWhatItDoesNotHave) {
  store_.Replace({MakePod("a", "n"), MakePod("b", "n"), MakePod("c", "n")});
  recorder_.Take();
  store_.Replace({MakePod("a", "n"), MakePod("c", "m"), MakePod("d", "n")});
  EXPECT_THAT(recorder_.Take(),
              ElementsAre("x/b n>", "x/c n>m", "x/d >n", "."));
  EXPECT_EQ(store_.size(), 3u);
}

TEST_F(StoreTest, ListOfWhatIsThereTellsNobodyAnything) {
  store_.Replace({MakePod("a", "n"), MakePod("b", "n")});
  recorder_.Take();
  store_.Replace({MakePod("b", "n"), MakePod("a", "n")});
  EXPECT_THAT(recorder_.Take(), IsEmpty());
}

TEST_F(StoreTest, FirstListSettlesEvenIfItIsEmpty) {
  EXPECT_FALSE(store_.synced());
  store_.Replace({});
  EXPECT_TRUE(store_.synced());
  EXPECT_THAT(recorder_.Take(), ElementsAre("."));
}

TEST_F(StoreTest, EventsBeforeTheFirstListDoNotSync) {
  store_.Upsert(MakePod("a", "n"));
  EXPECT_FALSE(store_.synced());
}

TEST_F(StoreTest, OfEqualKeysInAListTheLastWins) {
  store_.Replace({MakePod("a", "n"), MakePod("a", "m")});
  EXPECT_EQ(store_.FindAs<Pod>("x/a")->node_name(), "m");
  EXPECT_EQ(store_.size(), 1u);
}

TEST_F(StoreTest, IndexFollowsTheObjects) {
  for (const Index& index : {kByNode, kByNodeColliding}) {
    SCOPED_TRACE(index.name);
    store_.Replace({});
    store_.Upsert(MakePod("a", "n"));
    store_.AddIndex(index);
    store_.AddIndex(index);
    store_.Upsert(MakePod("b", "n"));
    store_.Upsert(MakePod("c", "m"));
    EXPECT_THAT(OnNode("n", index), ElementsAre("x/a", "x/b"));
    store_.Upsert(MakePod("a", "m"));
    EXPECT_THAT(OnNode("n", index), ElementsAre("x/b"));
    EXPECT_THAT(OnNode("m", index), ElementsAre("x/a", "x/c"));
    store_.Delete("x/c");
    store_.Replace({MakePod("a", "m")});
    EXPECT_THAT(OnNode("n", index), IsEmpty());
    EXPECT_THAT(OnNode("m", index), ElementsAre("x/a"));
  }
}

TEST_F(StoreTest, ListenerThatWasTakenOutIsToldNothing) {
  store_.RemoveListener(&recorder_);
  store_.Upsert(MakePod("a", "n"));
  EXPECT_THAT(recorder_.Take(), IsEmpty());
}

}  // namespace
}  // namespace ta::kubernetes
