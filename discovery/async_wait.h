// Waiting in a coroutine that ends at once when it is told to stop.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"

namespace ta {

// In all of the HTTP client a stop is asked for on the thread (or strand) that
// the coroutine runs on; the coroutine then goes on soon, not within the call.

// True once it is `until`; false if stopped before.
boost::asio::awaitable<bool> WaitUntil(boost::asio::any_io_executor executor,
                                       TimePoint until, std::stop_token stop);

// The addresses of a name, in the order to try them; of an address, itself. A
// lookup that takes longer goes on without us, in a thread of its own: neither
// a stop nor the end of the program waits for a dead name server. The error is
// kRetry: "no such host", "timed out", "stopped".
boost::asio::awaitable<Result<std::vector<boost::asio::ip::tcp::endpoint>>>
ResolveHost(boost::asio::any_io_executor executor, std::string host,
            std::uint16_t port, TimePoint deadline, std::stop_token stop);

}  // namespace ta
