// Request and snapshot in, response out: a pure function but for its cache of
// bodies. No socket, no clock, no lock on the writer; whatever a handler needs
// to know is in the snapshot. server.h does the waiting and the writing.
//
// The paths are listed in the design, section 8. Those that the Go allocator
// has, too, answer its bytes.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/stage_stats.h"
#include "allocator/snapshot.h"
#include "api/body_cache.h"
#include "api/byte_budget.h"

namespace ta {

// A route, which is what metrics count by. Its name is the Go allocator's
// template, such as "/jobs/:job_id/targets".
enum class Route {
  kUnknown,
  kIndex,
  kCollectorsPage,
  kCollectorPage,
  kJobsPage,
  kJobPage,
  kTargetsPage,
  kTargetPage,
  kScrapeConfigsPage,
  kScrapeConfigs,
  kJobs,
  kTargets,
  kDebugTargets,
  kLivez,
  kReadyz,
  kMetrics,
  kStatus,
  kInspectTargets,
  kExplain,
  kReload,
};
inline constexpr int kRoutes = static_cast<int>(Route::kReload) + 1;
// "" for kUnknown, as the Go allocator's metric has it.
std::string_view RouteTemplate(Route route);

// A request, as far as any handler looks at it. Views are borrowed for the
// call. Repeated headers are joined with ", " first (RFC 9110, 5.3).
struct Request {
  std::string_view method;
  std::string_view target;  // the request line's, not decoded
  std::string_view accept = {};
  std::string_view accept_encoding = {};
  std::string_view if_none_match = {};
  // X-Prometheus-Refresh-Interval-Seconds: it makes the request a scraper's.
  std::optional<std::string_view> refresh_interval = {};
  bool sidecar = false;  // X-Target-Allocator-Sidecar is there: a scraper, too
  // It came over mutual TLS: secrets may be told.
  bool secure = false;
  // The collectors whose targets the client may ask for, by its certificate;
  // null: anybody's.
  const std::vector<std::string>* client_names = nullptr;
};

// A GET of who scrapes, not of a person with curl.
bool IsScraper(const Request& request);

struct Response {
  int status = 200;
  Route route = Route::kUnknown;
  std::string_view content_type;  // static; "" without a body
  Body body;
  std::string etag;        // "" for none
  std::string location;    // of a redirect
  std::string_view allow;  // static; of a 405
  std::string_view vary;   // static; headers that the answer depends on
  std::string_view content_policy;  // static; of a page for people, else ""
  int retry_after_seconds = 0;      // of a 503; 0 for none

  // A scraper's GET of a job's targets, to be reported when this response was
  // written in full, or at once when it is held. Where sent_generation is set
  // it counts only after the last byte; a cut answer reports none. `at` is for
  // the server to fill in.
  std::optional<Poll> poll;
  // Not an answer yet: the collector is about to become a member. Report
  // `poll`, wait for a newer snapshot and ask again; after kHoldTime, ask with
  // Patience::kSpent.
  bool hold = false;
  // A 503 for want of room among the bodies on their way (byte_budget.h). A
  // scraper asks again in its own time only, which may be a minute: better to
  // wait a little and ask for it.
  bool crowded = false;
  // A 403: the client's certificate does not name whom it asks for.
  bool foreign_name = false;
  // Not an answer yet: ask for a reload, then ReloadResponse.
  bool reload = false;
};

// Whether a request may still be held (Response::hold) or was held for the
// whole of kHoldTime.
enum class Patience { kFresh, kSpent };
inline constexpr std::chrono::milliseconds kHoldTime{1000};

struct RouterOptions {
  // Limit of the cache of bodies. 32 MiB is every list of 100k targets with six
  // labels, or the lists asked for most often where they don't fit.
  std::size_t cache_bytes = std::size_t{32} << 20;
  // Limit of the bytes of all bodies that are alive, those in the cache
  // included. 256 MiB is the cache, 32 MiB that people's answers leave free for
  // collectors, and what it takes to render one of 128 MiB, a hundred thousand
  // targets with 42 labels: a buffer that doubles is there with its half.
  std::size_t body_bytes = std::size_t{256} << 20;
  std::string version;  // shown by /api/v1/status
  // For how long something has been so; without one that is not said.
  std::function<TimePoint()> now;
  // The text of /metrics; any thread. Without one the path is 404.
  std::function<std::string()> metrics;
  // Most bytes of /api/v1/targets; it stops there and says so.
  std::size_t inspect_bytes = std::size_t{64} << 20;
};

// Thread-safe.
class Router {
 public:
  explicit Router(RouterOptions options = {});

  Response Handle(const Request& request, const Snapshot& snapshot,
                  Patience patience = Patience::kFresh);
  // What a reload that ended is answered: 200, or 500 with the mistakes.
  static Response ReloadResponse(const Result<void>& result);
  // An error before or beside routing: {"error": "…"}.
  static Response ErrorResponse(int status, std::string_view message);

  const BodyCache& cache() const { return cache_; }
  const ByteBudget& budget() const { return *budget_; }
  // Of bodies that were rendered, compressing included. Items: their bytes.
  const StageStats& rendering() const { return rendering_; }

 private:
  Response Dispatch(const Request& request, const Snapshot& snapshot,
                    Patience patience);

  RouterOptions options_;
  // Shared with what is charged to it: a body may outlive the router.
  const std::shared_ptr<ByteBudget> budget_;
  BodyCache cache_;
  StageStats rendering_;
};

}  // namespace ta
