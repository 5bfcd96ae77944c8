// What the polled mechanisms have in common (http; source: Prometheus 3's
// discovery/refresh): asks at once, then each refresh_interval, and sends what
// changed. What is served stays as it was while nobody answers.
//
// Beyond Prometheus: before the first success it asks again after 1 s, 2 s, 4 s
// and so on up to the interval, as nothing is served until then; and each wait
// is up to a tenth shorter, so that a thousand jobs, or replicas that were
// started together, don't ask in step.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/discoverer.h"
#include "discovery/io_thread.h"
#include "discovery/refresh_counters.h"

namespace ta {

// When to ask. Pure; one discoverer's.
class RefreshSchedule {
 public:
  // An interval below this is taken for it.
  static constexpr Duration kMinInterval = std::chrono::seconds(1);

  // Equal seeds wait equally long.
  RefreshSchedule(Duration interval, std::uint64_t seed);

  // When to ask again after an asking from `began` to `ended`. With a success
  // once, an interval after `began` at the latest, but not before `ended`.
  TimePoint Next(TimePoint began, TimePoint ended, bool succeeded);

 private:
  Duration Shortened(Duration wait);

  Duration interval_;
  Duration backoff_;
  bool has_succeeded_ = false;
  std::mt19937_64 random_;
};

// One answer of the world, as far as it was one.
struct Refreshed {
  // Those that differ from what was there before; empty ones for sources that
  // are gone.
  std::vector<TargetGroup> groups;
  // False: a part has not answered yet, ever.
  bool complete = true;
  // What is wrong with a part, whose last answer stays; "" if nothing.
  std::string problem;
};

// Asks the world. Lives and dies on the thread of its executor.
class PolledMechanism {
 public:
  virtual ~PolledMechanism() = default;
  // Ends soon after `stop`, which is asked for on the same thread. An error
  // changes nothing that is served; its text is shown, so it holds no secret.
  virtual boost::asio::awaitable<Result<Refreshed>> Ask(
      std::stop_token stop) = 0;
};

// Where a discoverer gets the time from; a test has its own.
struct RefreshTime {
  std::function<TimePoint()> now;
  // True once it is `until`; false if stopped before.
  std::function<boost::asio::awaitable<bool>(boost::asio::any_io_executor,
                                             TimePoint until, std::stop_token)>
      wait_until;

  static RefreshTime Real();
};

// First answer: the first success. A mechanism in parts whose first answers are
// not all in is unsynced, with what there is sent as a partial one.
class PolledDiscoverer final : public Discoverer {
 public:
  using MakeMechanism = std::function<std::unique_ptr<PolledMechanism>(
      boost::asio::any_io_executor)>;

  struct Settings {
    std::string key;   // DiscoveryConfig::key
    std::string name;  // for the log: "http"
    Duration interval{};
    std::uint64_t seed = 0;
    std::shared_ptr<RefreshCounters::Series> series;  // may be null
  };

  // `io` and `sink` outlive this. `make` is called on the thread of `io`.
  PolledDiscoverer(Settings settings, MakeMechanism make, IoThread* io,
                   UpdateSink* sink, RefreshTime time = RefreshTime::Real());
  ~PolledDiscoverer() override;

  void Start() override;
  // Waits for what is under way to notice; not from the thread of `io`.
  void Stop() override;

 private:
  struct Run;
  IoThread* const io_;
  std::shared_ptr<Run> run_;
};

}  // namespace ta
