// A thread to wait for the network on. All polled discoverers of a process
// share one: they sleep nearly always, so that one loop is enough for hundreds.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <mutex>
#include <optional>
#include <thread>

namespace ta {

// One loop on one thread, which is started when it is first asked for.
// Thread-safe.
class IoThread {
 public:
  // `name` is what top shows: a literal of at most 15 bytes.
  explicit IoThread(const char* name = "polled") : name_(name) {}
  ~IoThread();  // stops
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // What runs on it is run one at a time. REQUIRES: not stopped
  boost::asio::any_io_executor executor();

  // Ends the loop and waits for it. Whoever uses it has stopped before: what
  // still waits on the loop is never called. Idempotent.
  void Stop();

 private:
  using Work =
      boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  const char* const name_;
  boost::asio::io_context loop_{1};
  std::mutex mutex_;          // guards what follows
  std::optional<Work> work_;  // the loop goes on without anything to do
  std::thread thread_;
};

}  // namespace ta
