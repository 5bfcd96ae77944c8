// The running service: the queue that everything which happens goes into, and
// the one thread that hands it to the allocator and publishes what comes out.
//
// A lone event is applied at once. What follows within coalesce_interval of it
// is applied together, so that a burst makes few generations. Polls, of which
// there may be tens of thousands a second, are applied together in any case,
// and hold up nothing else.

#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/base/clock.h"
#include "allocator/service_stats.h"
#include "allocator/snapshot.h"
#include "allocator/stage_timer.h"
#include "discovery/discoverer.h"

namespace ta {

// All calls but Start and Stop are thread-safe and never block for long.
class Service final : public UpdateSink {
 public:
  struct Callbacks {
    // A configuration was applied: start what it names. In step with the
    // allocator, so that one which forgets a discoverer and one which starts
    // it again never cross.
    std::function<void(const Config&)> on_config;
    // The discoverers to keep running, when they are others than before.
    std::function<void(const std::set<std::string>&)> on_discoverers_in_use;
    // After each new snapshot was published. Returns when it wants to see the
    // one of that time, if none is published by then; max() for never.
    std::function<TimePoint(const Snapshot&, TimePoint now)> on_snapshot;
  };

  // `snapshots` and `clock` must outlive the service. Callbacks run on the
  // service's thread.
  Service(SnapshotHolder& snapshots, const Clock& clock, Callbacks callbacks);
  ~Service() override;

  // Starts the thread. REQUIRES: called once
  void Start();
  // Drops what is queued and ends the thread. Idempotent.
  void Stop();

  // A configuration that loaded, and when it did.
  void Configure(std::shared_ptr<const Config> config, ReloadStatus status);
  // One that did not: only the status changes.
  void ReloadFailed(ReloadStatus status);
  // Names that polled before a restart; to be called before Configure.
  void Remember(std::vector<std::string> members);
  void Polled(Poll poll);
  void Discovered(DiscoveryUpdate update) override;
  void Members(MembersUpdate update) override;

  // Waits until everything queued so far is in the published snapshot, or the
  // service is stopped.
  void Flush();
  // For the metrics page; lives as long as the service.
  const ServiceStats& metrics() const { return metrics_; }

 private:
  struct Queue {
    AllocatorInput input;
    std::vector<TimePoint> arrivals;  // of the events; polls are none
  };
  // Adds up what the stages of one Apply took.
  class Stages final : public StageTimer {
   public:
    explicit Stages(const Clock& clock) : clock_(clock) {}
    void Ran(Stage stage, std::uint64_t items) override;
    void Passed() override { last_ = clock_.Now(); }
    // Counts those that ran, and begins anew.
    void RecordTo(ServiceStats& stats);

   private:
    struct Sum {
      bool ran = false;
      Duration took{0};
      std::uint64_t items = 0;
    };
    const Clock& clock_;
    TimePoint last_;
    std::array<Sum, kStages> sums_;
  };

  void Push(const std::function<void(AllocatorInput&)>& add);
  void Run();
  // When there is something to do, at the latest; max if nothing is known.
  TimePoint Due(TimePoint now) const;
  void Apply(Queue batch);
  // on_snapshot wants to see what is published now.
  void LookAgain();
  void NoteJobs(const Config& config);
  // The events of a batch are in what is published.
  void NoteServed(const std::vector<TimePoint>& arrivals, TimePoint now);

  SnapshotHolder& snapshots_;
  const Clock& clock_;
  Callbacks callbacks_;
  Stages stages_;        // the thread's alone
  Allocator allocator_;  // the thread's alone
  // What feeds which jobs, by the latest configuration; the thread's alone.
  std::map<std::string, std::vector<std::string>> jobs_of_;
  ServiceStats metrics_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable applied_;
  Queue queue_;
  Duration coalesce_interval_{std::chrono::milliseconds(50)};
  TimePoint next_events_;  // events are not applied before
  TimePoint next_polls_;   // polls alone are not applied before
  TimePoint look_again_ = TimePoint::max();  // on_snapshot wants to be called
  std::optional<TimePoint> deadline_;
  std::uint64_t pushed_ = 0;
  std::uint64_t done_ = 0;  // of pushed_, what is published
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ta
