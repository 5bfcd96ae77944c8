// What the HTTPS server presents and whom it trusts: certificate, key and the
// clients' CA, made into one of OpenSSL's contexts and validated together.
//
// The rules are those of the Go allocator's server (Go's crypto/tls with
// RequireAndVerifyClientCert): TLS 1.2 and up, a client certificate that chains
// to the CA and may be used by clients. Of TLS 1.2 only forward secret, AEAD
// suites are on. No session is ever resumed and nothing renegotiated: each
// connection proves who it is, by the CA of that moment.

#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "allocator/base/result.h"

namespace ta {

// Texts, not files: who has files reads them, and may say for errors which they
// are. Value type.
struct ServerTlsTexts {
  std::string certificate_pem;  // the server's own and its chain
  std::string key_pem;          // of it, not encrypted
  std::string ca_pem;           // whoever may sign clients' certificates
  std::string certificate_file = {};
  std::string key_file = {};
  std::string ca_file = {};
  bool operator==(const ServerTlsTexts&) const = default;
};

// Immutable, thread-safe. A connection keeps what it began with, so a new one
// takes effect for new connections only.
class ServerTls {
 public:
  // An error says which of the texts is wrong and how, with its file if that
  // was said, never what it contains.
  static Result<std::shared_ptr<const ServerTls>> Make(
      const ServerTlsTexts& texts);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  SSL_CTX* native() const { return context_; }
  // When the server's own certificate ends, and the first of the CA's, in
  // seconds since 1970.
  std::int64_t certificate_expires() const { return certificate_expires_; }
  std::int64_t ca_expires() const { return ca_expires_; }

 private:
  ServerTls() = default;
  Result<void> Fill(const ServerTlsTexts& texts);

  SSL_CTX* context_ = nullptr;
  std::int64_t certificate_expires_ = 0;
  std::int64_t ca_expires_ = 0;
};

}  // namespace ta
