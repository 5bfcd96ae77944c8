// One connection: requests in, answers out, one after the other. Inside api/
// only; confined to its worker's thread.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "api/router.h"
#include "api/stream.h"
#include "api/worker.h"

namespace ta {

struct IncomingRequest;

// Owned by its coroutine. While it waits for a request it holds a socket, this
// object and one coroutine frame: no buffer, no parser.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Stream::Socket socket, Transport transport, Worker& worker);
  ~Connection();

  // Begins to serve; returns at once. The coroutine keeps the connection alive.
  void Start();
  // Closes if a deadline has passed.
  void CheckDeadline(TimePoint now);
  // A request is complete and its answer is not: closing would lose it.
  bool answering() const { return answering_; }
  void Close();

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  Awaitable<void> Run();
  // -- connection_tls.cc --
  // The handshake; whether the connection goes on after it.
  Awaitable<bool> BeginTls();
  // Its steps, once there is a first byte that TLS could begin with.
  Awaitable<TlsSession::Status> Handshake(TlsSession& tls);
  // Counts one that failed, and logs it if the like was not logged of late.
  void CountFailure(TlsFailure failure, std::string_view detail,
                    const boost::asio::ip::address& client);

  // -- connection.cc --
  // Waits for the first byte of a request, over TLS a decrypted one; false if
  // none comes. The connection is idle until something of it is there.
  Awaitable<bool> AwaitRequest();
  // One request and its answer; whether the connection goes on after it.
  Awaitable<bool> ServeOne();
  Awaitable<bool> ReadRequest(IncomingRequest& incoming);
  Awaitable<Response> Answer(const Request& request);
  // Waits until a snapshot newer than `seen` has the collector as a member.
  Awaitable<Response> Hold(const Request& request,
                           std::shared_ptr<const Snapshot> seen,
                           Response response);
  // Waits until there is room for the answer to a scraper, or it was too long.
  Awaitable<Response> AwaitRoom(const Request& request, Response response);
  Awaitable<Response> Reload();
  Awaitable<bool> Write(const Response& response, bool head, bool keep_alive);
  Awaitable<void> Refuse(int status, std::string_view message);
  // Reads what the client still sends, so that closing does not take back the
  // answer that it has not read yet (RFC 9112, 9.6).
  Awaitable<void> Linger();

  void Report(std::optional<Poll>& poll, bool written);
  void SetDeadline(std::chrono::milliseconds from_now);

  Stream stream_;
  Worker& worker_;
  ServerShared& shared_;
  TimePoint deadline_{};
  TimePoint started_{};  // the answer to the current request
  bool idle_ = true;     // waits for the first byte of a request
  bool answering_ = false;
  bool http10_ = false;  // the current request is HTTP/1.0
  const Transport transport_;
  bool established_ = false;  // over TLS
  // Bytes after the last request; null while there are none.
  std::unique_ptr<boost::beast::flat_buffer> buffer_;
  // Whose targets the client may ask for; null: anybody's.
  std::unique_ptr<const std::vector<std::string>> client_names_;
  std::list<Connection*>::iterator place_;  // in the worker's list
};

// How long a client may take for an answer: `timeout`, and 1 s more for each
// 64 kB of the body, but not above kMostWriteTime unless `timeout` is: what is
// not taken yet stays in memory.
inline constexpr std::chrono::milliseconds kMostWriteTime =
    std::chrono::minutes(2);
std::chrono::milliseconds WriteTime(std::chrono::milliseconds timeout,
                                    std::size_t body_bytes);

}  // namespace ta
