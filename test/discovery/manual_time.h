// Time that stands still until a test moves it, for discoverers that wait.

#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "discovery/refresh.h"
#include "test/discovery/support.h"

namespace ta::test {

// Thread-safe; of one discoverer. Outlives it.
class ManualTime {
 public:
  RefreshTime time() {
    return {[this] { return now(); },
            [this](boost::asio::any_io_executor executor, TimePoint until,
                   std::stop_token stop) {
              return Wait(std::move(executor), until, std::move(stop));
            }};
  }
  TimePoint now() {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  // Waits until the discoverer does, and returns for how long from now it would
  // wait; nothing if it doesn't wait at all.
  std::optional<Duration> Waiting() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [&] { return waits_; });
    if (!waits_) return std::nullopt;
    return until_ - now_;
  }
  // Moves the time to the end of its wait, and returns how long that was.
  std::optional<Duration> SkipWait() {
    const auto wait = Waiting();
    if (!wait) return wait;
    const std::lock_guard lock(mutex_);
    now_ = until_;
    waits_ = false;
    if (const auto timer = timer_.lock()) {
      boost::asio::post(timer->get_executor(), [timer] { timer->cancel(); });
    }
    return wait;
  }
  // What the discoverer's work took.
  void Pass(Duration duration) {
    const std::lock_guard lock(mutex_);
    now_ += duration;
  }

 private:
  using Timer = boost::asio::steady_timer;

  boost::asio::awaitable<bool> Wait(boost::asio::any_io_executor executor,
                                    TimePoint until, std::stop_token stop) {
    const auto timer = std::make_shared<Timer>(executor, TimePoint::max());
    const std::stop_callback<std::function<void()>> on_stop(
        stop, [timer] { timer->cancel(); });
    if (stop.stop_requested()) co_return false;
    {
      const std::lock_guard lock(mutex_);
      until_ = until;
      timer_ = timer;
      waits_ = true;
      changed_.notify_all();
    }
    co_await timer->async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return !stop.stop_requested();
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  TimePoint now_{std::chrono::hours(1)};
  TimePoint until_;
  bool waits_ = false;
  std::weak_ptr<Timer> timer_;  // of its wait; goes with the loop it is of
};

}  // namespace ta::test
