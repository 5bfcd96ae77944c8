#include "discovery/kubernetes/status.h"

#include <utility>

#include "allocator/base/utf8.h"
#include "discovery/kubernetes/watch_decoder.h"

namespace ta::kubernetes {
namespace {

Error::Code CodeOf(const Status& status) {
  // A server restored from a backup is behind what we have seen.
  // Source: client-go's isTooLargeResourceVersionError.
  if (status.message.find("Too large resource version") != std::string::npos)
    return Error::Code::kRelist;
  switch (status.code) {
    case 0:
    case 408:
    case 429:
      return Error::Code::kRetry;
    case 410:
      return Error::Code::kRelist;
    case 401:
    case 403:
      return Error::Code::kGiveUp;
    default:
      return status.code >= 500 ? Error::Code::kRetry : Error::Code::kReject;
  }
}

// The first line, for people: nothing that could disturb a log.
std::string Excerpt(std::string_view body) {
  constexpr std::size_t kMostBytes = 200;
  std::string_view line = body.substr(0, body.find_first_of("\r\n"));
  const bool cut = line.size() > kMostBytes;
  std::string clean = ToUtf8(line.substr(0, kMostBytes));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return cut ? clean + "…" : clean;
}

}  // namespace

Failure NoAnswer(std::string message) {
  return {{Error::Code::kRetry, std::move(message)}, {}};
}

Failure FailureOf(Status status) {
  std::string message = "HTTP " + std::to_string(status.code);
  if (!status.reason.empty()) message += " " + status.reason;
  if (!status.message.empty()) message += ": " + status.message;
  return {{CodeOf(status), std::move(message)}, std::move(status)};
}

Failure FailureOfAnswer(int http_status, std::string_view body,
                        std::optional<std::chrono::seconds> retry_after) {
  Status status;
  if (auto said = ParseStatus(body)) {
    status = *std::move(said);
  } else {
    status.message = Excerpt(body);
  }
  status.code = http_status;
  if (retry_after) status.retry_after = retry_after;
  return FailureOf(std::move(status));
}

}  // namespace ta::kubernetes
