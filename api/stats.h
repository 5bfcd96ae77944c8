// What the server counts about itself; metrics.h reads it at scrape time.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "allocator/base/metrics.h"
#include "api/router.h"

namespace ta {

// Why a handshake ended without a connection; the label of its metric.
enum class TlsFailure : std::uint8_t {
  kNoCertificate,    // the client sent none
  kUnknownCa,        // the client's is not signed by our CA
  kSelfSigned,       // nor by any other
  kExpired,          // or not valid yet
  kBadCertificate,   // not for clients, too weak, …
  kProtocol,         // no version, cipher or protocol in common; no TLS at all
  kPlainHttp,        // an HTTP request
  kRefusedByClient,  // it said why: it doesn't trust us, mostly
  kTimeout,
  kClosed,  // the client broke off
  kOther,
};
inline constexpr int kTlsFailures = static_cast<int>(TlsFailure::kOther) + 1;
std::string_view ToString(TlsFailure failure);

// Of the HTTPS server; zeros where there is none.
struct TlsStats {
  std::atomic<bool> enabled{false};
  std::array<Counter, kTlsFailures> failures{};
  // When each was logged last, in seconds on the steady clock; 0 for never.
  std::array<std::atomic<std::int64_t>, kTlsFailures> logged{};
  Counter handshakes{0};  // that succeeded
  std::atomic<std::int64_t> connections{0};
  Counter foreign_names{0};  // asked for another's targets: 403
  // Of what is in use; seconds since 1970.
  std::atomic<std::int64_t> certificate_expires{0};
  std::atomic<std::int64_t> ca_expires{0};
  // Whether the files were good when they were last looked at, and when those
  // in use were taken up.
  std::atomic<bool> files_good{true};
  std::atomic<std::int64_t> loaded_unix_seconds{0};
};

struct ServerStats {
  // From the last byte of the request to the last byte of the answer; without
  // the time for which a request was held.
  std::array<AtomicHistogram, kRoutes> http_duration;
  // Answers by the first digit of their status.
  std::array<Counter, 6> answers{};
  Counter not_modified{0};  // answers of 304
  Counter bytes_sent{0};    // bodies
  Counter accepted{0};
  Counter refused{0};  // over the connection cap
  Counter accept_failures{0};
  Counter timeouts{0};                       // closed at a deadline, not idle
  Counter bad_requests{0};                   // not HTTP, or over a limit
  std::atomic<std::int64_t> connections{0};  // both ports'
  std::atomic<std::int64_t> held{0};         // waiting to become a member
  TlsStats tls;
};

}  // namespace ta
