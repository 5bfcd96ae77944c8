// One watch for each scope, however many roles look at it: the first who asks
// for a scope begins to watch it, the last who lets go ends that.

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "discovery/kubernetes/reflector.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/store.h"

namespace ta::kubernetes {

// Whatever fills a store from now on; destroyed, it leaves the store alone.
class StoreFiller {
 public:
  virtual ~StoreFiller() = default;
  virtual const ReflectorHealth& health() const = 0;
};

// Begins to fill `store`, which outlives the filler. `on_step` is to be called
// after each request, never before this has returned.
using StartFiller = std::function<std::unique_ptr<StoreFiller>(
    Store& store, std::function<void()> on_step)>;

// A scope that is watched, as long as somebody holds it.
class SharedWatch {
 public:
  // Is told after each request, when health() may be another. Not owned.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void Stepped(const SharedWatch& watch) = 0;
  };

  explicit SharedWatch(const Scope& scope) : store_(scope) {}

  Store& store() { return store_; }
  const Store& store() const { return store_; }
  const ReflectorHealth& health() const { return filler_->health(); }

  // Neither is called by what an observer is told.
  void AddObserver(Observer* observer) { observers_.push_back(observer); }
  void RemoveObserver(Observer* observer) { std::erase(observers_, observer); }

 private:
  friend class WatchPool;
  Store store_;
  std::vector<Observer*> observers_;
  std::unique_ptr<StoreFiller> filler_;  // goes first
};

// Of one API server, as one identity. Confined to one thread; outlives what it
// hands out. A watch isn't let go of from within what it tells.
class WatchPool {
 public:
  explicit WatchPool(StartFiller start) : start_(std::move(start)) {}
  WatchPool(const WatchPool&) = delete;
  WatchPool& operator=(const WatchPool&) = delete;

  std::shared_ptr<SharedWatch> Acquire(const Scope& scope);

  // How many scopes are watched.
  std::size_t size() const { return watches_.size(); }
  // Calls do_one(const SharedWatch&) for each, in order of scopes.
  template <typename Do>
  void ForEach(const Do& do_one) const {
    for (const auto& [scope, shared] : watches_) {
      if (const auto watch = shared.lock()) do_one(*watch);
    }
  }

 private:
  const StartFiller start_;
  // Each leaves when the last holder does.
  std::map<Scope, std::weak_ptr<SharedWatch>> watches_;
};

}  // namespace ta::kubernetes
