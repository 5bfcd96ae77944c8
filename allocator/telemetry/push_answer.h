// What an OTLP receiver's answer to a push means, and when to push again. Pure.
// Source: the OTLP 1.9 specification, "OTLP/HTTP Response".

#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/http_client.h"

namespace ta {

struct PushOutcome {
  enum class Kind : std::uint8_t {
    kTaken,    // maybe without some points, which nobody will ever take
    kRefused,  // and would be again: what was sent is lost
    kFailed,   // for now; what was sent goes with the next push
  };
  Kind kind = Kind::kTaken;
  std::string problem = {};  // "" if all is well; shows no secret of ours
  std::uint64_t rejected_points = 0;
  std::optional<Duration> retry_after = {};  // the receiver's wish
};

// An error of the network is kFailed, and so are 429, 502, 503 and 504; any
// other status but 2xx is kRefused, a redirect among them. `unix_seconds` is
// the wall clock's time, for a Retry-After that is a date.
PushOutcome OutcomeOf(const Result<HttpResponse>& answer,
                      std::int64_t unix_seconds);

// Seconds, or a date (IMF-fixdate, RFC 9110): the wait from `unix_seconds` on,
// at most a day. Nothing if it is neither.
std::optional<Duration> ParseRetryAfter(std::string_view value,
                                        std::int64_t unix_seconds);

// When to push. One reader's.
class PushSchedule {
 public:
  // How long after a failed push the next one is, where the interval is longer:
  // this long, then twice as long each time up to the other; as in the Go
  // allocator's exporter.
  static constexpr Duration kFirstBackoff = std::chrono::seconds(5);
  static constexpr Duration kMostBackoff = std::chrono::seconds(30);

  // Equal seeds wait equally long.
  PushSchedule(Duration interval, std::uint64_t seed)
      : interval_(interval), random_(seed) {}

  // An interval after `began`, not before `ended`. After a failure sooner, up
  // to a tenth before the backoff is over so that replicas don't push in step;
  // but never before a retry_after is over.
  TimePoint Next(TimePoint began, TimePoint ended, const PushOutcome& outcome);

 private:
  Duration interval_;
  Duration backoff_ = kFirstBackoff;
  std::mt19937_64 random_;
};

}  // namespace ta
