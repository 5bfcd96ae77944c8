#include "api/metric_family.h"
#include "api/metrics.h"

namespace ta {

std::string_view ToString(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kNoCertificate:
      return "no_certificate";
    case TlsFailure::kUnknownCa:
      return "unknown_ca";
    case TlsFailure::kSelfSigned:
      return "self_signed";
    case TlsFailure::kExpired:
      return "expired";
    case TlsFailure::kBadCertificate:
      return "bad_certificate";
    case TlsFailure::kProtocol:
      return "protocol";
    case TlsFailure::kPlainHttp:
      return "plain_http";
    case TlsFailure::kRefusedByClient:
      return "refused_by_client";
    case TlsFailure::kTimeout:
      return "timeout";
    case TlsFailure::kClosed:
      return "closed";
    case TlsFailure::kOther:
      break;
  }
  return "other";
}

std::vector<prometheus::MetricFamily> TlsMetrics::Collect() const {
  FamilyList out;
  if (!stats_.enabled) return out.Take();
  out.Gauge("target_allocator_tls_ca_expiry_timestamp_seconds",
            "When the first certificate of the clients' CA in use ends.")
      .Sample(stats_.ca_expires.load());
  out.Gauge("target_allocator_tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use ends.")
      .Sample(stats_.certificate_expires.load());
  out.Gauge("target_allocator_tls_connections", "Open TLS connections.")
      .Sample(stats_.connections.load());
  out.Gauge("target_allocator_tls_files_good",
            "Whether certificate, key and CA were good when they were last "
            "read; if not, those of before are in use.")
      .Sample(stats_.files_good ? 1 : 0);
  out.Gauge("target_allocator_tls_files_loaded_timestamp_seconds",
            "When the certificate, key and CA in use were read.")
      .Sample(stats_.loaded_unix_seconds.load());
  out.Counter("target_allocator_tls_foreign_names_total",
              "Requests for the targets of a collector that the client's "
              "certificate does not name.")
      .Sample(stats_.foreign_names.load());
  out.Counter("target_allocator_tls_handshake_failures_total",
              "Handshakes that failed.");
  for (int i = 0; i < kTlsFailures; ++i) {
    out.Sample(stats_.failures[static_cast<std::size_t>(i)].load(),
               {{"reason", std::string(ToString(static_cast<TlsFailure>(i)))}});
  }
  out.Counter("target_allocator_tls_handshakes_total",
              "Handshakes that succeeded.")
      .Sample(stats_.handshakes.load());
  return out.Take();
}

}  // namespace ta
