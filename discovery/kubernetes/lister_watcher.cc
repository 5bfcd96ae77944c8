#include "discovery/kubernetes/lister_watcher.h"

#include <memory>
#include <string>
#include <utility>

#include "discovery/kubernetes/client.h"

namespace ta::kubernetes {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// What a server may be late in ending a watch that it was asked to end.
constexpr std::chrono::seconds kEndGrace{60};

class ApiListerWatcher final : public ListerWatcher {
 public:
  ApiListerWatcher(std::unique_ptr<ApiClient> client, Duration watch_idle,
                   StageStats* reading)
      : client_(std::move(client)),
        watch_idle_(watch_idle),
        reading_(reading) {}

  Awaitable<Answer<ListPage>> List(Scope scope, ListOptions options,
                                   std::stop_token stop) override {
    std::string path = ListPath(scope, options);
    auto body = co_await client_->List(scope, std::move(path), std::move(stop));
    if (!body) co_return std::unexpected(std::move(body.error()));
    StageRun run(reading_);
    auto page = ParseList(scope.resource, *body);
    run.Ended(0);
    if (!page) {
      co_return std::unexpected(Failure{
          std::move(page.error()).Within("list " + Describe(scope)), {}});
    }
    co_return *std::move(page);
  }

  Awaitable<Answer<void>> Watch(Scope scope, WatchOptions options,
                                OnEvent on_event,
                                std::stop_token stop) override {
    std::string path = WatchPath(scope, options);
    const Duration timeout = options.timeout.count() == 0
                                 ? Duration::max()
                                 : Duration(options.timeout + kEndGrace);
    WatchDecoder decoder(scope.resource);
    bool over = false;  // nobody wants more
    const std::function<void(WatchEvent)> tell = [&](WatchEvent event) {
      if (!over) over = !on_event(std::move(event));
    };
    BodySink on_bytes = [&](std::string_view bytes) -> Result<void> {
      StageRun run(reading_);
      auto fed = decoder.Feed(bytes, tell);
      run.Ended(0);
      if (fed && over) return Reject("the watch is over");
      return fed;
    };
    std::function<void()> on_open = [&] {
      tell({.kind = WatchEvent::Kind::kOpened});
    };
    auto ended = co_await client_->Watch(scope, std::move(path), watch_idle_,
                                         timeout, std::move(on_open),
                                         std::move(on_bytes), std::move(stop));
    if (over) co_return Answer<void>();
    if (ended && !decoder.empty()) {
      co_return std::unexpected(NoAnswer("watch " + Describe(scope) +
                                         ": ended in the middle of an event"));
    }
    co_return ended;
  }

 private:
  const std::unique_ptr<ApiClient> client_;
  const Duration watch_idle_;
  StageStats* const reading_;
};

}  // namespace

std::unique_ptr<ListerWatcher> MakeListerWatcher(
    std::unique_ptr<ApiClient> client, Duration watch_idle,
    StageStats* reading) {
  return std::make_unique<ApiListerWatcher>(std::move(client), watch_idle,
                                            reading);
}

}  // namespace ta::kubernetes
