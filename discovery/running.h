// What stands between the manager and a discoverer that it runs: a gate that
// what it sends passes, and a thread that stops those which are needed no more.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "discovery/discoverer.h"

namespace ta {

// Numbers what a discoverer sends, until it is shut. Thread-safe.
class Gate final : public UpdateSink {
 public:
  // Called once, before the first complete list of members is passed on, on the
  // thread that sent it. Must not call the gate.
  using Answered = std::function<void()>;

  // `sink` outlives this. `instance`: DiscoveryUpdate::instance.
  Gate(UpdateSink* sink, std::uint64_t instance, Answered answered)
      : sink_(sink), instance_(instance), answered_(std::move(answered)) {}

  void Discovered(DiscoveryUpdate update) override;
  void Members(MembersUpdate update) override;

  // Nothing passes once it has returned. Waits for no more than the sink.
  void Shut();
  // Shuts it, but if a complete list of members has passed. Was it shut?
  bool ShutUnlessAnswered();

 private:
  UpdateSink* const sink_;
  const std::uint64_t instance_;
  std::mutex mutex_;   // guards what follows
  Answered answered_;  // null once it was called
  bool has_answered_ = false;
  bool shut_ = false;
};

struct RunningDiscoverer {
  RunningDiscoverer(UpdateSink* sink, std::uint64_t instance,
                    Gate::Answered answered = nullptr)
      : gate(sink, instance, std::move(answered)) {}

  Gate gate;
  std::unique_ptr<Discoverer> discoverer;  // sends to `gate`
};

// Stops discoverers on a thread of its own: Stop waits for work in progress,
// which may hang on a file system, and whoever reloads must not. Thread-safe.
class Retirement {
 public:
  Retirement();
  ~Retirement();  // stops

  // Nothing more of it is sent; it is stopped and deleted soon. Null is fine.
  void Add(std::unique_ptr<RunningDiscoverer> running);
  // Returns when all are stopped. REQUIRES: no Add afterwards. Idempotent.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;  // guards what follows, up to the blank line
  std::condition_variable wake_;
  std::deque<std::unique_ptr<RunningDiscoverer>> waiting_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ta
