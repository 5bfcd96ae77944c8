// Malformed and hostile objects on their whole way, from an API server's bytes
// to target groups: each costs itself at most, with a reason, and the list and
// the watch that it came with go on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "discovery/kubernetes/client.h"
#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/reflector_runner.h"
#include "discovery/kubernetes/role_discovery.h"
#include "test/discovery/script_server.h"

namespace ta::kubernetes {
namespace {

using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::UnorderedElementsAre;

// A pod with one port; `more` goes into its metadata.
std::string Pod(const std::string& name, const std::string& more = "",
                const std::string& port = "80") {
  return R"({"metadata":{"namespace":"x","name":")" + name + "\"" + more +
         R"(},"spec":{"containers":[{"name":"c","ports":[{"containerPort":)" +
         port + R"(}]}]},"status":{"podIP":"10.0.0.1"}})";
}

std::string Event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

class Filler final : public StoreFiller {
 public:
  Filler(boost::asio::any_io_executor executor, Store& store,
         ListerWatcher& lister, std::function<void()> on_step)
      : runner_(std::move(executor), store, lister, {}) {
    runner_.Start(std::move(on_step));
  }
  const ReflectorHealth& health() const override { return runner_.health(); }

 private:
  ReflectorRunner runner_;
};

// The pod role before an API server that lists `list`, and then tells `events`.
class HostileTest : public testing::Test {
 protected:
  void Follow(const std::string& list, const std::string& events,
              const std::function<bool()>& reached) {
    ScriptServer server([&](ScriptConnection& peer) {
      while (true) {
        const std::string head = peer.ReadHead();
        if (head.empty()) return;
        if (head.find("watch=") == std::string::npos) {
          peer.Answer(R"({"metadata":{"resourceVersion":"1"},"items":[)" +
                      list + "]}");
          continue;
        }
        char size[32];
        std::snprintf(size, sizeof(size), "%zx\r\n", events.size());
        peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        if (!events.empty()) peer.Send(size + events + "\r\n");
        peer.WaitClosed();
      }
    });
    ClientSettings settings;
    settings.server = server.url("");
    const auto lister =
        MakeListerWatcher(*ApiClient::Make(loop_.get_executor(), settings, {}));
    {
      WatchPool pool([&](Store& store, std::function<void()> on_step) {
        auto filler = std::make_unique<Filler>(loop_.get_executor(), store,
                                               *lister, std::move(on_step));
        health_ = &filler->health();
        return filler;
      });
      const RoleDiscovery discovery(
          {RoleKind::kPod}, {""}, pool,
          [&](RoleUpdate update) {
            EXPECT_EQ(update.problem, "");
            for (auto& group : update.groups) {
              if (group.targets.empty()) {
                groups_.erase(group.source);
              } else {
                groups_[group.source] = std::move(group);
              }
            }
          },
          [&](std::function<void()> later) {
            boost::asio::post(loop_, std::move(later));
          });
      const auto until = std::chrono::steady_clock::now() + seconds(30);
      while (!reached() && std::chrono::steady_clock::now() < until) {
        loop_.run_one_for(std::chrono::milliseconds(5));
      }
      ASSERT_TRUE(reached());
      state_ = *health_;
    }
    // What was under way ends before its client does.
    loop_.run();
  }
  bool Has(const std::string& source) const { return groups_.contains(source); }
  // Of the first target of a group, or of the group.
  std::string_view Label(const std::string& source,
                         std::string_view name) const {
    const TargetGroup& group = groups_.at(source);
    return Labels::Merge(group.labels, group.targets[0]).Get(name);
  }

