#include "discovery/http.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/config/go_url.h"
#include "discovery/http_response.h"
#include "discovery/http_url.h"
#include "discovery/json_groups.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr std::string_view kUserAgent = "target-allocator/" TA_VERSION;

// As it is, but for a password.
std::string Redacted(std::string_view url) {
  const auto parsed = ParseGoUrl(url);
  return parsed && parsed->has_password ? parsed->Redacted() : std::string(url);
}

// For the log: a query may hold a token.
std::string Shown(std::string_view url) {
  const auto parsed = ParseHttpUrl(url);
  return parsed ? parsed->Shown() : "a URL that is not valid";
}

// The request as a whole has the interval, and so has each of its steps but
// those in which another address may do better.
HttpTimeouts TimeoutsOf(Duration interval) {
  HttpTimeouts timeouts;
  timeouts.headers = interval;
  timeouts.idle = interval;
  return timeouts;
}

Duration TimeoutOf(const HttpDiscovery& settings) {
  return std::max<Duration>(settings.refresh_interval,
                            RefreshSchedule::kMinInterval);
}

}  // namespace

// ^(?i:application\/json(;\s*charset=("utf-8"|utf-8))?)$
bool IsJsonContentType(std::string_view value) {
  const std::string lower = AsciiLower(TrimBlanks(value));
  std::string_view rest = lower;
  constexpr std::string_view kJson = "application/json";
  if (!rest.starts_with(kJson)) return false;
  rest.remove_prefix(kJson.size());
  if (rest.empty()) return true;
  if (!rest.starts_with(';')) return false;
  rest.remove_prefix(1);
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  return rest == "charset=utf-8" || rest == "charset=\"utf-8\"";
}

std::string RefreshIntervalText(std::chrono::milliseconds interval) {
  std::string text = std::to_string(interval.count() / 1000);
  if (const auto rest = interval.count() % 1000; rest != 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

HttpGroups::HttpGroups(std::string_view url)
    : origin_{Redacted(url), "__meta_url", Shown(url)} {}

Result<std::vector<TargetGroup>> HttpGroups::Take(
    const HttpResponse& response) {
  const auto fail = [](std::string message) {
    return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
  };
  if (response.status != 200) {
    return fail("HTTP " + std::to_string(response.status));
  }
  const auto type = FindHeader(response.headers, "Content-Type").value_or("");
  if (!IsJsonContentType(type)) {
    constexpr std::size_t kMost = 100;
    return fail("the answer is no application/json but \"" +
                std::string(type.substr(0, kMost)) + "\"");
  }
  std::string_view left = response.body;
  const ByteSource source = [&left](char* to, std::size_t size) {
    const std::size_t count = std::min(size, left.size());
    std::memcpy(to, left.data(), count);
    left.remove_prefix(count);
    return Result<std::size_t>(count);
  };
  std::vector<TargetGroup> groups;
  auto marks = ReadJsonGroups(
      source, marks_, [&](std::size_t index, const GroupText& text) {
        groups.push_back(BuildGroup(origin_, index, text));
      });
  if (!marks) return fail(std::move(marks.error().message));
  for (std::size_t i = marks->size(); i < marks_.size(); ++i) {
    TargetGroup gone;
    gone.source = SourceOf(origin_, i);
    groups.push_back(std::move(gone));
  }
  marks_ = *std::move(marks);
  marks_.shrink_to_fit();
  LogInvalidTargets(origin_, groups, 0);
  return groups;
}

HttpMechanism::HttpMechanism(HttpDiscovery settings,
                             asio::any_io_executor executor,
                             RefreshCounters* counters)
    : settings_(std::move(settings)),
      executor_(std::move(executor)),
      counters_(counters),
      groups_(settings_.url) {}

HttpMechanism::~HttpMechanism() = default;

asio::awaitable<Result<Refreshed>> HttpMechanism::Ask(std::stop_token stop) {
  auto answer = co_await AskOnce(std::move(stop));
  if (!answer) counters_->CountHttpFailure();
  co_return answer;
}

asio::awaitable<Result<Refreshed>> HttpMechanism::AskOnce(
    std::stop_token stop) {
  auto url = ParseHttpUrl(settings_.url);
  if (!url) co_return std::unexpected(std::move(url.error()).Within("url"));
  const std::string where = "GET " + url->Shown();
  if (client_ == nullptr) {
    auto client = ConfiguredHttpClient::Make(executor_, settings_.client,
                                             TimeoutsOf(TimeoutOf(settings_)),
                                             std::string(kUserAgent));
    if (!client) {
      co_return std::unexpected(std::move(client.error()).Within(where));
    }
    client_ = *std::move(client);
  }
  HttpRequest request;
  request.url = *std::move(url);
  request.headers = {{"Accept", "application/json"},
                     {"X-Prometheus-Refresh-Interval-Seconds",
                      RefreshIntervalText(settings_.refresh_interval)}};
  request.timeout = TimeoutOf(settings_);
  request.max_body_bytes = kMaxBodyBytes;
  const auto response =
      co_await client_->Fetch(std::move(request), std::move(stop));
  if (!response) {
    Error error = response.error();
    if (!error.message.starts_with("GET ")) {
      error = std::move(error).Within(where);
    }
    co_return std::unexpected(std::move(error));
  }
  StageRun run(&counters_->http_answers());
  auto groups = groups_.Take(*response);
  run.Ended(groups ? groups->size() : 0);
  if (!groups) {
    co_return std::unexpected(std::move(groups.error()).Within(where));
  }
  Refreshed refreshed;
  refreshed.groups = *std::move(groups);
  co_return refreshed;
}

}  // namespace ta
