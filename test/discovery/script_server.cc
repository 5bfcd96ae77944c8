#include "test/discovery/script_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace ta::test {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

SSL_CTX* MakeContext(const ScriptTls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* bio = BIO_new_mem_buf(tls.certificate.cert.data(), -1);
  X509* cert = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, cert);
  X509_free(cert);
  BIO_free(bio);
  bio = BIO_new_mem_buf(tls.certificate.key.data(), -1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_PrivateKey(context, key);
  EVP_PKEY_free(key);
  BIO_free(bio);
  if (!tls.client_ca.empty()) {
    bio = BIO_new_mem_buf(tls.client_ca.data(), -1);
    X509* ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    X509_free(ca);
    BIO_free(bio);
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

}  // namespace

ScriptConnection::~ScriptConnection() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
}

int ScriptConnection::ReadSome(char* to, int size) {
  if (ssl_ != nullptr) return SSL_read(ssl_, to, size);
  return static_cast<int>(read(fd_, to, static_cast<std::size_t>(size)));
}

std::string ScriptConnection::ReadHead() {
  char piece[4096];
  while (true) {
    const auto end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string head = buffer_.substr(0, end + 4);
      buffer_.erase(0, end + 4);
      return head;
    }
    const int size = ReadSome(piece, sizeof(piece));
    if (size <= 0) return {};
    buffer_.append(piece, static_cast<std::size_t>(size));
  }
}

std::string ScriptConnection::ReadBytes(std::size_t wanted) {
  char piece[4096];
  while (buffer_.size() < wanted) {
    const int size = ReadSome(piece, sizeof(piece));
    if (size <= 0) break;
    buffer_.append(piece, static_cast<std::size_t>(size));
  }
  std::string bytes = buffer_.substr(0, wanted);
  buffer_.erase(0, wanted);
  return bytes;
}

bool ScriptConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent =
        ssl_ != nullptr
            ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
            : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool ScriptConnection::Answer(std::string_view body, std::string_view headers) {
  return Send(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n" + std::string(headers) + "\r\n" + std::string(body));
}

void ScriptConnection::WaitClosed() {
  char piece[4096];
  while (ReadSome(piece, sizeof(piece)) > 0) {
  }
}

void ScriptConnection::Reset() {
  const linger off{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

void ScriptConnection::Cut() { shutdown(fd_, SHUT_RDWR); }

void ScriptConnection::Tunnel(std::uint16_t port) {
  const int other = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(port);
  connect(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  char piece[16384];
  // TLS may hold bytes that poll does not see.
  bool open = true;
  while (open) {
    pollfd polled[2] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
    if (ssl_ != nullptr && SSL_pending(ssl_) > 0) {
      polled[0].revents = POLLIN;
    } else if (poll(polled, 2, -1) < 0) {
      break;
    }
    if (polled[0].revents != 0) {
      const int size = ReadSome(piece, sizeof(piece));
      open =
          size > 0 && write(other, piece, static_cast<std::size_t>(size)) > 0;
    }
    if (open && polled[1].revents != 0) {
      const auto size = read(other, piece, sizeof(piece));
      open = size > 0 && Send({piece, static_cast<std::size_t>(size)});
    }
  }
  close(other);
}

bool ScriptConnection::StartTls(SSL_CTX* context) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_);
  return SSL_accept(ssl_) == 1;
}

ScriptServer::ScriptServer(Script script, std::optional<ScriptTls> tls)
    : script_(std::move(script)) {
  signal(SIGPIPE, SIG_IGN);  // of OpenSSL's writes
  if (tls) tls_ = MakeContext(*tls);
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  listen(listener_, 64);
  socklen_t size = sizeof(address);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptServer::~ScriptServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
  if (tls_ != nullptr) SSL_CTX_free(tls_);
}

std::string ScriptServer::url(std::string_view path) const {
  return std::string(tls_ != nullptr ? "https" : "http") +
         "://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

int ScriptServer::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

void ScriptServer::Accept() {
  while (true) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    open_.push_back(fd);
    const int number = accepted_++;
    threads_.emplace_back([this, fd, number] { Serve(fd, number); });
  }
}

void ScriptServer::Serve(int fd, int number) {
  {
    ScriptConnection connection(fd, number);
    if (tls_ == nullptr || connection.StartTls(tls_)) script_(connection);
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  close(fd);
}

}  // namespace ta::test
