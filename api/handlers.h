// The handlers behind router.cc, by topic; nothing else includes this. Each is
// a function of its context, and sets neither route nor method-dependent parts.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/body_cache.h"
#include "api/byte_budget.h"
#include "api/json.h"
#include "api/router.h"
#include "api/url.h"

namespace ta {

// What a handler may look at. Borrowed for the call.
struct Context {
  const Request& request;
  const Query& query;
  const Snapshot& snapshot;
  const RouterOptions& options;
  BodyCache& cache;
  const std::shared_ptr<ByteBudget>& budget;
  StageStats& rendering;
  Patience patience;
};

// -- targets.cc: what collectors ask --
Response HandleScrapeConfigs(const Context& context);
Response HandleJobs(const Context& context);
Response HandleTargets(const Context& context, std::string_view job);

// -- status.cc: what probes and people ask --
Response HandleIndex(const Context& context);
Response HandleLivez(const Context& context);
Response HandleReadyz(const Context& context);
Response HandleStatus(const Context& context);

// -- inspect.cc: what the person on call asks --
Response HandleInspectTargets(const Context& context);
Response HandleExplain(const Context& context);

// -- respond.cc --
inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

// Writes a body. Where the budget has no more room for it, nobody reads what is
// written: a long body looks at refused() now and then.
using Render = std::function<void(ByteBuffer& out)>;

// 200 with what `render` writes, compressed if the client takes that and it is
// worth it; 503 where the budget has no room for it.
Response Respond(const Context& context, ByteBudget::Use use,
                 std::string_view content_type, const Render& render);
// The same for a body that is there already; it is charged afterwards.
Response Respond(const Context& context, ByteBudget::Use use,
                 std::string_view content_type, std::string bytes);
// The same for JSON with an ETag, rendered only if neither the client nor the
// cache has it. `form` tells bodies apart that are made from one digest in
// different ways, at most 15 bits; without `key` it is never kept.
Response RespondCached(const Context& context, ByteBudget::Use use,
                       std::string etag, std::optional<BodyCache::Key> key,
                       const Render& render);
// The same for JSON that is there already and that `bytes` keeps alive.
Response RespondShared(const Context& context, std::string etag,
                       BodyCache::Key key,
                       std::shared_ptr<const std::string> bytes);

// A page: HTML with what `render` writes, and `status`. With 200 it has an ETag
// of what it says, and is a 304 to who has that. People's, as for the budget.
Response RespondPage(const Context& context, int status, const Render& render);

// The name of a strategy as in the configuration file.
std::string_view ToString(StrategyKind strategy);
// `reason`, or `otherwise` where the snapshot gives none: no error is empty.
std::string_view OrElse(std::string_view reason, std::string_view otherwise);

}  // namespace ta
