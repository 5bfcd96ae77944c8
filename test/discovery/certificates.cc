#include "test/discovery/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace ta::test {
namespace {

template <auto Function>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    Function(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Free<X509_free>>;

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void AddExtension(X509* cert, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) throw std::runtime_error(value);
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Certificate MakeCertificate(const CertificateOptions& options,
                            const Certificate* issuer) {
  static int serial = 1;
  const Key key(EVP_EC_gen("P-256"));
  const Cert cert(X509_new());
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), options.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), options.ends.count());
  X509_set_pubkey(cert.get(), key.get());
  const std::string name = "test " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(cert.get()), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);

  Cert issuer_cert;
  Key issuer_key;
  if (issuer != nullptr) {
    const Bio cert_bio(BIO_new_mem_buf(issuer->cert.data(), -1));
    issuer_cert.reset(
        PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr));
    const Bio key_bio(BIO_new_mem_buf(issuer->key.data(), -1));
    issuer_key.reset(
        PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  }
  X509* by = issuer_cert ? issuer_cert.get() : cert.get();
  X509_set_issuer_name(cert.get(), X509_get_subject_name(by));
  AddExtension(cert.get(), by, NID_basic_constraints,
               options.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  std::string names;
  for (const std::string& one : options.names) {
    names += (names.empty() ? "" : ",") + one;
  }
  if (!names.empty()) {
    AddExtension(cert.get(), by, NID_subject_alt_name, names.c_str());
  }
  X509_sign(cert.get(), issuer_key ? issuer_key.get() : key.get(),
            EVP_sha256());

  const Bio cert_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(cert_out.get(), cert.get());
  const Bio key_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0,
                           nullptr, nullptr);
  return {Text(cert_out.get()), Text(key_out.get())};
}

Certificate MakeCa() {
  CertificateOptions options;
  options.names = {};
  options.is_ca = true;
  return MakeCertificate(options);
}

}  // namespace ta::test
