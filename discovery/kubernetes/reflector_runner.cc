#include "discovery/kubernetes/reflector_runner.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <exception>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/async_wait.h"

namespace ta::kubernetes {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

// Each problem is said once until all is well again. A server whose every
// message is another doesn't fill the log: after as many, others wait.
constexpr std::size_t kMostSaid = 4;
constexpr std::chrono::minutes kSayAgain{1};

TimePoint Now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Shared with the coroutine, which may outlive the runner by its last call.
struct ReflectorRunner::Run {
  Run(asio::any_io_executor on, Store& store, ListerWatcher& lister,
      const ReflectorOptions& options)
      : executor(std::move(on)),
        scope(store.scope()),
        lister(lister),
        reflector(store, options) {}

  static asio::awaitable<void> Loop(std::shared_ptr<Run> run);
  static asio::awaitable<void> LookLater(std::shared_ptr<Run> run,
                                         std::stop_token over);
  void Report();
  bool MayBeSaid(const std::string& problem);
  // Is there anything that Report should not wait for the end of a watch with?
  bool HasNews() const {
    const ReflectorHealth& health = reflector.health();
    return health.bad_objects != reported_bad ||
           health.problem != reported_problem || IsMended();
  }
  // All is well again, and nobody was told.
  bool IsMended() const { return !said.empty() && reflector.Follows(Now()); }
  void Ended() {
    ended = true;
    if (on_stopped) std::exchange(on_stopped, nullptr)();
  }

  const asio::any_io_executor executor;
  const Scope scope;
  ListerWatcher& lister;
  Reflector reflector;
  std::stop_source stop;
  std::function<void()> on_step;
  std::function<void()> on_stopped;
  bool started = false;
  bool ended = false;
  std::uint64_t reported_bad = 0;
  std::string reported_problem;
  std::set<std::string> said;  // problems in the log; none while all is well
  TimePoint said_at{};         // the last of them
};

asio::awaitable<void> ReflectorRunner::Run::Loop(std::shared_ptr<Run> run) {
  const std::stop_token stop = run->stop.get_token();
  co_await asio::post(run->executor, asio::use_awaitable);  // not within Start
  while (!stop.stop_requested()) {
    Reflector::Step step = run->reflector.Next(Now());
    switch (step.kind) {
      case Reflector::Step::Kind::kWait: {
        const TimePoint until = Now() + step.wait;
        co_await WaitUntil(run->executor, until, stop);
        break;
      }
      case Reflector::Step::Kind::kList: {
        auto page = co_await run->lister.List(run->scope, step.list, stop);
        if (stop.stop_requested()) break;
        run->reflector.Listed(std::move(page), Now());
        break;
      }
      case Reflector::Step::Kind::kWatch: {
        std::stop_source over;
        ListerWatcher::OnEvent on_event = [&](WatchEvent event) {
          if (stop.stop_requested()) return false;
          const bool opened = event.kind == WatchEvent::Kind::kOpened;
          const bool more = run->reflector.Received(std::move(event), Now());
          if (opened && !run->said.empty()) {
            asio::co_spawn(run->executor, LookLater(run, over.get_token()),
                           asio::detached);
          }
          if (!stop.stop_requested() && run->HasNews()) run->Report();
          return more;
        };
        auto how = co_await run->lister.Watch(run->scope, step.watch,
                                              std::move(on_event), stop);
        over.request_stop();
        if (stop.stop_requested()) break;
        run->reflector.WatchEnded(std::move(how), Now());
        break;
      }
    }
    if (!stop.stop_requested()) run->Report();
  }
}

// A watch of what doesn't change says nothing for a minute.
asio::awaitable<void> ReflectorRunner::Run::LookLater(std::shared_ptr<Run> run,
                                                      std::stop_token over) {
  co_await WaitUntil(run->executor, Now() + Reflector::kShortWatch, over);
  const bool stopped = over.stop_requested() || run->stop.stop_requested();
  if (!stopped && run->HasNews()) run->Report();
}

void ReflectorRunner::Run::Report() {
  const std::string& problem = reflector.health().problem;
  reported_bad = reflector.health().bad_objects;
  reported_problem = problem;
  if (IsMended()) {
    Log(Level::kInfo, "following Kubernetes objects again",
        {{"resource", Describe(scope)}});
    said.clear();
  } else if (!problem.empty() && MayBeSaid(problem)) {
    Log(Level::kWarn,
        "cannot follow Kubernetes objects, trying again; what is known stays",
        {{"resource", Describe(scope)}, {"err", problem}});
    said.insert(problem);
    said_at = Now();
  }
  if (on_step) on_step();
}

bool ReflectorRunner::Run::MayBeSaid(const std::string& problem) {
  if (said.contains(problem)) return false;
  if (said.size() < kMostSaid) return true;
  if (Now() - said_at < kSayAgain) return false;
  said.clear();
  return true;
}

ReflectorRunner::ReflectorRunner(asio::any_io_executor executor, Store& store,
                                 ListerWatcher& lister,
                                 const ReflectorOptions& options)
    : run_(std::make_shared<Run>(std::move(executor), store, lister, options)) {
}

ReflectorRunner::~ReflectorRunner() {
  run_->on_step = nullptr;
  run_->stop.request_stop();
}

void ReflectorRunner::Start(std::function<void()> on_step) {
  run_->started = true;
  run_->on_step = std::move(on_step);
  asio::co_spawn(run_->executor, Run::Loop(run_),
                 [run = run_](std::exception_ptr thrown) {
                   if (thrown) std::rethrow_exception(thrown);
                   run->Ended();
                 });
}

void ReflectorRunner::Stop(std::function<void()> on_stopped) {
  run_->on_step = nullptr;
  run_->on_stopped = std::move(on_stopped);
  run_->stop.request_stop();
  if (!run_->started || run_->ended) {
    asio::post(run_->executor, [run = run_] { run->Ended(); });
  }
}

const ReflectorHealth& ReflectorRunner::health() const {
  return run_->reflector.health();
}

bool ReflectorRunner::streaming_was_refused() const {
  return run_->reflector.streaming_was_refused();
}

}  // namespace ta::kubernetes
