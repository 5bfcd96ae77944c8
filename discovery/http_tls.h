// TLS of a client: whom to trust, who we are. Made of OpenSSL's parts.

#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "allocator/base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace ta {

enum class TlsVersion : std::uint8_t { kDefault, k10, k11, k12, k13 };

// Texts, not files: who has files reads them, and makes a new context when they
// have changed. Value type.
struct TlsSettings {
  std::string ca_pem;       // one or more certificates; empty: the system's
  std::string cert_pem;     // our certificate and its chain; empty: none
  std::string key_pem;      // its key, not encrypted; with cert_pem only
  std::string server_name;  // to verify and ask for instead of the URL's host
  TlsVersion min_version = TlsVersion::kDefault;  // 1.2
  TlsVersion max_version = TlsVersion::kDefault;  // the newest
  bool insecure_skip_verify = false;

  bool operator==(const TlsSettings&) const = default;
};

// Immutable and safe to share. A context lives as long as a connection uses it,
// so a new one takes effect for new connections only.
struct TlsContext {
  std::shared_ptr<boost::asio::ssl::context> context;
  std::string server_name;
  bool verify = true;
};

// Everything is validated together: a certificate without its key, a key that
// belongs to another, or text that is no certificate is an error that says
// which; it never shows the text.
Result<std::shared_ptr<const TlsContext>> MakeTlsContext(
    const TlsSettings& settings);

// Prepares one handshake with `host`: the name it asks for, and the name or
// address that the certificate must be for, in its subject alternative names as
// in Go. Nothing is verified if the context doesn't.
Result<void> PrepareTls(SSL* ssl, const TlsContext& context,
                        const std::string& host);

// Why a handshake failed, if it was the certificate's fault: "certificate of
// host: self-signed certificate". Else empty.
std::string CertificateFault(SSL* ssl, const TlsContext& context,
                             const std::string& host);

}  // namespace ta
