#include "discovery/kubernetes/reflector.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace ta::kubernetes {
namespace {

// A server may be wrong about how long it wants to be left alone.
constexpr Duration kLongestRetryAfter = std::chrono::minutes(5);
constexpr std::size_t kMostBadKept = 1000;
// After so many watches in a row that the server refuses as they are, or breaks
// with garbage, our version may be the reason, so a list has to help; if it
// only has trouble of its own, later.
constexpr int kMostRefusals = 3;
constexpr int kMostTroubles = 10;
// Watches that end with nothing heard for so long, not even a bookmark, aren't
// worth more tries: something on the way may keep their bytes, where a list
// still comes through. Versions from before may be compacted away by then, too.
constexpr Duration kLongestSilence = std::chrono::minutes(5);
// Streaming lists in a row that don't reach their end, before pages are tried:
// those need not begin again after each failure.
constexpr int kMostUnfinished = 3;

using Kind = WatchEvent::Kind;

}  // namespace

Reflector::Reflector(Store& store, const ReflectorOptions& options)
    : store_(store),
      options_(options),
      random_(options.seed),
      backoff_(options.first_backoff) {}

Reflector::Step Reflector::Next(TimePoint now) {
  assert(doing_ == Doing::kNothing);
  if (now < not_before_)
    return {.kind = Step::Kind::kWait, .wait = not_before_ - now};
  const bool stream =
      options_.streaming_lists && !refused_ && unfinished_ < kMostUnfinished;
  return listed_ || stream ? NextWatch(now) : NextList();
}

Reflector::Step Reflector::NextList() {
  doing_ = Doing::kListing;
  return {.kind = Step::Kind::kList,
          .list = {.limit = in_one_page_ ? 0 : options_.page_objects,
                   .continue_token = token_}};
}

Reflector::Step Reflector::NextWatch(TimePoint now) {
  doing_ = Doing::kWatching;
  streaming_ = !listed_;
  streamed_.clear();
  bad_.clear();
  more_bad_ = 0;
  began_ = now;
  told_ = 0;
  opened_at_.reset();
  error_event_.reset();
  ++health_.watches;
  const auto timeout = std::chrono::duration_cast<std::chrono::seconds>(
      options_.watch_timeout * (1 + Chance()));
  return {.kind = Step::Kind::kWatch,
          .watch = {.resource_version = listed_ ? version_ : "",
                    .timeout = timeout,
                    .send_initial_events = streaming_}};
}

// ---- lists in pages

void Reflector::Listed(Answer<ListPage> page, TimePoint now) {
  assert(doing_ == Doing::kListing);
  doing_ = Doing::kNothing;
  if (!page) return ListFailed(page.error(), now);
  Worked(now);
  if (token_.empty()) list_version_ = page->resource_version;
  pages_.insert(pages_.end(), std::make_move_iterator(page->objects.begin()),
                std::make_move_iterator(page->objects.end()));
  for (BadObject& bad : page->bad) KeepBad(std::move(bad));
  token_ = page->continue_token;
  if (!token_.empty()) return;
  in_one_page_ = false;
  listed_at_ = now;
  Complete(std::exchange(pages_, {}), std::exchange(list_version_, {}));
}

void Reflector::ListFailed(const Failure& failure, TimePoint now) {
  Fail(failure);
  // A page's token is too old, or of no use: from the start, and at once all,
  // as the server can't hold this version for as long as our pages take.
  const Error::Code code = failure.error.code;
  const bool begin_again =
      code == Error::Code::kRelist || code == Error::Code::kReject;
  if (token_.empty() || !begin_again) return BackOff(&failure, now);
  token_.clear();
  pages_.clear();
  bad_.clear();
  more_bad_ = 0;
  in_one_page_ = true;
  BackOff(&failure, now);
}

void Reflector::Complete(std::vector<ObjectPtr> objects, std::string version) {
  ++health_.lists;
  health_.bad.clear();
  for (BadObject& bad : std::exchange(bad_, {})) NoteBad(std::move(bad));
  health_.bad_objects += std::exchange(more_bad_, 0);
  version_ = std::move(version);
  listed_ = true;
  fruitless_ = 0;
  unfinished_ = 0;
  store_.Replace(std::move(objects));
}

// ---- watches

bool Reflector::Received(WatchEvent event, TimePoint now) {
  assert(doing_ == Doing::kWatching);
  if (error_event_) return false;  // nothing counts after it
  if (event.kind == Kind::kOpened) {
    // It brings nothing: a watch that ends now was fruitless, and one that is
    // silent is silent. Of a list it says nothing yet.
    opened_at_ = now;
    if (!streaming_) health_.problem.clear();
    return true;
  }
  if (event.kind == Kind::kError) {
    error_event_ = FailureOf(std::move(event.status));
    error_event_->error = std::move(error_event_->error)
                              .Within("watch " + Describe(store_.scope()));
    return false;
  }
  Worked(now);
  fruitless_ = 0;
  ++told_;
  if (event.kind != Kind::kBookmark) ++health_.events;
  if (streaming_) {
    TakeInitial(std::move(event));
  } else {
    TakeChange(std::move(event));
  }
  return true;
}

bool Reflector::Follows(TimePoint now) const {
  if (doing_ != Doing::kWatching || streaming_ || error_event_) return false;
  return told_ > 0 || (opened_at_ && now - *opened_at_ >= kShortWatch);
}

