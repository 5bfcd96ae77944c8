// Certificates made on the spot, for tests of TLS.

#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace ta::test {

// PEM, the key without a passphrase.
struct Certificate {
  std::string cert;
  std::string key;
};

struct CertificateOptions {
  // "DNS:example.test", "IP:127.0.0.1"
  std::vector<std::string> names = {"IP:127.0.0.1", "DNS:localhost"};
  std::chrono::seconds begins = std::chrono::hours(-1);  // from now
  std::chrono::seconds ends = std::chrono::hours(1);
  bool is_ca = false;
};

// Signed by `issuer`, or by itself. P-256.
Certificate MakeCertificate(const CertificateOptions& options,
                            const Certificate* issuer = nullptr);
Certificate MakeCa();

}  // namespace ta::test
