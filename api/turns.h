// Turns at something that takes a millisecond of CPU: one has a turn at a time,
// and whatever else is ready on the loop runs between two. Without it, a
// thousand collectors that connect over TLS at once would keep a probe waiting
// for all of their handshakes. Inside api/ only; confined to its loop's thread.

#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

namespace ta {

class Turns {
 public:
  explicit Turns(boost::asio::io_context& context) : context_(context) {}

  // Waits for a turn, in order of asking. Give must follow, soon.
  boost::asio::awaitable<void> Take() {
    if (!taken_) {
      taken_ = true;
      co_return;
    }
    Timer timer(context_, Timer::time_point::max());
    waiting_.push_back(&timer);
    co_await timer.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  // The next one has its turn once all that is ready now has run.
  void Give() {
    boost::asio::post(context_, [this] {
      if (waiting_.empty()) {
        taken_ = false;
        return;
      }
      Timer* const next = waiting_.front();
      waiting_.pop_front();
      next->cancel();
    });
  }

 private:
  using Timer = boost::asio::steady_timer;

  boost::asio::io_context& context_;
  bool taken_ = false;
  std::deque<Timer*> waiting_;
};

}  // namespace ta
