// Certificates made on the spot, and a TLS client that says what went wrong.

#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "test/api/raw_client.h"

namespace ta::test {

// A certificate with its key, both PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

// What a certificate shall say.
struct Wish {
  std::string name = "client";
  std::vector<std::string> dns = {};
  std::vector<std::string> uris = {};
  long from_seconds = -3600;  // from now
  long until_seconds = 3600;
  // "clientAuth", "serverAuth", both with a comma, or "" for anything.
  std::string usage = "clientAuth,serverAuth";
};

class TestCa {
 public:
  explicit TestCa(const std::string& name, long until_seconds = 7200);
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  Identity Issue(const Wish& wish = {}) const;
  const std::string& pem() const { return pem_; }

 private:
  X509* certificate_ = nullptr;
  EVP_PKEY* key_ = nullptr;
  std::string pem_;
};

Identity SelfSigned(const Wish& wish = {});
// The key, encrypted with a passphrase.
std::string Encrypted(const std::string& key_pem);

// Blocking, with RawClient's deadlines.
class TlsClient {
 public:
  struct Options {
    std::string ca;  // "" trusts anybody
    std::optional<Identity> own = std::nullopt;
    int max_version = 0;  // OpenSSL's number; 0 for the newest
    int min_version = 0;
    std::string protocols = "";  // for ALPN, each with its length before it
  };
  // Connects; no handshake yet.
  TlsClient(std::uint16_t port, const Options& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool Handshake();
  bool Send(std::string_view bytes);
  bool Get(std::string_view target, std::string_view headers = "");
  // As RawClient's.
  std::string ReadAnswer();
  // Handshake, request, answer; "" if any of them fails.
  std::string Ask(std::string_view target);
  // OpenSSL's words for the last failure, an alert of the server's among them.
  const std::string& error() const { return error_; }
  // The server's certificate, PEM.
  std::string PeerPem() const;

  SSL* native() { return ssl_; }
  RawClient& raw() { return raw_; }

 private:
  bool Receive();
  bool Check(int result);

  RawClient raw_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string rest_;
  std::string error_;
};

}  // namespace ta::test
