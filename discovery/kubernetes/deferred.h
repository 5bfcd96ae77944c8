// Work that is asked for often and done once, soon: what changes until then is
// taken together.

#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace ta::kubernetes {

// Confined to one thread. Destroyed, it does nothing any more.
class Deferred {
 public:
  // Has the function called soon, on the same thread, never at once.
  using Defer = std::function<void(std::function<void()>)>;

  Deferred(Defer defer, std::function<void()> work)
      : defer_(std::move(defer)), work_(std::move(work)) {}
  ~Deferred() { *alive_ = false; }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  void Soon() {
    if (std::exchange(is_due_, true)) return;
    defer_([this, alive = alive_] {
      if (!*alive) return;
      is_due_ = false;
      work_();
    });
  }

 private:
  const Defer defer_;
  const std::function<void()> work_;
  bool is_due_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ta::kubernetes
