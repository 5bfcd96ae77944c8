// From a listen address to a listening socket.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// "host:port", ":port", "[v6]:port", as Go's net.Listen takes them.
struct ListenAddress {
  std::string host;  // "": every address
  std::string port;  // a number from 0 to 65535
};
Result<ListenAddress> ParseListenAddress(std::string_view text);

// Without a host: one socket for IPv6 and IPv4, for IPv4 alone where IPv6 is
// off. With one: its first address that can be bound.
Result<boost::asio::ip::tcp::acceptor> Listen(boost::asio::io_context& context,
                                              const ListenAddress& address);

}  // namespace ta