void Reflector::TakeInitial(WatchEvent event) {
  switch (event.kind) {
    case Kind::kAdded:
    case Kind::kModified:
      streamed_[event.object->key] = event.object;
      break;
    case Kind::kDeleted:
      streamed_.erase(event.object->key);
      break;
    case Kind::kBad:
      streamed_.erase(event.bad->key);
      KeepBad(*std::move(event.bad));
      break;
    case Kind::kBookmark: {
      if (!event.initial_events_end) break;
      std::vector<ObjectPtr> objects;
      objects.reserve(streamed_.size());
      for (auto& [key, object] : streamed_)
        objects.push_back(std::move(object));
      streamed_.clear();
      streaming_ = false;
      Complete(std::move(objects), std::move(event.resource_version));
      break;
    }
    case Kind::kError:
    case Kind::kOpened:
      break;
  }
}

void Reflector::TakeChange(WatchEvent event) {
  if (!event.resource_version.empty())
    version_ = std::move(event.resource_version);
  switch (event.kind) {
    case Kind::kAdded:
    case Kind::kModified:
      health_.bad.erase(event.object->key);
      store_.Upsert(std::move(event.object));
      break;
    case Kind::kDeleted:
      health_.bad.erase(event.object->key);
      store_.Delete(event.object->key);
      break;
    case Kind::kBad: {
      // Left out, as a list would leave it out.
      const std::string key = event.bad->key;
      NoteBad(*std::move(event.bad));
      if (!key.empty()) store_.Delete(key);
      break;
    }
    case Kind::kBookmark:
    case Kind::kError:
    case Kind::kOpened:
      break;
  }
}

void Reflector::WatchEnded(Answer<void> how, TimePoint now) {
  assert(doing_ == Doing::kWatching);
  doing_ = Doing::kNothing;
  const Failure* failure = error_event_ ? &*error_event_ : nullptr;
  if (failure == nullptr && !how) failure = &how.error();
  if (failure != nullptr) {
    Fail(*failure);
  } else {
    health_.problem.clear();
  }
  if (streaming_) return StreamEnded(failure, now);
  // Even a watch that ends properly has told us of a bookmark, if all is well.
  const bool silent =
      health_.heard_at && now - *health_.heard_at > kLongestSilence;
  // Whatever ended a watch that did well, the next one may begin at once.
  const bool did_well = now - began_ >= kShortWatch;
  if (failure == nullptr) {
    if (told_ > 0) return;
    if (silent) return Relist(failure, now);
    if (!did_well) BackOff(nullptr, now);
    return;
  }
  const Error::Code code = failure->error.code;
  if (code == Error::Code::kRelist) return Relist(failure, now);
  // No answer at all says nothing about our version.
  const bool refused = code == Error::Code::kReject;
  if (refused || failure->status.code != 0) ++fruitless_;
  if (silent || fruitless_ >= (refused ? kMostRefusals : kMostTroubles))
    return Relist(failure, now);
  const bool cut = failure->status.code == 0 && !refused;
  if (!cut || !did_well) BackOff(failure, now);
}

// A streaming list that isn't complete, or else StreamEnded isn't called.
void Reflector::StreamEnded(const Failure* failure, TimePoint now) {
  streamed_.clear();
  bad_.clear();
  more_bad_ = 0;
  const bool no_such_thing =
      failure != nullptr &&
      ((failure->error.code == Error::Code::kReject &&
        failure->status.code != 0) ||
       (error_event_ && failure->status.code == 500 && told_ == 0));
  refused_ = refused_ || no_such_thing;
  ++unfinished_;
  if (!no_such_thing) BackOff(failure, now);
}

void Reflector::Relist(const Failure* failure, TimePoint now) {
  // Another one so soon after the last won't help more.
  const bool again = listed_at_ && now - *listed_at_ < options_.longest_backoff;
  if (again || (failure != nullptr && failure->status.retry_after))
    BackOff(failure, now);
  listed_ = false;
  fruitless_ = 0;
  listed_at_ = now;
}

// ---- what all have in common

void Reflector::KeepBad(BadObject bad) {
  if (bad_.size() < kMostBadKept) {
    bad_.push_back(std::move(bad));
  } else {
    ++more_bad_;
  }
}

void Reflector::NoteBad(BadObject bad) {
  ++health_.bad_objects;
  if (health_.bad.size() < kMostBadKept || health_.bad.contains(bad.key))
    health_.bad[bad.key] = std::move(bad.error.message);
}

void Reflector::Fail(const Failure& failure) {
  ++health_.failures;
  health_.problem = failure.error.message;
}

void Reflector::Worked(TimePoint now) {
  health_.heard_at = now;
  health_.problem.clear();
  backoff_ = options_.first_backoff;
}

void Reflector::BackOff(const Failure* failure, TimePoint now) {
  Duration wait =
      std::chrono::duration_cast<Duration>(backoff_ * (1 + Chance()));
  backoff_ = std::min(2 * backoff_, options_.longest_backoff);
  if (failure != nullptr && failure->status.retry_after) {
    const Duration asked = *failure->status.retry_after;
    wait = std::max(wait, std::min(asked, kLongestRetryAfter));
  }
  not_before_ = now + wait;
}

}  // namespace ta::kubernetes
