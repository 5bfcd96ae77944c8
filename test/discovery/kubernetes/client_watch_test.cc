// Lists and watches over a connection, and the runner that follows them. What
// a reflector makes of each failure is its own test's matter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "allocator/base/log.h"
#include "discovery/kubernetes/client.h"
#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/reflector_runner.h"
#include "test/discovery/run_coroutine.h"
#include "test/discovery/script_server.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ScriptConnection;
using test::ScriptServer;
using testing::EndsWith;
using testing::HasSubstr;

std::string PodJson(const std::string& name, int version) {
  return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","namespace":"web","resourceVersion":")" +
         std::to_string(version) + R"("}})";
}

std::string EventLine(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

std::string ListJson(const std::vector<std::string>& names, int version) {
  std::string items;
  for (const std::string& name : names) {
    items += (items.empty() ? "" : ",") + PodJson(name, version);
  }
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" +
         std::to_string(version) + R"("},"items":[)" + items + "]}";
}

const std::string kStream =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string Chunk(const std::string& text) {
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", text.size());
  return size + text + "\r\n";
}

bool IsWatch(const std::string& head) {
  return head.find("watch=") != std::string::npos;
}

class WatchTest : public testing::Test {
 protected:
  void Make(const ScriptServer& server, Duration idle = seconds(30),
            const ClientOptions& options = {}) {
    ClientSettings settings;
    settings.server = server.url("");
    lister = MakeListerWatcher(
        *ApiClient::Make(loop.get_executor(), settings, options), idle);
  }
  Answer<void> Watch(const ListerWatcher::OnEvent& on_event) {
    return test::RunOn(loop,
                       lister->Watch(scope, {}, on_event, std::stop_token()));
  }

  boost::asio::io_context loop;
  const Scope scope{Resource::kPods};
  std::unique_ptr<ListerWatcher> lister;
};

TEST_F(WatchTest, PageIsRead) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Answer(ListJson({"a", "b"}, 7));
  });
  Make(server);
  const auto page =
      test::RunOn(loop, lister->List(scope, {}, std::stop_token()));
  ASSERT_TRUE(page) << page.error().error.message;
  EXPECT_EQ(page->objects.size(), 2u);
  EXPECT_EQ(page->resource_version, "7");
}

TEST_F(WatchTest, PageThatIsNoneIsAnError) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Answer("{}");
  });
  Make(server);
  const auto page =
      test::RunOn(loop, lister->List(scope, {}, std::stop_token()));
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().error.message, testing::StartsWith("list pods: "));
}

TEST_F(WatchTest, EventsAreToldAsTheyCome) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    const std::string events = EventLine("ADDED", PodJson("a", 1)) +
                               EventLine("DELETED", PodJson("a", 2));
    peer.Send(kStream + Chunk(events.substr(0, 50)) + Chunk(events.substr(50)) +
              "0\r\n\r\n");
  });
  Make(server);
  std::vector<WatchEvent::Kind> kinds;
  const auto how = Watch([&](const WatchEvent& event) {
    kinds.push_back(event.kind);
    return true;
  });
  EXPECT_TRUE(how) << how.error().error.message;
  EXPECT_THAT(kinds, testing::ElementsAre(WatchEvent::Kind::kOpened,
                                          WatchEvent::Kind::kAdded,
                                          WatchEvent::Kind::kDeleted));
}

TEST_F(WatchTest, StreamThatEndsWithinAnEventIsAFailure) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send(kStream +
              Chunk(EventLine("ADDED", PodJson("a", 1)).substr(0, 50)) +
              "0\r\n\r\n");
  });
  Make(server);
  const auto how = Watch([](const WatchEvent&) { return true; });
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().error.code, Error::Code::kRetry);
  EXPECT_THAT(how.error().error.message, EndsWith("in the middle of an event"));
}

TEST_F(WatchTest, WhoWantsNoMoreIsToldNoMore) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send(kStream + Chunk(EventLine("ADDED", PodJson("a", 1)) +
                              EventLine("ADDED", PodJson("b", 2))));
    peer.WaitClosed();
  });
  Make(server);
  int told = 0;
  EXPECT_TRUE(Watch([&](const WatchEvent&) {
    ++told;
    return false;
  }));
  EXPECT_EQ(told, 1);
}

TEST_F(WatchTest, SilentWatchIsHalfOpen) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.Send(kStream);
    peer.WaitClosed();
  });
  Make(server, milliseconds(50));
  const auto how = Watch([](const WatchEvent&) { return true; });
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().error.code, Error::Code::kRetry);
  EXPECT_THAT(how.error().error.message, EndsWith("body: timed out"));
}

// It needn't wait for as long as an open watch may be idle.
TEST_F(WatchTest, ServerThatDoesNotAnswerIsGivenUpAfterTheHeadersTime) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.ReadHead();
    peer.WaitClosed();
  });
  ClientOptions options;
  options.timeouts.headers = milliseconds(50);
  Make(server, std::chrono::hours(1), options);
  const auto how = Watch([](const WatchEvent&) { return true; });
  ASSERT_FALSE(how);
  EXPECT_EQ(how.error().error.code, Error::Code::kRetry);
  EXPECT_THAT(how.error().error.message, EndsWith("answer: timed out"));
}

// -- the runner --

ReflectorOptions Quick() {
  ReflectorOptions options;
  options.first_backoff = milliseconds(1);
  options.longest_backoff = milliseconds(5);
  return options;
}

