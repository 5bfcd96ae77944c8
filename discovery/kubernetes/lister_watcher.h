// The seam between what is known of an API server and how it is asked: lists a
// page, watches a scope. Tests put a fake here.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <stop_token>

#include "allocator/base/clock.h"
#include "allocator/base/stage_stats.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/status.h"
#include "discovery/kubernetes/watch_decoder.h"

namespace ta::kubernetes {

class ApiClient;

// All calls and callbacks on one thread. A stop is asked for there, too, and
// ends the call soon, with an error. It outlives its calls.
class ListerWatcher {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  // Takes an event; false: the watch is of no more use, end it.
  using OnEvent = std::function<bool(WatchEvent)>;

  virtual ~ListerWatcher() = default;

  // One page.
  virtual Awaitable<Answer<ListPage>> List(Scope scope, ListOptions options,
                                           std::stop_token stop) = 0;
  // Events as they come, an ERROR like the others, after a kOpened. Success if
  // the server ended the stream where it may end, or `on_event` did; nothing is
  // told after that.
  virtual Awaitable<Answer<void>> Watch(Scope scope, WatchOptions options,
                                        OnEvent on_event,
                                        std::stop_token stop) = 0;
};

// How long a watch may be without any byte: API servers send a bookmark a
// minute, so two of them are missing. It is how a connection is noticed whose
// other end is gone without a word.
inline constexpr Duration kWatchIdle = std::chrono::seconds(150);

// The real one. `reading`, if it is there, outlives it and counts what was read
// of answers: pages of a list, pieces of a watch. No items: nobody knows yet
// which groups there will be.
std::unique_ptr<ListerWatcher> MakeListerWatcher(
    std::unique_ptr<ApiClient> client, Duration watch_idle = kWatchIdle,
    StageStats* reading = nullptr);

}  // namespace ta::kubernetes
