// Watches of a pool whose stores the test fills itself.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "discovery/kubernetes/watch_pool.h"

namespace ta::test {

class FakeFillers {
 public:
  struct Filler final : kubernetes::StoreFiller {
    explicit Filler(FakeFillers* in, kubernetes::Scope of)
        : owner(in), scope(of) {}
    ~Filler() override { owner->running.erase(scope); }
    const kubernetes::ReflectorHealth& health() const override { return state; }

    FakeFillers* owner;
    kubernetes::Scope scope;
    kubernetes::Store* store = nullptr;
    std::function<void()> on_step;
    kubernetes::ReflectorHealth state;
  };

  kubernetes::StartFiller Starter() {
    return [this](kubernetes::Store& store, std::function<void()> on_step) {
      auto filler = std::make_unique<Filler>(this, store.scope());
      filler->store = &store;
      filler->on_step = std::move(on_step);
      running[store.scope()] = filler.get();
      ++started;
      return filler;
    };
  }
  kubernetes::Store& StoreOf(kubernetes::Resource resource,
                             const std::string& ns = "") {
    return *running.at(kubernetes::Scope{resource, ns})->store;
  }

  std::map<kubernetes::Scope, Filler*> running;
  int started = 0;
};

}  // namespace ta::test