class RunnerTest : public WatchTest {
 protected:
  // Runs until it is so.
  void RunUntil(const std::function<bool()>& reached) {
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    loop.restart();
    while (!reached() && std::chrono::steady_clock::now() < until) {
      loop.run_one_for(milliseconds(5));
    }
    ASSERT_TRUE(reached());
  }
  void Stop(ReflectorRunner& runner) {
    bool stopped = false;
    const auto began = std::chrono::steady_clock::now();
    runner.Stop([&] { stopped = true; });
    EXPECT_FALSE(stopped);
    RunUntil([&] { return stopped; });
    EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  }

  Store store{scope};
};

TEST_F(RunnerTest, ListsThenFollowsAndStopsWithinAWatch) {
  ScriptServer server([](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      if (!IsWatch(head)) {
        peer.Answer(ListJson({"a"}, 1));
        continue;
      }
      peer.Send(kStream + Chunk(EventLine("ADDED", PodJson("b", 2))));
      peer.WaitClosed();
    }
  });
  Make(server);
  ReflectorRunner runner(loop.get_executor(), store, *lister, Quick());
  runner.Start(nullptr);
  RunUntil([&] { return store.size() == 2; });
  EXPECT_NE(store.Find("web/b"), nullptr);
  EXPECT_EQ(runner.health().lists, 1u);
  Stop(runner);
}

// Every way in which the n-th request fails, for all n: it converges.
TEST_F(RunnerTest, ConvergesWhateverTheNthAnswerIs) {
  const std::function<void(ScriptConnection&)> kFailures[] = {
      [](ScriptConnection&) {},  // closed
      [](ScriptConnection& peer) { peer.Reset(); },
      [](ScriptConnection& peer) { peer.Send("garbage\r\n\r\n"); },
      [](ScriptConnection& peer) { peer.Send(kStream + "7\r\n{\"ty"); },
      [](ScriptConnection& peer) { peer.Send(kStream + Chunk("no JSON\n")); },
      [](ScriptConnection& peer) {
        peer.Send("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
      },
      [](ScriptConnection& peer) {
        peer.Send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
      },
      [](ScriptConnection& peer) {
        peer.Send(
            kStream +
            Chunk(EventLine("ERROR", R"({"kind":"Status","code":410,)"
                                     R"("reason":"Expired","message":"x"})")) +
            "0\r\n\r\n");
      },
  };
  for (std::size_t kind = 0; kind < std::size(kFailures); ++kind) {
    for (int failing = 0; failing < 3; ++failing) {
      std::atomic<int> requests = 0;
      ScriptServer server([&](ScriptConnection& peer) {
        while (true) {
          const std::string head = peer.ReadHead();
          if (head.empty()) return;
          if (requests++ == failing) return kFailures[kind](peer);
          if (!IsWatch(head)) {
            peer.Answer(ListJson({"a"}, 1));
            continue;
          }
          peer.Send(kStream + Chunk(EventLine("ADDED", PodJson("b", 2))));
          if (requests <= failing) {
            peer.Send("0\r\n\r\n");  // ends, so that there is another
          } else {
            peer.WaitClosed();
          }
        }
      });
      Make(server);
      Store fresh(scope);
      ReflectorRunner runner(loop.get_executor(), fresh, *lister, Quick());
      runner.Start(nullptr);
      SCOPED_TRACE(std::to_string(kind) + " at " + std::to_string(failing));
      RunUntil([&] { return requests > failing + 1 && fresh.size() == 2; });
      Stop(runner);
    }
  }
}

TEST_F(RunnerTest, TroubleIsLoggedOnceAndItsEnd) {
  std::atomic<bool> forbidden = true;
  ScriptServer server([&](ScriptConnection& peer) {
    while (true) {
      const std::string head = peer.ReadHead();
      if (head.empty()) return;
      if (forbidden) {
        peer.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      } else if (!IsWatch(head)) {
        peer.Answer(ListJson({"a"}, 1));
      } else {
        peer.Send(kStream);
        peer.WaitClosed();
      }
    }
  });
  Make(server);
  LogCapture log;
  ReflectorRunner runner(loop.get_executor(), store, *lister, Quick());
  runner.Start(nullptr);
  RunUntil([&] { return runner.health().failures >= 5; });
  EXPECT_EQ(log.Count("grant verb list on resource pods"), 1);
  EXPECT_FALSE(store.synced());
  forbidden = false;
  const auto healed = [&] {
    return log.Count("following Kubernetes objects again");
  };
  RunUntil([&] { return healed() > 0; });
  EXPECT_TRUE(store.synced());
  Stop(runner);
  EXPECT_EQ(healed(), 1);
}

TEST_F(RunnerTest, StopsWithinABackoffAndBeforeItsFirstRequest) {
  ScriptServer server([](ScriptConnection&) {});
  Make(server);
  ReflectorOptions slow;
  slow.first_backoff = std::chrono::hours(1);
  slow.longest_backoff = std::chrono::hours(1);
  {
    ReflectorRunner runner(loop.get_executor(), store, *lister, slow);
    runner.Start(nullptr);
    RunUntil([&] { return runner.health().failures == 1; });
    Stop(runner);
  }
  {
    ReflectorRunner runner(loop.get_executor(), store, *lister, slow);
    runner.Start(nullptr);
    Stop(runner);
  }
  ReflectorRunner never(loop.get_executor(), store, *lister, slow);
  Stop(never);
}

TEST_F(RunnerTest, MayBeDestroyedAtAnyTime) {
  ScriptServer server([](ScriptConnection& peer) { peer.WaitClosed(); });
  Make(server);
  {
    ReflectorRunner runner(loop.get_executor(), store, *lister, Quick());
    runner.Start([] { ADD_FAILURE() << "nobody is there"; });
    RunUntil([&] { return server.accepted() == 1; });
  }
  loop.restart();
  loop.run_for(milliseconds(20));
}

}  // namespace
}  // namespace ta::kubernetes
