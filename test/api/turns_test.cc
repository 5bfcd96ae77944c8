#include "api/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>
#include <vector>

namespace ta {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

asio::awaitable<void> TakeOne(Turns& turns, std::function<void()> run) {
  co_await turns.Take();
  run();
  turns.Give();
}

class TurnsTest : public testing::Test {
 protected:
  void Ask(std::string name, std::function<void()> also = [] {}) {
    asio::co_spawn(context_,
                   TakeOne(turns_,
                           [this, name, also] {
                             order_.push_back(name);
                             also();
                           }),
                   asio::detached);
  }

  asio::io_context context_{1};
  Turns turns_{context_};
  std::vector<std::string> order_;
};

TEST_F(TurnsTest, AreInOrderOfAsking) {
  for (const char* name : {"a", "b", "c", "d"}) Ask(name);
  context_.run();
  EXPECT_THAT(order_, ElementsAre("a", "b", "c", "d"));
}

TEST_F(TurnsTest, WhatIsReadyRunsBetweenTwo) {
  Ask("a", [this] {
    asio::post(context_, [this] { order_.emplace_back("ready"); });
  });
  Ask("b");
  context_.run();
  EXPECT_THAT(order_, ElementsAre("a", "ready", "b"));
}

// A request that arrives while many wait is seen after one or two of them.
TEST_F(TurnsTest, ASocketThatBecomesReadyIsSeenBetweenThem) {
  asio::local::stream_protocol::socket ours(context_);
  asio::local::stream_protocol::socket theirs(context_);
  asio::local::connect_pair(ours, theirs);
  std::size_t turns_before = 0;
  ours.async_wait(
      asio::local::stream_protocol::socket::wait_read,
      [&](boost::system::error_code) { turns_before = order_.size(); });
  Ask("first", [&] { asio::write(theirs, asio::buffer("x", 1)); });
  for (int i = 0; i < 100; ++i) Ask("another");
  context_.run();
  EXPECT_EQ(order_.size(), 101u);
  EXPECT_GE(turns_before, 1u);
  EXPECT_LE(turns_before, 3u);
}

TEST_F(TurnsTest, GoOnAfterNobodyWaited) {
  Ask("a");
  context_.run();
  context_.restart();
  Ask("b");
  context_.run();
  EXPECT_THAT(order_, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace ta
