#include "discovery/http_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <utility>

namespace ta {
namespace ssl = boost::asio::ssl;

namespace {

int Version(TlsVersion version) {
  switch (version) {
    case TlsVersion::kDefault:
      return 0;
    case TlsVersion::k10:
      return TLS1_VERSION;
    case TlsVersion::k11:
      return TLS1_1_VERSION;
    case TlsVersion::k12:
      return TLS1_2_VERSION;
    case TlsVersion::k13:
      return TLS1_3_VERSION;
  }
  return 0;
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// The name without the dot at the end, which certificates don't have.
std::string NameToVerify(const TlsContext& context, const std::string& host) {
  std::string name = context.server_name.empty() ? host : context.server_name;
  if (name.ends_with('.')) name.pop_back();
  return name;
}

Result<void> UseCertificate(ssl::context& context,
                            const TlsSettings& settings) {
  if (settings.cert_pem.empty() && settings.key_pem.empty()) return {};
  if (settings.key_pem.empty()) {
    return Reject("a client certificate without its key");
  }
  if (settings.cert_pem.empty()) {
    return Reject("a client key without its certificate");
  }
  boost::system::error_code error;
  context.use_certificate_chain(boost::asio::buffer(settings.cert_pem), error);
  if (error) return Reject("the client certificate is not a PEM certificate");
  context.use_private_key(boost::asio::buffer(settings.key_pem),
                          ssl::context::pem, error);
  const bool other =
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
      X509_R_KEY_VALUES_MISMATCH;
  if (error && !other) {
    return Reject("the client key is not a PEM key without a passphrase");
  }
  if (error || SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return Reject("the client key does not belong to the certificate");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> MakeTlsContext(
    const TlsSettings& settings) {
  boost::system::error_code error;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX* native = context->native_handle();
  const TlsVersion least = settings.min_version == TlsVersion::kDefault
                               ? TlsVersion::k12
                               : settings.min_version;
  // OpenSSL's own level refuses the versions below 1.2 that somebody asks for.
  if (least < TlsVersion::k12) SSL_CTX_set_security_level(native, 0);
  if (SSL_CTX_set_min_proto_version(native, Version(least)) != 1 ||
      SSL_CTX_set_max_proto_version(native, Version(settings.max_version)) !=
          1) {
    return Reject("these TLS versions are not available");
  }
  if (settings.max_version != TlsVersion::kDefault &&
      settings.max_version < least) {
    return Reject("the greatest TLS version is below the least");
  }
  // Else OpenSSL asks the terminal for an encrypted key's passphrase.
  context->set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return std::string(); },
      error);
  if (settings.ca_pem.empty()) {
    context->set_default_verify_paths(error);
    if (error) return Reject("the system's certificates cannot be read");
  } else {
    context->add_certificate_authority(boost::asio::buffer(settings.ca_pem),
                                       error);
    if (error) return Reject("the CA is not a PEM certificate");
  }
  // As in Go, whatever is in the pool is trusted, also an intermediate one.
  X509_STORE_set_flags(SSL_CTX_get_cert_store(native),
                       X509_V_FLAG_PARTIAL_CHAIN);
  context->set_verify_mode(
      settings.insecure_skip_verify ? ssl::verify_none : ssl::verify_peer,
      error);
  if (auto used = UseCertificate(*context, settings); !used) {
    ERR_clear_error();
    return std::unexpected(used.error());
  }
  ERR_clear_error();
  return std::make_shared<const TlsContext>(
      TlsContext{std::move(context), settings.server_name,
                 !settings.insecure_skip_verify});
}

Result<void> PrepareTls(SSL* ssl, const TlsContext& context,
                        const std::string& host) {
  const std::string name = NameToVerify(context, host);
  bool done = true;
  if (IsAddress(name)) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    done = X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    done = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
           SSL_set1_host(ssl, name.c_str()) == 1;
  }
  ERR_clear_error();
  if (!done) return Reject("the host's name cannot be verified");
  return {};
}

std::string CertificateFault(SSL* ssl, const TlsContext& context,
                             const std::string& host) {
  const long result = SSL_get_verify_result(ssl);
  if (!context.verify || result == X509_V_OK) return {};
  return "certificate of " + NameToVerify(context, host) + ": " +
         X509_verify_cert_error_string(result);
}

}  // namespace ta
