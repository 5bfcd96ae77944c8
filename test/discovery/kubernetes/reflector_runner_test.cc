#include "discovery/kubernetes/reflector_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/async_wait.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

// Lists are empty. A watch is accepted, and ends in an ERROR event as long as
// `failures` last; then it tells `last`, and stays open.
class ErrorLister final : public ListerWatcher {
 public:
  explicit ErrorLister(boost::asio::io_context& loop) : loop_(loop) {}

  Awaitable<Answer<ListPage>> List(Scope, ListOptions,
                                   std::stop_token) override {
    ListPage page;
    page.resource_version = "1";
    co_return page;
  }
  Awaitable<Answer<void>> Watch(Scope, WatchOptions, OnEvent on_event,
                                std::stop_token stop) override {
    on_event({.kind = WatchEvent::Kind::kOpened});
    if (failures > 0) {
      --failures;
      on_event({.kind = WatchEvent::Kind::kError, .status = {.code = 500}});
      co_return Answer<void>();
    }
    if (bookmark) on_event({.kind = WatchEvent::Kind::kBookmark});
    co_await WaitUntil(loop_.get_executor(), TimePoint::max(), stop);
    co_return std::unexpected(NoAnswer("stopped"));
  }

  int failures = 0;
  bool bookmark = false;

 private:
  boost::asio::io_context& loop_;
};

class ReflectorRunnerTest : public testing::Test {
 protected:
  // The log of a runner until it has `lines`.
  std::vector<std::string> LogOf(std::size_t lines) {
    const LogCapture capture;
    ReflectorRunner runner(
        loop_.get_executor(), store_, lister_,
        {.first_backoff = milliseconds(1), .longest_backoff = milliseconds(1)});
    runner.Start([] {});
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    while (capture.lines().size() < lines &&
           std::chrono::steady_clock::now() < until) {
      loop_.run_one_for(milliseconds(5));
    }
    bool stopped = false;
    runner.Stop([&stopped] { stopped = true; });
    while (!stopped) loop_.run_one();
    return capture.lines();
  }

  boost::asio::io_context loop_;
  Store store_{Scope{Resource::kPods}};
  ErrorLister lister_{loop_};
};

// Each of these watches was said to work again, and then not to: two lines a
// try, for as long as it lasted.
TEST_F(ReflectorRunnerTest, WatchesThatAreOnlyAcceptedAreOneProblem) {
  lister_.failures = 30;
  lister_.bookmark = true;
  EXPECT_THAT(LogOf(2), ElementsAre(HasSubstr("cannot follow Kubernetes"),
                                    HasSubstr("following Kubernetes objects "
                                              "again")));
  EXPECT_EQ(lister_.failures, 0);
}

TEST_F(ReflectorRunnerTest, ASilentWatchIsWellAfterASecond) {
  lister_.failures = 1;
  EXPECT_THAT(LogOf(2), ElementsAre(HasSubstr("cannot follow Kubernetes"),
                                    HasSubstr("following Kubernetes objects "
                                              "again")));
}

}  // namespace
}  // namespace ta::kubernetes
