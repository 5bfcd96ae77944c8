// A connection's bytes: a socket, or TLS on one. Models what Beast and Asio ask
// of a stream (AsyncReadStream, AsyncWriteStream). Inside api/ only; confined
// to its connection's thread.

#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "api/tls_session.h"

namespace ta {

class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Code = boost::system::error_code;
  using executor_type = Socket::executor_type;

  explicit Stream(Socket socket) : socket_(std::move(socket)) {}

  executor_type get_executor() { return socket_.get_executor(); }
  // For waiting, options and closing; bytes go past TLS.
  Socket& socket() { return socket_; }

  // From now on bytes go through TLS; its handshake comes first.
  TlsSession& StartTls(const ServerTls& tls) {
    Code ignored;
    socket_.non_blocking(true, ignored);
    tls_ = std::make_unique<TlsSession>(tls, socket_);
    return *tls_;
  }
  // Null where bytes are sent as they are.
  TlsSession* tls() { return tls_.get(); }
  // Bytes are there for which the socket need not become readable.
  bool has_pending() const { return tls_ && tls_->has_pending(); }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(Code, std::size_t)>(
        [this](auto handler, const Buffers& to) {
          if (tls_ == nullptr) {
            return socket_.async_read_some(to, std::move(handler));
          }
          boost::asio::async_compose<decltype(handler),
                                     void(Code, std::size_t)>(
              ReadOperation<Buffers>{*this, to}, handler, socket_);
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(Code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          if (tls_ == nullptr) {
            return socket_.async_write_some(from, std::move(handler));
          }
          boost::asio::async_compose<decltype(handler),
                                     void(Code, std::size_t)>(
              WriteOperation<Buffers>{*this, from}, handler, socket_);
        },
        token, buffers);
  }

 private:
  // What both directions have in common: try, wait for the socket, try again.
  // A handler is never called by the function that was given it.
  template <typename Derived>
  struct Operation {
    template <typename Self>
    void operator()(Self& self, Code error = {}) {
      using Status = TlsSession::Status;
      auto& derived = static_cast<Derived&>(*this);
      if (ready) return self.complete(result, derived.count);
      if (error) return self.complete(error, derived.count);
      // Closed at a deadline between two steps.
      const Status status =
          derived.stream.socket_.is_open() ? derived.Try() : Status::kEnded;
      if (status == Status::kWantRead || status == Status::kWantWrite) {
        Socket& socket = derived.stream.socket_;
        const auto what = status == Status::kWantRead ? Socket::wait_read
                                                      : Socket::wait_write;
        waited = true;
        return socket.async_wait(what, std::move(self));
      }
      if (status == Status::kEnded) result = boost::asio::error::eof;
      if (status == Status::kFailed) {
        result = boost::asio::error::connection_aborted;
      }
      if (waited) return self.complete(result, derived.count);
      ready = true;
      boost::asio::post(derived.stream.get_executor(), std::move(self));
    }
    bool waited = false;
    bool ready = false;
    Code result = {};
  };

  template <typename Buffers>
  struct ReadOperation : Operation<ReadOperation<Buffers>> {
    ReadOperation(Stream& on, const Buffers& to) : stream(on), buffers(to) {}

    TlsSession::Status Try() {
      const auto end = boost::asio::buffer_sequence_end(buffers);
      for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end;
           ++at) {
        const boost::asio::mutable_buffer buffer(*at);
        if (buffer.size() == 0) continue;
        return stream.tls_->Read(buffer.data(), buffer.size(), count);
      }
      return TlsSession::Status::kDone;
    }
    Stream& stream;
    Buffers buffers;
    std::size_t count = 0;
  };

  // Writes all of the buffers, so that what TLS has begun with is never taken
  // away from it. Asio's async_write hands over at most 64 kB at a time.
  template <typename Buffers>
  struct WriteOperation : Operation<WriteOperation<Buffers>> {
    WriteOperation(Stream& on, const Buffers& from)
        : stream(on), buffers(from) {}

    TlsSession::Status Try() {
      const auto end = boost::asio::buffer_sequence_end(buffers);
      const std::size_t total = boost::asio::buffer_size(buffers);
      std::size_t before = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end;
           ++at) {
        const boost::asio::const_buffer buffer(*at);
        const std::size_t after = before + buffer.size();
        while (count < after) {
          std::size_t written = 0;
          // What is left may be empty: nothing would follow.
          const auto status = stream.tls_->Write(
              static_cast<const char*>(buffer.data()) + (count - before),
              after - count, after < total, written);
          if (status != TlsSession::Status::kDone) return status;
          count += written;
        }
        before = after;
      }
      return TlsSession::Status::kDone;
    }
    Stream& stream;
    Buffers buffers;
    std::size_t count = 0;
  };

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;  // refers to the socket
};

}  // namespace ta
