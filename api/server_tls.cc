#include "api/server_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string_view>

namespace ta {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// OpenSSL's queue of errors is the thread's: what is left in it would be taken
// for the next call's.
struct CleanErrors {
  ~CleanErrors() { ERR_clear_error(); }
};

Bio Reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without it OpenSSL asks the terminal for an encrypted key's passphrase.
int NoPassphrase(char*, int, int, void*) { return 0; }

// The next certificate of a text; null at its end, and where it is wrong.
Certificate Next(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, NoPassphrase, nullptr));
}

// Did the reading end because there was nothing more?
bool AtEnd() {
  return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

std::int64_t Expiry(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return 0;
  return timegm(&parts);
}

// HTTP/1.1 is what we speak. A client that names protocols and not this one is
// refused, as RFC 7301 has it; one that names none is not asked.
int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void*) {
  static constexpr std::string_view kOurs = "http/1.1";
  const unsigned char* const end = in + in_size;
  while (in < end) {
    const unsigned size = *in++;
    if (size > static_cast<unsigned>(end - in)) break;
    if (std::string_view(reinterpret_cast<const char*>(in), size) == kOurs) {
      *out = in;
      *out_size = static_cast<unsigned char>(size);
      return SSL_TLSEXT_ERR_OK;
    }
    in += size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<std::int64_t> UseCertificate(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Reading(pem);
  const Certificate own = Next(bio.get());
  if (!own) return Reject("the certificate is not a PEM certificate");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Reject(
        "the certificate cannot be used: its key or signature is too weak");
  }
  while (const Certificate link = Next(bio.get())) {
    if (SSL_CTX_add1_chain_cert(context, link.get()) != 1) {
      return Reject("the certificate's chain cannot be used");
    }
  }
  if (!AtEnd()) return Reject("the certificate's chain is not PEM");
  return Expiry(own.get());
}

Result<void> UseKey(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Reading(pem);
  const Key key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (!key) return Reject("the key is not a PEM key without a passphrase");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return Reject("the key does not belong to the certificate");
  }
  return {};
}

// The time is when the first of them ends.
Result<std::int64_t> UseCa(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Reading(pem);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  std::int64_t expires = std::numeric_limits<std::int64_t>::max();
  int count = 0;
  while (const Certificate one = Next(bio.get())) {
    if (X509_STORE_add_cert(store, one.get()) != 1) {
      return Reject("the CA cannot be used");
    }
    expires = std::min(expires, Expiry(one.get()));
    ++count;
  }
  if (count == 0 || !AtEnd()) {
    return Reject("the CA is not a list of PEM certificates");
  }
  // As in Go, whatever is in the list is trusted, also an intermediate one.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return expires;
}

std::unexpected<Error> Of(const std::string& file, Error error) {
  return std::unexpected(file.empty() ? std::move(error)
                                      : std::move(error).Within(file));
}

}  // namespace

Result<std::shared_ptr<const ServerTls>> ServerTls::Make(
    const ServerTlsTexts& texts) {
  const CleanErrors clean;
  std::shared_ptr<ServerTls> made(new ServerTls);
  if (auto filled = made->Fill(texts); !filled) {
    return std::unexpected(std::move(filled.error()));
  }
  return made;
}

ServerTls::~ServerTls() { SSL_CTX_free(context_); }

Result<void> ServerTls::Fill(const ServerTlsTexts& texts) {
  context_ = SSL_CTX_new(TLS_server_method());
  if (context_ == nullptr ||
      SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context_, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
      SSL_CTX_set_num_tickets(context_, 0) != 1) {
    return Reject("OpenSSL cannot serve TLS 1.2 here");
  }
  SSL_CTX_set_options(context_, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  // An idle connection keeps no buffer; a write may go on from another place.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS |
                                 SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context_, ChooseProtocol, nullptr);
  // No list of CAs is sent: a client whose certificate is another's would send
  // none, and nobody could tell why.
  SSL_CTX_set_verify(
      context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const auto certificate = UseCertificate(context_, texts.certificate_pem);
  if (!certificate) return Of(texts.certificate_file, certificate.error());
  certificate_expires_ = *certificate;
  if (auto key = UseKey(context_, texts.key_pem); !key) {
    return Of(texts.key_file, key.error());
  }
  const auto ca = UseCa(context_, texts.ca_pem);
  if (!ca) return Of(texts.ca_file, ca.error());
  ca_expires_ = *ca;
  return {};
}

}  // namespace ta
