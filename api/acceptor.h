// Accepts connections on one port and gives them to the workers in turn. Inside
// api/ only; confined to the first worker's thread once it has started.

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/worker.h"

namespace ta {

class Acceptor {
 public:
  using Workers = std::vector<std::shared_ptr<Worker>>;

  // `shared` and `workers`, of which there is one at least, must outlive it.
  // Above `max_connections` of all ports a new one is refused.
  Acceptor(ServerShared& shared, const Workers& workers, Transport transport,
           std::size_t max_connections);

  // Binds and listens; nobody is accepted yet. The error says what could not be
  // bound.
  Result<void> Listen(const std::string& address);
  // REQUIRES: Listen succeeded
  std::uint16_t port() const { return port_; }
  void Start() { Accept(); }
  void Close();

 private:
  using Socket = boost::asio::ip::tcp::socket;

  void Accept();
  void Accepted(const boost::system::error_code& error, Socket socket,
                std::size_t worker);
  void Refuse(Socket socket);

  ServerShared& shared_;
  const Workers& workers_;
  const Transport transport_;
  const std::size_t max_connections_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Worker::Timer pause_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
  bool failing_ = false;
  bool refusing_ = false;
};

}  // namespace ta
