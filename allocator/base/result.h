// Errors as values. What the outside world can cause is a Result; what only a
// bug can cause is an assert. No exception crosses a module boundary.

#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ta {

// A failure, with what the caller should do about it and a message that grows
// outward: "role pod: list pods: HTTP 503". Lower case, no full stop, and never
// a secret.
struct Error {
  enum class Code {
    kRetry,   // passing: the same call may succeed later
    kRelist,  // what is known is too old: begin again from a full list
    kReject,  // the input is wrong: the same input will fail again
    kGiveUp,  // nothing will help until a person acts
  };

  Code code = Code::kReject;
  std::string message;

  // The same error seen from one level further out.
  Error Within(std::string_view where) && {
    return {code, std::string(where) + ": " + std::move(message)};
  }
};

template <typename T>
using Result = std::expected<T, Error>;

// Shorthand for `return std::unexpected(Error{...})`.
inline std::unexpected<Error> Reject(std::string message) {
  return std::unexpected(Error{Error::Code::kReject, std::move(message)});
}

}  // namespace ta