  boost::asio::io_context loop_;
  std::map<std::string, TargetGroup> groups_;
  const ReflectorHealth* health_ = nullptr;
  ReflectorHealth state_;  // as it was at the end
};

TEST_F(HostileTest, ObjectsOfAListThatCannotBeReadAreLeftOutWithTheirReasons) {
  const std::string list =
      Pod("first") + R"(,null,5,"x",[],{},{"metadata":{"name":"nowhere"}},)" +
      Pod("worded", "", "\"eighty\"") + "," + Pod("huge-port", "", "1e30") +
      "," + Pod("labels", R"(,"labels":["a"])") + "," + Pod("last");
  Follow(list, "", [&] { return Has("pod/x/last"); });
  EXPECT_THAT(groups_, ElementsAre(Key("pod/x/first"), Key("pod/x/last")));
  const std::string port = ": spec.containers[0].ports[0].containerPort: ";
  EXPECT_THAT(
      state_.bad,
      UnorderedElementsAre(
          Pair("", testing::StartsWith("pods: ")),
          Pair("x/worded", "pods x/worded" + port + "not a number of 32 bits"),
          Pair("x/huge-port",
               "pods x/huge-port" + port + "not a number of 32 bits"),
          Pair("x/labels", "pods x/labels: metadata.labels: not a map")));
  EXPECT_EQ(state_.bad_objects, 9u);
}

TEST_F(HostileTest, EventThatCannotBeReadRemovesItsObjectAndTheWatchGoesOn) {
  const std::string events =
      Event("MODIFIED", Pod("broken", "", "true")) +
      Event("ADDED", R"({"metadata":{"namespace":"x","name":7}})") +
      Event("ADDED", "[]") + Event("DELETED", "null") +
      Event("EXPLODED", Pod("other")) + Event("ADDED", Pod("last"));
  Follow(Pod("broken") + "," + Pod("kept"), events,
         [&] { return Has("pod/x/last"); });
  EXPECT_THAT(groups_, ElementsAre(Key("pod/x/kept"), Key("pod/x/last")));
  EXPECT_EQ(state_.lists, 1u);
  EXPECT_EQ(state_.watches, 1u);
  EXPECT_EQ(state_.bad_objects, 5u);
  EXPECT_THAT(state_.bad.at("x/broken"),
              testing::HasSubstr("containerPort: not a number"));
}

TEST_F(HostileTest, ObjectThatIsMendedIsBackAndItsReasonIsGone) {
  const std::string events =
      Event("MODIFIED", Pod("broken")) + Event("ADDED", Pod("last"));
  Follow(Pod("broken", "", "{}"), events, [&] { return Has("pod/x/last"); });
  EXPECT_THAT(groups_, ElementsAre(Key("pod/x/broken"), Key("pod/x/last")));
  EXPECT_THAT(state_.bad, IsEmpty());
  EXPECT_EQ(state_.bad_objects, 1u);
}

// A label's value may be as long as etcd allows.
TEST_F(HostileTest, HugeAnnotationIsALabelLikeAnyOther) {
  const std::string huge(1'400'000, 'h');
  Follow(
      Pod("plain"),
      Event("ADDED", Pod("huge", R"(,"annotations":{"a":")" + huge + "\"}")) +
          Event("ADDED", Pod("last")),
      [&] { return Has("pod/x/last"); });
  EXPECT_EQ(Label("pod/x/huge", "__meta_kubernetes_pod_annotation_a"), huge);
  EXPECT_THAT(state_.bad, IsEmpty());
}

TEST_F(HostileTest, BytesThatAreNoUtf8AreReplacedAndDoNoHarm) {
  Follow(Pod("bytes", ",\"annotations\":{\"a\":\"x\xff\xc3(\\u0000\"}") + "," +
             Pod("last"),
         "", [&] { return Has("pod/x/last"); });
  using namespace std::string_view_literals;
  EXPECT_EQ(Label("pod/x/bytes", "__meta_kubernetes_pod_annotation_a"),
            "x\xef\xbf\xbd\xef\xbf\xbd(\0"sv);
  EXPECT_THAT(state_.bad, IsEmpty());
}

// As in Prometheus: whether an address makes sense is decided after relabeling.
TEST_F(HostileTest, PortsThatNobodyCanHaveAreShownAsTheyAre) {
  Follow(Pod("zero", "", "0") + "," + Pod("high", "", "70000"), "",
         [&] { return Has("pod/x/high"); });
  EXPECT_EQ(Label("pod/x/zero", "__address__"), "10.0.0.1:0");
  EXPECT_EQ(Label("pod/x/high", "__address__"), "10.0.0.1:70000");
}

TEST_F(HostileTest, LabelsThatCollideAreDecidedByTheSmallestKey) {
  const auto pod = [](const std::string& name, const std::string& labels) {
    return Pod(name, R"(,"labels":{)" + labels + "}");
  };
  Follow(pod("one", R"("a.b":"dot","a-b":"dash")") + "," +
             pod("two", R"("a-b":"dash","a.b":"dot")"),
         "", [&] { return Has("pod/x/two"); });
  for (const char* source : {"pod/x/one", "pod/x/two"}) {
    EXPECT_EQ(Label(source, "__meta_kubernetes_pod_label_a_b"), "dash");
  }
}

}  // namespace
}  // namespace ta::kubernetes
