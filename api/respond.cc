#include <fmt/format.h>

#include "api/handlers.h"
#include "api/http_content.h"
#include "hashing/hash.h"

namespace ta {
namespace {

// Bit of BodyCache::Key::form: rendered for a client that takes gzip.
constexpr std::uint32_t kGzipForm = 0x8000;

// What is in the way passes: a slow client's deadline is 30 s at least.
constexpr int kRetryAfterSeconds = 10;

// A body's bytes with what they take from the budget: both end together.
std::shared_ptr<const std::string> Hold(std::string bytes, ByteCharge charge) {
  struct Held {
    std::string bytes;
    ByteCharge charge;
  };
  auto held = std::make_shared<Held>(std::move(bytes), std::move(charge));
  return {held, &held->bytes};
}

// `bytes` compressed; nothing where that is not worth it or has no room.
Body Packed(std::string_view bytes, ByteCharge charge) {
  if (bytes.size() < kGzipMinBytes || !charge.Set(GzipBound(bytes.size()))) {
    return {};
  }
  std::string packed = Gzip(bytes);
  (void)charge.Set(packed.capacity());
  if (packed.empty()) return {};
  return {Hold(std::move(packed), std::move(charge)), true};
}

Response Refuse(const Context& context, const ByteCharge& charge) {
  context.budget->CountRefused();
  const std::size_t limit = context.budget->stats().limit;
  if (charge.too_large()) {
    return Router::ErrorResponse(
        503, fmt::format("this answer is too large for the {} MiB that answers "
                         "may take; ask for less: a job, a collector",
                         limit >> 20));
  }
  Response response = Router::ErrorResponse(
      503, fmt::format("too many large answers on their way: they may take {} "
                       "MiB; try again",
                       limit >> 20));
  response.retry_after_seconds = kRetryAfterSeconds;
  response.crowded = true;
  return response;
}

bool TakesGzip(const Context& context) {
  return AcceptsGzip(context.request.accept_encoding);
}

// A body that is being made.
struct Making {
  Making(const Context& context, ByteBudget::Use use, const Render& render)
      : run(&context.rendering), charge(context.budget, use), out(&charge) {
    render(out);
  }

  StageRun run;
  ByteCharge charge;
  ByteBuffer out;
};

// The response with what was rendered as its body.
Response Finish(const Context& context, Response response, Making& made) {
  if (made.out.refused()) return Refuse(context, made.charge);
  std::string bytes = made.out.Take();
  const std::size_t rendered = bytes.size();
  if (TakesGzip(context)) {
    response.body = Packed(bytes, made.charge.Another());
  }
  if (response.body.bytes == nullptr) {
    response.body = {Hold(std::move(bytes), std::move(made.charge)), false};
  }
  made.run.Ended(rendered);
  return response;
}

Response Typed(std::string_view content_type) {
  Response response;
  response.content_type = content_type;
  response.vary = "Accept-Encoding";
  return response;
}

// With its ETag; a 304 if the client has it.
Response Tagged(const Context& context, std::string_view content_type,
                std::string etag) {
  Response response = Typed(content_type);
  response.etag = std::move(etag);
  if (MatchesETag(context.request.if_none_match, response.etag)) {
    response.status = 304;
    response.content_type = {};
  }
  return response;
}

}  // namespace

Response Respond(const Context& context, ByteBudget::Use use,
                 std::string_view content_type, const Render& render) {
  Making body(context, use, render);
  return Finish(context, Typed(content_type), body);
}

Response Respond(const Context& context, ByteBudget::Use use,
                 std::string_view content_type, std::string bytes) {
  return Respond(context, use, content_type,
                 [&](ByteBuffer& out) { out.Append(bytes); });
}

Response RespondCached(const Context& context, ByteBudget::Use use,
                       std::string etag, std::optional<BodyCache::Key> key,
                       const Render& render) {
  Response response = Tagged(context, kJsonType, std::move(etag));
  if (response.status == 304) return response;
  if (key) {
    if (TakesGzip(context)) key->form |= kGzipForm;
    if (auto cached = context.cache.Find(*key)) {
      response.body = *std::move(cached);
      return response;
    }
  }
  Making body(context, use, render);
  response = Finish(context, std::move(response), body);
  if (key && response.status == 200) context.cache.Insert(*key, response.body);
  return response;
}

Response RespondShared(const Context& context, std::string etag,
                       BodyCache::Key key,
                       std::shared_ptr<const std::string> bytes) {
  Response response = Tagged(context, kJsonType, std::move(etag));
  if (response.status == 304) return response;
  response.body = {std::move(bytes), false};
  if (!TakesGzip(context)) return response;
  key.form |= kGzipForm;
  if (auto cached = context.cache.Find(key)) {
    response.body = *std::move(cached);
    return response;
  }
  StageRun run(&context.rendering);
  Body packed = Packed(*response.body.bytes,
                       ByteCharge(context.budget, ByteBudget::Use::kScraper));
  if (packed.bytes == nullptr) return response;  // sent as it is
  run.Ended(response.body.bytes->size());
  context.cache.Insert(key, packed);
  response.body = std::move(packed);
  return response;
}

Response RespondPage(const Context& context, int status, const Render& render) {
  Making body(context, ByteBudget::Use::kPerson, render);
  if (body.out.refused()) return Refuse(context, body.charge);
  if (status != 200) {
    Response response = Typed(kHtmlType);
    response.status = status;
    return Finish(context, std::move(response), body);
  }
  Response response =
      Tagged(context, kHtmlType,
             fmt::format("W/\"{:016x}\"", Hash64(body.out.view())));
  if (response.status == 304) return response;
  return Finish(context, std::move(response), body);
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
