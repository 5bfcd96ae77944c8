// What went wrong between us and an API server, as a value that says what to do
// next. Source: apimachinery's metav1.Status and api/errors.

#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta::kubernetes {

// What an API server says of a request that failed: the body of an answer, or
// the object of an ERROR event in a watch.
struct Status {
  int code = 0;         // as in HTTP; 0: the server didn't answer
  std::string reason;   // "Expired", "Forbidden", …; may be ""
  std::string message;  // for people; may be ""
  // How long the server asks to be left alone: details.retryAfterSeconds or
  // Retry-After.
  std::optional<std::chrono::seconds> retry_after;

  bool operator==(const Status&) const = default;
};

// A request that failed. Of `error`'s codes, as used here:
//   kRetry   no answer (then status.code is 0), 429, 5xx: again, later
//   kRelist  410, or a version that is too new: begin again from a list
//   kReject  the server does not take such a request, or its answer is garbage
//   kGiveUp  401, 403: a person must act; tried again all the same
struct Failure {
  Error error;
  Status status;
};

template <typename T>
using Answer = std::expected<T, Failure>;

// No answer, or not one of HTTP: `message` says what happened.
Failure NoAnswer(std::string message);

// What `status` means.
Failure FailureOf(Status status);

// The failure in an answer other than 2xx. `body` is a Status as JSON, or
// whatever a proxy made of it; of that at most the first 200 bytes are shown.
// `retry_after` is the header's, which wins over the body's.
Failure FailureOfAnswer(int http_status, std::string_view body,
                        std::optional<std::chrono::seconds> retry_after);

}  // namespace ta::kubernetes
