#include "api/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace ta {

struct TlsSession::Link {
  boost::asio::ip::tcp::socket& socket;
  bool more = false;    // the next bytes follow at once
  bool closed = false;  // by the client, or by ourselves
};

namespace {

// The kind of BIO that reads and writes a connection's socket. Made once, never
// freed.
template <typename L>
struct SocketBio {
  static L& Of(BIO* bio) { return *static_cast<L*>(BIO_get_data(bio)); }

  static int Done(BIO* bio, ssize_t bytes) {
    BIO_clear_retry_flags(bio);
    return static_cast<int>(bytes);
  }
  static int Failed(BIO* bio, int retry) {
    BIO_clear_retry_flags(bio);
    if (errno == EAGAIN || errno == EINTR) {
      BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    } else {
      Of(bio).closed = true;
    }
    return -1;
  }
  static int Read(BIO* bio, char* to, int size) {
    const ssize_t received = ::recv(Of(bio).socket.native_handle(), to,
                                    static_cast<std::size_t>(size), 0);
    if (received < 0) return Failed(bio, BIO_FLAGS_READ);
    if (received == 0) Of(bio).closed = true;
    return Done(bio, received);
  }
  static int Write(BIO* bio, const char* from, int size) {
    const ssize_t sent = ::send(Of(bio).socket.native_handle(), from,
                                static_cast<std::size_t>(size),
                                MSG_NOSIGNAL | (Of(bio).more ? MSG_MORE : 0));
    if (sent < 0) return Failed(bio, BIO_FLAGS_WRITE);
    return Done(bio, sent);
  }
  static long Control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(
          BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
      BIO_meth_set_read(made, Read);
      BIO_meth_set_write(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

TlsFailure FailureOf(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsFailure::kExpired;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return TlsFailure::kSelfSigned;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return TlsFailure::kUnknownCa;
    default:
      return TlsFailure::kBadCertificate;
  }
}

TlsFailure FailureOf(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return TlsFailure::kOther;
  const int reason = ERR_GET_REASON(error);
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsFailure::kNoCertificate;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return TlsFailure::kProtocol;
    default:
      // What the client said before it left: it refuses our certificate.
      return reason >= SSL_AD_REASON_OFFSET ? TlsFailure::kRefusedByClient
                                            : TlsFailure::kOther;
  }
}

// "spiffe://domain/ns/x/collector-0" is collector-0.
std::string_view LastSegment(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == uri.npos) return {};
  uri.remove_prefix(scheme + 3);
  uri = uri.substr(0, uri.find_first_of("?#"));
  const std::size_t slash = uri.rfind('/');
  return slash == uri.npos ? std::string_view() : uri.substr(slash + 1);
}

}  // namespace

TlsSession::TlsSession(const ServerTls& tls,
                       boost::asio::ip::tcp::socket& socket)
    : link_(new Link{socket}), ssl_(SSL_new(tls.native())) {
  BIO* const bio = BIO_new(SocketBio<Link>::Method());
  if (ssl_ == nullptr || bio == nullptr) {  // no memory: every call fails
    BIO_free(bio);
    SSL_free(ssl_);
    ssl_ = nullptr;
    return;
  }
  BIO_set_data(bio, link_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

TlsSession::Status TlsSession::StatusOf(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
      return Status::kDone;
    case SSL_ERROR_WANT_READ:
      return Status::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Status::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Status::kEnded;
    default:
      return link_->closed ? Status::kEnded : Status::kFailed;
  }
}

TlsSession::Status TlsSession::Handshake() {
  if (ssl_ == nullptr) return Status::kFailed;
  ERR_clear_error();
  const Status status = StatusOf(SSL_do_handshake(ssl_));
  if (status == Status::kFailed || status == Status::kEnded) Explain();
  ERR_clear_error();
  return status;
}

void TlsSession::Explain() {
  // The last: those before it are what led to it, in other libraries' words.
  const unsigned long error = ERR_peek_last_error();
  const long verified = SSL_get_verify_result(ssl_);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
      ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    failure_ = FailureOf(verified);
    detail_ = X509_verify_cert_error_string(verified);
  } else if (error != 0) {
    failure_ = FailureOf(error);
    const char* const reason = ERR_reason_error_string(error);
    detail_ = reason != nullptr ? reason : "unknown";
  } else {
    failure_ = TlsFailure::kClosed;
    detail_ = "the client broke off";
  }
}

TlsSession::Status TlsSession::Read(void* to, std::size_t size,
                                    std::size_t& read) {
  if (ssl_ == nullptr) return Status::kFailed;
  ERR_clear_error();
  return StatusOf(SSL_read_ex(ssl_, to, size, &read));
}

TlsSession::Status TlsSession::Peek() {
  if (ssl_ == nullptr) return Status::kFailed;
  ERR_clear_error();
  char byte = 0;
  std::size_t peeked = 0;
  return StatusOf(SSL_peek_ex(ssl_, &byte, 1, &peeked));
}

TlsSession::Status TlsSession::Write(const void* from, std::size_t size,
                                     bool more, std::size_t& written) {
  if (ssl_ == nullptr) return Status::kFailed;
  ERR_clear_error();
  link_->more = more;
  const Status status = StatusOf(SSL_write_ex(ssl_, from, size, &written));
  link_->more = false;
  return status;
}

bool TlsSession::in_record() const {
  // Bytes that are not taken up yet; of a record's header alone none are left.
  return has_pending() ||
         (ssl_ != nullptr && std::string_view(SSL_rstate_string(ssl_)) != "RH");
}

bool TlsSession::has_pending() const {
  return ssl_ != nullptr && SSL_has_pending(ssl_) == 1;
}

void TlsSession::SayGoodbye() {
  if (ssl_ == nullptr || SSL_is_init_finished(ssl_) == 0) return;
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::vector<std::string> TlsSession::ClientNames() const {
  std::vector<std::string> names;
  X509* const certificate =
      ssl_ == nullptr ? nullptr : SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return names;
  auto* const alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* const one = sk_GENERAL_NAME_value(alternatives, i);
    if (one->type != GEN_DNS && one->type != GEN_URI) continue;
    const ASN1_IA5STRING* const text = one->type == GEN_DNS
                                           ? one->d.dNSName
                                           : one->d.uniformResourceIdentifier;
    std::string_view name(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
        static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (one->type == GEN_URI) name = LastSegment(name);
    if (name.empty() || name.find_first_of("*%") != name.npos) continue;
    names.emplace_back(name);
  }
  GENERAL_NAMES_free(alternatives);
  return names;
}

}  // namespace ta
