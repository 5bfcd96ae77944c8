#include "api/body_cache.h"

namespace ta {

std::optional<Body> BodyCache::Find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(key);
  if (found == index_.end()) {
    ++misses_;
    return std::nullopt;
  }
  ++hits_;
  hit_bytes_ += found->second->body.bytes->size();
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->body;
}

void BodyCache::Insert(const Key& key, const Body& body) {
  const std::size_t cost = body.bytes->size() + kOverheadBytes;
  if (cost > limit_bytes_ / 4) return;
  // Destroyed after the lock is released: freeing may be slow.
  std::list<Entry> evicted;
  const std::lock_guard lock(mutex_);
  if (index_.contains(key)) return;  // another thread rendered it, too
  entries_.push_front({key, body});
  index_.emplace(key, entries_.begin());
  bytes_ += cost;
  while (bytes_ > limit_bytes_) {
    const auto last = std::prev(entries_.end());
    bytes_ -= last->body.bytes->size() + kOverheadBytes;
    index_.erase(last->key);
    evicted.splice(evicted.begin(), entries_, last);
  }
}

BodyCache::Stats BodyCache::stats() const {
  const std::lock_guard lock(mutex_);
  return {hits_, misses_, hit_bytes_, bytes_, entries_.size()};
}

}  // namespace ta
