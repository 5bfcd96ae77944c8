// A server that does what a test's script says, byte by byte: the only kind
// that can be slow, cut off in the middle, or wrong. On loopback, TLS or not.

#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "test/discovery/certificates.h"

struct ssl_st;
struct ssl_ctx_st;

namespace ta::test {

// One connection, seen by the script in a thread of its own. All calls block
// until the peer has done its part, or the server is destroyed.
class ScriptConnection {
 public:
  ScriptConnection(int fd, int number) : fd_(fd), number_(number) {}
  ~ScriptConnection();

  // The request's line and headers; empty when the peer has closed.
  std::string ReadHead();
  // Exactly `size` bytes, fewer at the end.
  std::string ReadBytes(std::size_t size);
  bool Send(std::string_view bytes);
  // 200 with Content-Length.
  bool Answer(std::string_view body, std::string_view headers = "");
  // Until the peer closes.
  void WaitClosed();
  // What is sent is lost; the peer sees a reset.
  void Reset();
  // The peer sees the end of the connection, but not of its TLS.
  void Cut();
  // Copies both ways to and from a port of loopback, until either ends.
  void Tunnel(std::uint16_t port);
  // False if the handshake fails.
  bool StartTls(ssl_ctx_st* context);
  int number() const { return number_; }  // from 0, as accepted
  int fd() const { return fd_; }

 private:
  friend class ScriptServer;
  int ReadSome(char* to, int size);

  int fd_;
  int number_;
  ssl_st* ssl_ = nullptr;
  std::string buffer_;
};

struct ScriptTls {
  Certificate certificate;
  std::string client_ca;  // not empty: a client certificate is required
};

class ScriptServer {
 public:
  using Script = std::function<void(ScriptConnection&)>;

  explicit ScriptServer(Script script,
                        std::optional<ScriptTls> tls = std::nullopt);
  // Ends all connections.
  ~ScriptServer();

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path = "/") const;
  int accepted() const;

 private:
  void Accept();
  void Serve(int fd, int number);

  Script script_;
  ssl_ctx_st* tls_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<int> open_;             // guarded by mutex_
  std::vector<std::thread> threads_;  // guarded by mutex_
  int accepted_ = 0;                  // guarded by mutex_
  bool stopping_ = false;             // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace ta::test
