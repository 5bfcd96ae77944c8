// Runs a Reflector: asks the server what it says to ask, waits when it says to
// wait, until stopped. It logs when following a scope begins to fail, each
// other reason once, and when it works again (Reflector::Follows); not each try
// in between.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "discovery/kubernetes/lister_watcher.h"
#include "discovery/kubernetes/reflector.h"
#include "discovery/kubernetes/store.h"

namespace ta::kubernetes {

// Confined to its executor's thread. The store and the lister outlive it, and
// the lister its last call: wait for `on_stopped` before destroying that.
class ReflectorRunner {
 public:
  ReflectorRunner(boost::asio::any_io_executor executor, Store& store,
                  ListerWatcher& lister, const ReflectorOptions& options);
  // Stops; nothing touches the store any more.
  ~ReflectorRunner();
  ReflectorRunner(const ReflectorRunner&) = delete;
  ReflectorRunner& operator=(const ReflectorRunner&) = delete;

  // Begins, soon, but not within the call. `on_step` is called after each
  // request and wait, and during a watch when a problem is gone or an object
  // can't be read, for who wants to look at health(). REQUIRES: called once
  void Start(std::function<void()> on_step);
  // Ends what is under way soon, a second at the very most; then, once,
  // `on_stopped` is called, from the executor, never from here. No change of
  // the store, nor on_step, follows this call. REQUIRES: called once, if at all
  void Stop(std::function<void()> on_stopped);

  const ReflectorHealth& health() const;
  bool streaming_was_refused() const;

 private:
  struct Run;
  std::shared_ptr<Run> run_;
};

}  // namespace ta::kubernetes
