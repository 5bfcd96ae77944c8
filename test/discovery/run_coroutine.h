// Runs one coroutine on a loop of its own, or of the test, to its end.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ta::test {

// REQUIRES: it ends within a minute; what else is on the loop runs meanwhile.
template <typename T>
T RunOn(boost::asio::io_context& loop, boost::asio::awaitable<T> coroutine) {
  std::optional<T> result;
  boost::asio::co_spawn(loop, std::move(coroutine),
                        [&](std::exception_ptr thrown, T value) {
                          if (thrown) std::rethrow_exception(thrown);
                          result = std::move(value);
                        });
  loop.restart();
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!result && std::chrono::steady_clock::now() < until) {
    loop.run_one_until(until);
  }
  if (!result) throw std::runtime_error("the coroutine hangs");
  return *std::move(result);
}

}  // namespace ta::test
