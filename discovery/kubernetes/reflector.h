// Keeps a store equal to what one scope of an API server holds: lists it once,
// then follows a watch, and lists again when it must. This is the state machine
// alone. Whoever runs it asks Next, does that, and reports what came of it;
// time is a parameter. Source: client-go's tools/cache/reflector.go.
//
//            ┌────────── 410, or the watch fails again and again ──────────┐
//            ▼                                                             │
//   page ─▶ page ─▶ last page: Replace ─▶ watch from its version ─▶ event:
//   Upsert, Delete
//            ▲ 410 of a token: all in one page     ▲                       │
//                                                  └── ends, or is cut ────┘
//
// Where the server offers streaming lists, one watch is both. Whatever fails,
// the store stays as it is: a list takes effect when it is complete, and only
// then removes what it does not have. Waiting after failures doubles from 0.8
// to 30 s, each up to twice as long by chance.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/status.h"
#include "discovery/kubernetes/store.h"
#include "discovery/kubernetes/watch_decoder.h"

namespace ta::kubernetes {

struct ReflectorOptions {
  int page_objects = 500;
  // A watch is asked to end after this time up to twice it, at random, so that
  // the watches of many clients spread over the API servers.
  std::chrono::seconds watch_timeout{300};
  Duration first_backoff = std::chrono::milliseconds(800);
  Duration longest_backoff = std::chrono::seconds(30);
  // Try streaming lists first. A server without them says so.
  bool streaming_lists = false;
  std::uint64_t seed = 1;
};

// How a reflector does, for metrics and status pages. Counters never go back.
struct ReflectorHealth {
  // When the server was last heard: a page, an event, a bookmark.
  std::optional<TimePoint> heard_at;
  std::string problem;         // of the last request that failed; "" since one
                               // that didn't
  std::uint64_t lists = 0;     // complete ones, streamed or in pages
  std::uint64_t watches = 0;   // begun
  std::uint64_t events = 0;    // but for bookmarks
  std::uint64_t failures = 0;  // requests that failed, and watches
  // Objects that are left out, by key, with the reason; 1,000 at most.
  std::map<std::string, std::string> bad;
  std::uint64_t bad_objects = 0;  // all that ever were
};

// Confined to the thread of its store, which outlives it.
class Reflector {
 public:
  // A watch that is shorter and brings nothing isn't worth beginning at once.
  // Source: client-go, "very short watch".
  static constexpr Duration kShortWatch = std::chrono::seconds(1);

  Reflector(Store& store, const ReflectorOptions& options);

  struct Step {
    enum class Kind : std::uint8_t { kList, kWatch, kWait };
    Kind kind = Kind::kWait;
    ListOptions list = {};    // of kList
    WatchOptions watch = {};  // of kWatch
    Duration wait{0};         // of kWait: then ask again
  };
  // What to do now. REQUIRES: the step before was reported (kWait needs none)
  Step Next(TimePoint now);

  // What came of kList.
  void Listed(Answer<ListPage> page, TimePoint now);
  // While watching. False: the watch is of no more use, end it, and report
  // that.
  bool Received(WatchEvent event, TimePoint now);
  // A watch is over: success if the server ended it where it may end.
  void WatchEnded(Answer<void> how, TimePoint now);

  const ReflectorHealth& health() const { return health_; }
  // The store is complete, and a watch of what changes has brought something,
  // or stayed open for kShortWatch. One that was only accepted may fail in the
  // next moment, again and again.
  bool Follows(TimePoint now) const;
  // The server doesn't have streaming lists: so needn't others of it ask.
  bool streaming_was_refused() const { return refused_; }
  // Up to where the store has seen everything; "" before the first list.
  const std::string& resource_version() const { return version_; }

 private:
  enum class Doing : std::uint8_t { kNothing, kListing, kWatching };

  Step NextList();
  Step NextWatch(TimePoint now);
  void ListFailed(const Failure& failure, TimePoint now);
  void Complete(std::vector<ObjectPtr> objects, std::string version);
  void StreamEnded(const Failure* failure, TimePoint now);
  void TakeInitial(WatchEvent event);
  void TakeChange(WatchEvent event);
  void KeepBad(BadObject bad);  // until the list is complete
  void NoteBad(BadObject bad);
  void Fail(const Failure& failure);
  void Relist(const Failure* failure, TimePoint now);
  void BackOff(const Failure* failure, TimePoint now);
  void Worked(TimePoint now);
  double Chance() { return std::uniform_real_distribution<>(0, 1)(random_); }

  Store& store_;
  const ReflectorOptions options_;
  ReflectorHealth health_;
  std::mt19937_64 random_;

  Doing doing_ = Doing::kNothing;
  bool listed_ = false;  // watch next, not list
  bool refused_ = false;
  TimePoint not_before_{};
  Duration backoff_;  // the next wait, but for chance
  std::string version_;

  // A list under way: what its pages, or its stream, have brought.
  std::vector<ObjectPtr> pages_;
  std::map<std::string, ObjectPtr> streamed_;
  std::vector<BadObject> bad_;  // as many as are kept in health_
  std::uint64_t more_bad_ = 0;  // and how many more there were
  std::string token_;           // of the next page
  std::string list_version_;    // of the first page
  bool in_one_page_ = false;
  std::optional<TimePoint> listed_at_;

  // The watch under way.
  bool streaming_ = false;  // its initial events are not all in
  int unfinished_ = 0;      // streams that ended so, since the last list
  TimePoint began_{};
  std::uint64_t told_ = 0;  // events and bookmarks
  std::optional<TimePoint> opened_at_;
  std::optional<Failure> error_event_;
  int fruitless_ = 0;  // watches refused or broken, in a row
};

}  // namespace ta::kubernetes
