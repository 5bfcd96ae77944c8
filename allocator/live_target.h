// One live target, and a pointer to it that takes one word.
//
// There may be a million targets, and each is pointed to from a list and from
// the writer's record of it. A std::shared_ptr is 16 bytes in each of these
// places and 16 more for its counts; counted in the target itself, where there
// is room beside the interval, a reference costs 8 bytes and the count nothing.

#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "allocator/labels.h"
#include "allocator/target.h"

namespace ta {

// As discovered. Served are the labels of both, `own` winning. Immutable as
// soon as there is a TargetPtr to it, and then for any thread.
struct Target {
  // 49 days at most; a longer one counts as that.
  using Interval = std::chrono::duration<std::uint32_t, std::milli>;

  TargetId id;
  std::uint64_t placement_key = 0;
  Labels group;
  Labels own;
  // After relabeling; what a hand-over waits for the new owner to scrape.
  Interval scrape_interval{};

  // The value of a discovered label, "" if absent.
  std::string_view Get(std::string_view name) const {
    const auto found = own.Find(name);
    return found ? *found : group.Get(name);
  }

 private:
  friend void intrusive_ptr_add_ref(const Target* target) noexcept {
    target->references_.fetch_add(1, std::memory_order_relaxed);
  }
  // What a thread read before it let go happens before the deletion.
  friend void intrusive_ptr_release(const Target* target) noexcept {
    if (target->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete target;
    }
  }

  mutable std::atomic<std::uint32_t> references_ = 0;
};
static_assert(sizeof(Target) == 48, "64 bytes of the heap for each target");

// As std::shared_ptr: copies may be made and dropped on any thread.
using TargetPtr = boost::intrusive_ptr<const Target>;

}  // namespace ta
