#include "discovery/kubernetes/watch_pool.h"

#include <utility>

namespace ta::kubernetes {

std::shared_ptr<SharedWatch> WatchPool::Acquire(const Scope& scope) {
  if (const auto found = watches_.find(scope); found != watches_.end()) {
    if (auto watch = found->second.lock()) return watch;
  }
  auto leave = [this, scope](SharedWatch* watch) {
    watches_.erase(scope);
    delete watch;
  };
  std::shared_ptr<SharedWatch> watch(new SharedWatch(scope), std::move(leave));
  watches_[scope] = watch;
  watch->filler_ = start_(watch->store_, [raw = watch.get()] {
    for (SharedWatch::Observer* observer : raw->observers_) {
      observer->Stepped(*raw);
    }
  });
  return watch;
}

}  // namespace ta::kubernetes
