#include "discovery/refresh.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/async_wait.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr Duration kFirstBackoff = std::chrono::seconds(1);

}  // namespace

RefreshSchedule::RefreshSchedule(Duration interval, std::uint64_t seed)
    : interval_(std::max(interval, kMinInterval)),
      backoff_(std::min(kFirstBackoff, interval_)),
      random_(seed) {}

Duration RefreshSchedule::Shortened(Duration wait) {
  std::uniform_int_distribution<int> thousandths(0, 100);
  return wait - wait / 1000 * thousandths(random_);
}

TimePoint RefreshSchedule::Next(TimePoint began, TimePoint ended,
                                bool succeeded) {
  has_succeeded_ = has_succeeded_ || succeeded;
  if (has_succeeded_) return std::max(ended, began + Shortened(interval_));
  const Duration wait = backoff_;
  backoff_ = std::min(2 * backoff_, interval_);
  return ended + Shortened(wait);
}

RefreshTime RefreshTime::Real() {
  return {[] { return std::chrono::steady_clock::now(); }, WaitUntil};
}

// Shared with the coroutine.
struct PolledDiscoverer::Run {
  Run(Settings settings, MakeMechanism make, UpdateSink* sink, RefreshTime time)
      : settings(std::move(settings)),
        make(std::move(make)),
        sink(sink),
        time(std::move(time)),
        schedule(this->settings.interval, this->settings.seed) {}

  static asio::awaitable<void> Loop(std::shared_ptr<Run> run,
                                    asio::any_io_executor executor);
  void Take(Result<Refreshed> answer);
  void Say(const std::string& problem);

  Settings settings;  // its series is let go at the end
  const MakeMechanism make;
  UpdateSink* const sink;
  const RefreshTime time;

  // Confined to the loop.
  RefreshSchedule schedule;
  std::stop_source stop;
  bool sent = false;
  bool synced = false;
  bool partial = false;
  std::string problem;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool started = false;
  bool ended = false;
};

asio::awaitable<void> PolledDiscoverer::Run::Loop(
    std::shared_ptr<Run> run, asio::any_io_executor executor) {
  const std::stop_token stop = run->stop.get_token();
  const std::unique_ptr<PolledMechanism> mechanism = run->make(executor);
  while (!stop.stop_requested()) {
    const TimePoint began = run->time.now();
    auto answer = co_await mechanism->Ask(stop);
    if (stop.stop_requested()) break;
    const TimePoint ended = run->time.now();
    const bool succeeded = answer && answer->complete;
    if (run->settings.series != nullptr) {
      run->settings.series->Count(
          std::chrono::duration<double>(ended - began).count(), !answer, ended);
    }
    run->Take(std::move(answer));
    const TimePoint next = run->schedule.Next(began, ended, succeeded);
    co_await run->time.wait_until(executor, next, stop);
  }
  run->settings.series.reset();
}

void PolledDiscoverer::Run::Take(Result<Refreshed> answer) {
  DiscoveryUpdate update;
  update.discoverer = settings.key;
  update.synced = synced || (answer && answer->complete);
  update.partial = !update.synced && (partial || answer);
  if (answer) {
    update.groups = std::move(answer->groups);
    update.problem = std::move(answer->problem);
  } else {
    update.problem = std::move(answer.error().message);
  }
  Say(update.problem);
  if (sent && update.groups.empty() && update.synced == synced &&
      update.partial == partial && update.problem == problem) {
    return;
  }
  sent = true;
  synced = update.synced;
  partial = update.partial;
  problem = update.problem;
  sink->Discovered(std::move(update));
}

// The log has the first of several problems in a row, and their end.
void PolledDiscoverer::Run::Say(const std::string& now) {
  if (now.empty() == problem.empty()) return;
  if (now.empty()) {
    Log(Level::kInfo, "discovery is answered again",
        {{"mechanism", settings.name}, {"err", problem}});
    return;
  }
  Log(Level::kWarn,
      synced ? "discovery is not answered, targets stay as they were"
             : "discovery is not answered yet",
      {{"mechanism", settings.name}, {"err", now}});
}

PolledDiscoverer::PolledDiscoverer(Settings settings, MakeMechanism make,
                                   IoThread* io, UpdateSink* sink,
                                   RefreshTime time)
    : io_(io),
      run_(std::make_shared<Run>(std::move(settings), std::move(make), sink,
                                 std::move(time))) {}

PolledDiscoverer::~PolledDiscoverer() { Stop(); }

void PolledDiscoverer::Start() {
  {
    const std::lock_guard lock(run_->mutex);
    run_->started = true;
  }
  const asio::any_io_executor executor = io_->executor();
  asio::co_spawn(executor, Run::Loop(run_, executor),
                 [run = run_](std::exception_ptr thrown) {
                   if (thrown) std::rethrow_exception(thrown);
                   const std::lock_guard lock(run->mutex);
                   run->ended = true;
                   run->changed.notify_all();
                 });
}

void PolledDiscoverer::Stop() {
  std::unique_lock lock(run_->mutex);
  if (!run_->started) return;
  if (!run_->ended) {
    asio::post(io_->executor(), [run = run_] { run->stop.request_stop(); });
  }
  run_->changed.wait(lock, [&] { return run_->ended; });
}

}  // namespace ta
