#include "test/api/tls_support.h"

#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdlib>

namespace ta::test {
namespace {

[[noreturn]] void Fail() {
  ERR_print_errors_fp(stderr);
  std::abort();
}

std::string Taken(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string PemOf(X509* certificate) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return Taken(bio);
}

std::string PemOf(EVP_PKEY* key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return Taken(bio);
}

void Extend(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  if (extension == nullptr) Fail();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer_key`; null: by itself.
X509* Make(const Wish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
           bool is_ca) {
  static long serial = 1;
  X509* const made = X509_new();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made), wish.from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(made), wish.until_seconds);
  X509_set_pubkey(made, key);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(made), "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  X509_set_issuer_name(
      made, X509_get_subject_name(issuer != nullptr ? issuer : made));
  Extend(made, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!is_ca && !wish.usage.empty()) {
    Extend(made, NID_ext_key_usage, wish.usage);
  }
  std::string alternatives;
  for (const std::string& name : wish.dns) alternatives += ",DNS:" + name;
  for (const std::string& uri : wish.uris) alternatives += ",URI:" + uri;
  if (!alternatives.empty()) {
    Extend(made, NID_subject_alt_name, alternatives.substr(1));
  }
  if (X509_sign(made, issuer_key != nullptr ? issuer_key : key, EVP_sha256()) ==
      0) {
    Fail();
  }
  return made;
}

Identity IdentityOf(const Wish& wish, X509* issuer, EVP_PKEY* issuer_key) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = Make(wish, key, issuer, issuer_key, false);
  Identity identity{PemOf(certificate), PemOf(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace

TestCa::TestCa(const std::string& name, long until_seconds)
    : key_(EVP_EC_gen("P-256")) {
  Wish wish;
  wish.name = name;
  wish.until_seconds = until_seconds;
  certificate_ = Make(wish, key_, nullptr, nullptr, true);
  pem_ = PemOf(certificate_);
}

TestCa::~TestCa() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

Identity TestCa::Issue(const Wish& wish) const {
  return IdentityOf(wish, certificate_, key_);
}

Identity SelfSigned(const Wish& wish) {
  return IdentityOf(wish, nullptr, nullptr);
}

std::string Encrypted(const std::string& key_pem) {
  BIO* const in = BIO_new_mem_buf(key_pem.data(), -1);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  BIO* const out = BIO_new(BIO_s_mem());
  static const unsigned char kPassphrase[] = "open sesame";
  PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), kPassphrase, 11,
                           nullptr, nullptr);
  EVP_PKEY_free(key);
  return Taken(out);
}

TlsClient::TlsClient(std::uint16_t port, const Options& options)
    : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
  const int on = 1;  // the request follows the end of the handshake at once
  ::setsockopt(raw_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // OpenSSL writes to its sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX_set_min_proto_version(context_, options.min_version);
  SSL_CTX_set_max_proto_version(context_, options.max_version);
  if (options.max_version != 0) SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!options.ca.empty()) {
    BIO* const bio = BIO_new_mem_buf(options.ca.data(), -1);
    X509* const ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca);
    X509_free(ca);
    BIO_free(bio);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  if (options.own) {
    BIO* bio = BIO_new_mem_buf(options.own->certificate.data(), -1);
    X509* const own = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(options.own->key.data(), -1);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_certificate(context_, own);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(own);
    EVP_PKEY_free(key);
  }
  ssl_ = SSL_new(context_);
  if (!options.protocols.empty()) {
    SSL_set_alpn_protos(
        ssl_, reinterpret_cast<const unsigned char*>(options.protocols.data()),
        static_cast<unsigned>(options.protocols.size()));
  }
  SSL_set_fd(ssl_, raw_.fd());
}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsClient::Check(int result) {
  if (result > 0) return true;
  const unsigned long error = ERR_peek_error();
  const char* const reason = error != 0 ? ERR_reason_error_string(error) : "";
  error_ = reason != nullptr ? reason : "";
  ERR_clear_error();
  return false;
}

bool TlsClient::Handshake() {
  ERR_clear_error();
  return Check(SSL_connect(ssl_));
}

bool TlsClient::Send(std::string_view bytes) {
  ERR_clear_error();
  return Check(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())));
}

bool TlsClient::Get(std::string_view target, std::string_view headers) {
  return Send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" +
              std::string(headers) + "\r\n");
}

bool TlsClient::Receive() {
  char bytes[16384];
  ERR_clear_error();
  const int received = SSL_read(ssl_, bytes, sizeof bytes);
  if (!Check(received)) return false;
  rest_.append(bytes, static_cast<std::size_t>(received));
  return true;
}

std::string TlsClient::ReadAnswer() {
  std::size_t end;
  while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
    if (!Receive()) return std::exchange(rest_, {});
  }
  std::size_t size = end + 4;
  const std::size_t at = rest_.find("Content-Length: ");
  if (at < end) size += std::stoul(rest_.substr(at + 16));
  while (rest_.size() < size && Receive()) {
  }
  std::string answer = rest_.substr(0, size);
  rest_.erase(0, answer.size());
  return answer;
}

std::string TlsClient::Ask(std::string_view target) {
  if (!Handshake() || !Get(target)) return {};
  return ReadAnswer();
}

std::string TlsClient::PeerPem() const {
  X509* const peer = SSL_get0_peer_certificate(ssl_);
  return peer == nullptr ? std::string() : PemOf(peer);
}

}  // namespace ta::test
