#include "discovery/kubernetes/connection.h"

namespace ta::kubernetes {

std::vector<WatchStatus> Connection::Watches(TimePoint now) const {
  std::vector<WatchStatus> all;
  pool_.ForEach([&](const SharedWatch& watch) {
    const ReflectorHealth& health = watch.health();
    WatchStatus& status = all.emplace_back();
    status.server = server_;
    status.scope = watch.store().scope();
    status.synced = watch.store().synced();
    status.objects = watch.store().size();
    if (health.heard_at) status.age = now - *health.heard_at;
    status.problem = health.problem;
    status.lists = health.lists;
    status.watches = health.watches;
    status.events = health.events;
    status.failures = health.failures;
    status.bad_objects = health.bad_objects;
    status.bad_now = health.bad.size();
  });
  return all;
}

}  // namespace ta::kubernetes
