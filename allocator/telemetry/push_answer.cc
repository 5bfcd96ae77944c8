#include "allocator/telemetry/push_answer.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <ctime>
#include <utility>

#include "allocator/base/ascii.h"
#include "discovery/http_response.h"

namespace ta {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kMostSeconds = 24 * 3600;

// A message of a receiver is for a person, who needs no more of it.
constexpr std::size_t kMostMessage = 200;

// The text at `path` in an answer, if there is one.
std::string MessageAt(const simdjson::dom::element& answer,
                      std::string_view path) {
  std::string_view message;
  if (answer.at_pointer(path).get(message) != simdjson::SUCCESS) return {};
  return std::string(message.substr(0, kMostMessage));
}

// An integer of 64 bits is a string in this encoding; some write a number.
std::uint64_t CountAt(const simdjson::dom::element& answer,
                      std::string_view path) {
  std::string_view text;
  std::uint64_t count = 0;
  const auto found = answer.at_pointer(path);
  if (found.get(text) == simdjson::SUCCESS) {
    std::from_chars(text.data(), text.data() + text.size(), count);
  } else if (found.get(count) != simdjson::SUCCESS) {
    return 0;
  }
  return count;
}

void ReadPartialSuccess(const simdjson::dom::element& answer,
                        PushOutcome& outcome) {
  outcome.rejected_points =
      CountAt(answer, "/partialSuccess/rejectedDataPoints");
  const std::string message = MessageAt(answer, "/partialSuccess/errorMessage");
  // A message without a rejected point is a warning of the receiver's.
  if (outcome.rejected_points == 0) return;
  outcome.problem =
      std::to_string(outcome.rejected_points) + " data points were rejected";
  if (!message.empty()) outcome.problem += ": " + message;
}

}  // namespace

std::optional<Duration> ParseRetryAfter(std::string_view value,
                                        std::int64_t unix_seconds) {
  value = TrimBlanks(value);
  std::int64_t wait = 0;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), wait);
  if (error != std::errc() || end != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    const char* rest =
        strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    wait = timegm(&date) - unix_seconds;
  }
  return seconds(std::clamp<std::int64_t>(wait, 0, kMostSeconds));
}

PushOutcome OutcomeOf(const Result<HttpResponse>& answer,
                      std::int64_t unix_seconds) {
  using enum PushOutcome::Kind;
  if (!answer) return {.kind = kFailed, .problem = answer.error().message};
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  // In protobuf, or nothing: as good, but it says nothing to us.
  const bool readable =
      !answer->body.empty() &&
      parser.parse(answer->body).get(body) == simdjson::SUCCESS;
  PushOutcome outcome;
  if (answer->status / 100 == 2) {
    if (readable) ReadPartialSuccess(body, outcome);
    return outcome;
  }
  outcome.problem = "HTTP " + std::to_string(answer->status);
  // Who is not let in may be told with what.
  if (readable && answer->status != 401 && answer->status != 403) {
    const std::string message = MessageAt(body, "/message");
    if (!message.empty()) outcome.problem += ": " + message;
  }
  constexpr int kRetryable[] = {429, 502, 503, 504};
  if (std::ranges::find(kRetryable, answer->status) == std::end(kRetryable)) {
    outcome.kind = kRefused;
    return outcome;
  }
  outcome.kind = kFailed;
  if (const auto wait = FindHeader(answer->headers, "Retry-After"))
    outcome.retry_after = ParseRetryAfter(*wait, unix_seconds);
  return outcome;
}

TimePoint PushSchedule::Next(TimePoint began, TimePoint ended,
                             const PushOutcome& outcome) {
  const TimePoint tick = std::max(began + interval_, ended);
  if (outcome.kind != PushOutcome::Kind::kFailed) {
    backoff_ = kFirstBackoff;
    return tick;
  }
  std::uniform_int_distribution<int> thousandths(900, 1000);
  const Duration wait = backoff_ / 1000 * thousandths(random_);
  backoff_ = std::min(2 * backoff_, kMostBackoff);
  const TimePoint again = std::min(tick, ended + wait);
  return std::max(again,
                  ended + outcome.retry_after.value_or(Duration::zero()));
}

}  // namespace ta
