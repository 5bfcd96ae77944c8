#include "discovery/async_wait.h"

#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace ta {
namespace asio = boost::asio;
using asio::ip::tcp;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

using StopCallback = std::stop_callback<std::function<void()>>;

// What a lookup's thread and the coroutine share. Whoever leaves first leaves
// it to the other.
struct Lookup {
  std::mutex mutex;
  asio::steady_timer* waiting = nullptr;  // null once nobody waits

  // Written by the thread before it wakes the coroutine.
  bool done = false;
  std::string failure;
  std::vector<tcp::endpoint> found;
};

std::vector<tcp::endpoint> EndpointsOf(const addrinfo* list) {
  std::vector<tcp::endpoint> endpoints;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    tcp::endpoint endpoint;
    if (info->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), info->ai_addr, info->ai_addrlen);
    endpoint.resize(info->ai_addrlen);
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

void LookUp(const std::shared_ptr<Lookup>& lookup, const std::string& host,
            const std::string& port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  std::vector<tcp::endpoint> found;
  std::string failure;
  if (status == 0) {
    found = EndpointsOf(list);
    freeaddrinfo(list);
  } else {
    failure = status == EAI_NONAME ? "no such host" : gai_strerror(status);
  }
  const std::lock_guard lock(lookup->mutex);
  lookup->done = true;
  lookup->failure = std::move(failure);
  lookup->found = std::move(found);
  if (lookup->waiting == nullptr) return;
  asio::post(lookup->waiting->get_executor(), [lookup] {
    const std::lock_guard lock(lookup->mutex);
    if (lookup->waiting != nullptr) lookup->waiting->cancel();
  });
}

std::unexpected<Error> Retry(std::string message) {
  return std::unexpected(Error{Error::Code::kRetry, std::move(message)});
}

}  // namespace

asio::awaitable<bool> WaitUntil(asio::any_io_executor executor, TimePoint until,
                                std::stop_token stop) {
  asio::steady_timer timer(executor, until);
  const StopCallback on_stop(stop, [&timer] { timer.cancel(); });
  while (!stop.stop_requested()) {
    const auto [error] = co_await timer.async_wait(kAwait);
    if (!error) co_return !stop.stop_requested();
  }
  co_return false;
}

asio::awaitable<Result<std::vector<tcp::endpoint>>> ResolveHost(
    asio::any_io_executor executor, std::string host, std::uint16_t port,
    TimePoint deadline, std::stop_token stop) {
  boost::system::error_code invalid;
  const auto address = asio::ip::make_address(host, invalid);
  if (!invalid) co_return std::vector{tcp::endpoint(address, port)};
  if (stop.stop_requested()) co_return Retry("stopped");

  asio::steady_timer timer(executor, deadline);
  const auto lookup = std::make_shared<Lookup>();
  lookup->waiting = &timer;
  // Also when the frame is destroyed with its loop.
  const struct Leave {
    Lookup& lookup;
    ~Leave() {
      const std::lock_guard lock(lookup.mutex);
      lookup.waiting = nullptr;
    }
  } leave{*lookup};
  try {
    std::thread([lookup, host, port = std::to_string(port)] {
      LookUp(lookup, host, port);
    }).detach();
  } catch (const std::system_error&) {
    co_return Retry("no thread for the lookup");
  }
  {
    const StopCallback on_stop(stop, [&timer] { timer.cancel(); });
    co_await timer.async_wait(kAwait);
  }
  if (stop.stop_requested()) co_return Retry("stopped");
  const std::lock_guard lock(lookup->mutex);
  if (!lookup->done) co_return Retry("timed out");
  if (!lookup->failure.empty()) co_return Retry(lookup->failure);
  if (lookup->found.empty()) co_return Retry("no such host");
  co_return lookup->found;
}

}  // namespace ta
