// TLS of one connection of the server: OpenSSL's state machine on a socket that
// never blocks. Inside api/ only; confined to its connection's thread.
//
// OpenSSL reads and writes the socket itself, through a BIO of ours, rather
// than through Asio's ssl::stream with its four buffers of 17 kB for each
// connection: nearly all of a server's connections are idle, and an idle one
// here has no buffer at all.

#pragma once

#include <openssl/types.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "api/server_tls.h"
#include "api/stats.h"

namespace ta {

class TlsSession {
 public:
  enum class Status {
    kDone,
    kWantRead,   // call again when the socket can be read
    kWantWrite,  // call again, with the same bytes, when it can be written
    kEnded,      // the client said goodbye, or is gone
    kFailed,
  };

  // `socket` must outlive it and not block.
  TlsSession(const ServerTls& tls, boost::asio::ip::tcp::socket& socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Another step of the handshake, which may take a millisecond of CPU.
  Status Handshake();
  // Why it failed, after kEnded or kFailed; and in words: "certificate has
  // expired".
  TlsFailure failure() const { return failure_; }
  const std::string& detail() const { return detail_; }

  // Up to `size` bytes; at least one if kDone. REQUIRES: size > 0
  Status Read(void* to, std::size_t size, std::size_t& read);
  // kDone if Read would give a byte; takes up what is TLS's own, such as new
  // keys.
  Status Peek();
  // At most a record (16 kB); at least a byte if kDone. `more` follows at once:
  // the kernel waits for it rather than send a packet for these alone.
  // REQUIRES: size > 0
  Status Write(const void* from, std::size_t size, bool more,
               std::size_t& written);
  // The last Read or Peek met a record that has begun and is not whole.
  bool in_record() const;
  // Has bytes that need no more from the socket: it won't become readable.
  bool has_pending() const;
  // Tells the client that nothing more follows; best effort.
  void SayGoodbye();

  // What the client's certificate calls it, in its subject alternative names:
  // each DNS name as it is, and the last segment of each URI's path. Wildcards
  // and what has an escape (%) name nobody. Empty before the handshake.
  std::vector<std::string> ClientNames() const;

 private:
  struct Link;  // what the BIO knows

  Status StatusOf(int result);
  void Explain();

  std::unique_ptr<Link> link_;
  SSL* ssl_ = nullptr;
  TlsFailure failure_ = TlsFailure::kOther;
  std::string detail_;
};

}  // namespace ta
