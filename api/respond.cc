#include "api/handlers.h"
#include "api/http_content.h"

namespace ta {
namespace {

// Bit of BodyCache::Key::form: rendered for a client that takes gzip.
constexpr std::uint32_t kGzipForm = 0x8000;

Body MakeBody(std::string bytes, bool gzip) {
  if (gzip && bytes.size() >= kGzipMinBytes) {
    std::string packed = Gzip(bytes);
    if (!packed.empty()) {
      return {std::make_shared<const std::string>(std::move(packed)), true};
    }
  }
  return {std::make_shared<const std::string>(std::move(bytes)), false};
}

}  // namespace

Response Respond(const Context& context, std::string_view content_type,
                 std::string bytes) {
  Response response;
  response.content_type = content_type;
  response.vary = true;
  response.body =
      MakeBody(std::move(bytes), AcceptsGzip(context.request.accept_encoding));
  return response;
}

Response RespondCached(const Context& context, std::string etag,
                       BodyCache::Key key,
                       const std::function<std::string()>& render) {
  Response response;
  response.content_type = kJsonType;
  response.vary = true;
  response.etag = std::move(etag);
  if (MatchesETag(context.request.if_none_match, response.etag)) {
    response.status = 304;
    response.content_type = {};
    return response;
  }
  const bool gzip = AcceptsGzip(context.request.accept_encoding);
  if (gzip) key.form |= kGzipForm;
  if (auto cached = context.cache.Find(key)) {
    response.body = *std::move(cached);
    return response;
  }
  response.body = MakeBody(render(), gzip);
  context.cache.Insert(key, response.body);
  return response;
}

std::string_view ToString(StrategyKind strategy) {
  switch (strategy) {
    case StrategyKind::kConsistentHashing:
      return "consistent-hashing";
    case StrategyKind::kLeastWeighted:
      return "least-weighted";
    case StrategyKind::kPerNode:
      return "per-node";
    case StrategyKind::kNone:
      return "none";
  }
  return "";
}

std::string_view OrElse(std::string_view reason, std::string_view otherwise) {
  return reason.empty() ? otherwise : reason;
}

}  // namespace ta
