// Reads the configuration again when it is told to: on SIGHUP, on POST
// /-/reload and when the file changed. All or nothing: one with a mistake
// changes nothing but what is said about it.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config_file.h"
#include "allocator/service.h"

namespace ta {

// What is to be warned of in a configuration that loaded, also of what it asks
// of the number of replicas.
using Warnings = std::vector<std::string>;
Warnings WarningsOf(const Config& config);
// Logs each of `warnings` that is not in `before`.
void LogWarnings(const Warnings& warnings, const Warnings& before = {});

// Thread-safe. Loads on a thread of its own, one at a time.
class Reloader {
 public:
  using Reply = std::function<void(Result<void>)>;

  using OnRead = std::function<void(LoadedFiles)>;

  // `service` must outlive this. `first` is the configuration that the process
  // started with; of what takes effect only at a start, a change is warned of.
  // `on_read` is told, on the reloader's thread, what was read, good or bad.
  Reloader(std::string path, LoadOptions options, const Config& first,
           Service& service, OnRead on_read);
  ~Reloader();  // stops

  // Reads the file soon; requests that come before it has begun share one
  // load. `reply`, if any, is called once: when the new configuration is in the
  // published snapshot, with every mistake, or when this stops. Returns at
  // once.
  void Request(std::string why, Reply reply = nullptr);
  // Ends the thread after the load in progress. Idempotent.
  void Stop();

 private:
  void Run();
  Result<void> Load(const std::string& why);

  const std::string path_;
  const LoadOptions options_;
  const std::string listen_addr_;
  const HttpsConfig https_;
  const std::string state_dir_;
  const TelemetryConfig telemetry_;
  Service& service_;
  const OnRead on_read_;
  // The thread's alone, once it runs.
  std::int64_t last_success_;
  Warnings warned_;  // of the configuration in force

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool requested_ = false;
  bool stopping_ = false;
  std::string why_;
  std::vector<Reply> replies_;
  std::thread thread_;
};

// Logs each mistake of one that did not.
void LogMistakes(const Mistakes& mistakes);
// Seconds since 1970, by the wall clock.
std::int64_t UnixSeconds();

}  // namespace ta
