#include "api/router.h"

#include <fmt/format.h>

#include <array>

#include "api/handlers.h"
#include "api/http_content.h"
#include "api/json.h"
#include "api/pages/pages.h"
#include "api/url.h"

namespace ta {
namespace {

struct FixedRoute {
  std::string_view path;
  Route route;
  Response (*handle)(const Context&);  // null: made in Dispatch
  // What who prefers HTML is answered instead; null: the same.
  Response (*page)(const Context&) = nullptr;
};

constexpr std::array kFixedRoutes = {
    FixedRoute{"/", Route::kIndex, HandleIndex, IndexPage},
    FixedRoute{"/scrape_configs", Route::kScrapeConfigs, HandleScrapeConfigs,
               ScrapeConfigsPage},
    FixedRoute{"/jobs", Route::kJobs, HandleJobs, JobsPage},
    FixedRoute{"/debug/collectors", Route::kCollectorsPage, CollectorsPage},
    FixedRoute{"/debug/collector", Route::kCollectorPage, CollectorPage},
    FixedRoute{"/debug/jobs", Route::kJobsPage, JobsPage},
    FixedRoute{"/debug/job", Route::kJobPage, JobPage},
    FixedRoute{"/debug/targets", Route::kTargetsPage, TargetsPage},
    FixedRoute{"/debug/target", Route::kTargetPage, TargetPage},
    FixedRoute{"/debug/scrape_configs", Route::kScrapeConfigsPage,
               ScrapeConfigsPage},
    FixedRoute{"/livez", Route::kLivez, HandleLivez},
    FixedRoute{"/readyz", Route::kReadyz, HandleReadyz},
    FixedRoute{"/metrics", Route::kMetrics, nullptr},
    FixedRoute{"/api/v1/status", Route::kStatus, HandleStatus},
    FixedRoute{"/api/v1/targets", Route::kInspectTargets, HandleInspectTargets},
    FixedRoute{"/api/v1/explain", Route::kExplain, HandleExplain},
    FixedRoute{"/-/reload", Route::kReload, nullptr},
};

const FixedRoute* FindFixed(std::string_view path) {
  for (const FixedRoute& fixed : kFixedRoutes) {
    if (fixed.path == path) return &fixed;
  }
  return nullptr;
}

// What a path names.
struct Match {
  Route route = Route::kUnknown;
  const FixedRoute* fixed = nullptr;
  std::string_view job;  // kTargets and kDebugTargets: not decoded
};

Match MatchPath(std::string_view path) {
  if (const FixedRoute* fixed = FindFixed(path)) return {fixed->route, fixed};
  std::string_view rest = path;
  const bool debug = rest.starts_with("/debug/");
  if (debug) rest.remove_prefix(6);
  constexpr std::string_view kBefore = "/jobs/";
  constexpr std::string_view kAfter = "/targets";
  if (!rest.starts_with(kBefore) || !rest.ends_with(kAfter) ||
      rest.size() <= kBefore.size() + kAfter.size()) {
    return {};
  }
  rest.remove_prefix(kBefore.size());
  rest.remove_suffix(kAfter.size());
  if (rest.find('/') != rest.npos) return {};
  return {debug ? Route::kDebugTargets : Route::kTargets, nullptr, rest};
}

// A page where the route has one and the client prefers it.
Response AnswerFixed(const FixedRoute& fixed, const Context& context) {
  if (fixed.page == nullptr) return fixed.handle(context);
  Response response = PrefersHtml(context.request.accept)
                          ? fixed.page(context)
                          : fixed.handle(context);
  response.vary = "Accept, Accept-Encoding";
  return response;
}

Response NotAllowed(std::string_view allow) {
  Response response = Router::ErrorResponse(405, "method not allowed");
  response.allow = allow;
  return response;
}

// Unknown as it stands; maybe known without its last slash, which the Go
// allocator's router redirects.
Response UnknownPath(std::string_view path, std::string_view query) {
  if (path.size() > 1 && path.ends_with('/')) {
    const std::string_view bare = path.substr(0, path.size() - 1);
    // Not "//host/", which a client would take for another server's address.
    if (MatchPath(bare).route != Route::kUnknown && !bare.starts_with("//")) {
      Response response = Router::ErrorResponse(301, "moved permanently");
      response.location = bare;
      if (!query.empty()) response.location.append("?").append(query);
      return response;
    }
  }
  if (path == "/debug/pprof" || path.starts_with("/debug/pprof/")) {
    return Router::ErrorResponse(404,
                                 "no pprof here, this is not a Go program: "
                                 "SIGUSR2 has it write a CPU profile, which "
                                 "pprof reads; /metrics has its CPU and memory "
                                 "(process_*), /api/v1/status its state, / the "
                                 "pages under /debug");
  }
  return Router::ErrorResponse(404, "not found; / lists the paths");
}

}  // namespace

std::string_view RouteTemplate(Route route) {
  switch (route) {
    case Route::kUnknown:
      return "";
    case Route::kTargets:
      return "/jobs/:job_id/targets";
    case Route::kDebugTargets:
      return "/debug/jobs/:job_id/targets";
    default:
      for (const FixedRoute& fixed : kFixedRoutes) {
        if (fixed.route == route) return fixed.path;
      }
      return "";
  }
}

bool IsScraper(const Request& request) {
  return request.method == "GET" &&
         (request.refresh_interval || request.sidecar);
}

Router::Router(RouterOptions options)
    : options_(std::move(options)),
      budget_(std::make_shared<ByteBudget>(options_.body_bytes)),
      cache_(options_.cache_bytes) {}

Response Router::Handle(const Request& request, const Snapshot& snapshot,
                        Patience patience) {
  return Dispatch(request, snapshot, patience);
}

Response Router::Dispatch(const Request& request, const Snapshot& snapshot,
                          Patience patience) {
  const RawTarget raw = SplitTarget(request.target);
  if (!raw.path.starts_with('/')) {
    return ErrorResponse(400, "the path must start with /");
  }
  const Match match = MatchPath(raw.path);
  const bool reading = request.method == "GET" || request.method == "HEAD";
  const auto routed = [&](Response response) {
    response.route = match.route;
    return response;
  };
  if (match.route == Route::kUnknown) return UnknownPath(raw.path, raw.query);
  if (match.route == Route::kReload) {
    if (request.method != "POST") return routed(NotAllowed("POST"));
    Response response;
    response.reload = true;
    return routed(std::move(response));
  }
  if (!reading) return routed(NotAllowed("GET, HEAD"));
  const auto query = Query::Parse(raw.query);
  if (!query) {
    return routed(
        ErrorResponse(400, "the query is not valid percent-encoding"));
  }
  const Context context{request, *query,  snapshot,   options_,
                        cache_,  budget_, rendering_, patience};
  if (match.route == Route::kMetrics) {
    if (!options_.metrics) return routed(ErrorResponse(404, "no metrics"));
    return routed(Respond(context, ByteBudget::Use::kScraper,
                          "text/plain; version=0.0.4; charset=utf-8",
                          options_.metrics()));
  }
  if (match.fixed != nullptr) return routed(AnswerFixed(*match.fixed, context));
  const auto job = QueryUnescape(match.job);
  if (!job) {
    return routed(ErrorResponse(400, "the job is not valid percent-encoding"));
  }
  return routed(HandleTargets(context, *job));
}

Response Router::ReloadResponse(const Result<void>& result) {
  if (!result) {
    Response response = ErrorResponse(500, result.error().message);
    response.route = Route::kReload;
    return response;
  }
  Response response;
  response.route = Route::kReload;
  response.content_type = kJsonType;
  response.body.bytes =
      std::make_shared<const std::string>("{\"status\":\"reloaded\"}\n");
  return response;
}

Response Router::ErrorResponse(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = kJsonType;
  response.body.bytes = std::make_shared<const std::string>(
      ErrorBody(OrElse(message, "unknown error")));
  return response;
}

}  // namespace ta
