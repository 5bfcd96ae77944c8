// A server on loopback with one collector, job and target, and clients for it.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "api/server.h"
#include "test/api/raw_client.h"
#include "test/support/snapshot_builder.h"

namespace ta::test {

inline constexpr const char* kTargets = "/jobs/web/targets?collector_id=c";
// The header that makes a request a scraper's.
inline constexpr const char* kScraper =
    "X-Prometheus-Refresh-Interval-Seconds: 30\r\n";

// A world in which the answer to kTargets is 20 MB: far more than the kernel's
// buffers of a connection on loopback take.
inline std::shared_ptr<const Snapshot> LargeWorld() {
  SnapshotBuilder builder;
  builder.Member("c").Job("web");
  const std::string filler(100'000, 'x');
  for (int i = 0; i < 200; ++i) {
    builder.Target("web", "c",
                   {{"__address__", "a:" + std::to_string(i)}, {"f", filler}});
  }
  return builder.Build();
}

// Options may be changed until Start.
class ServerFixture : public testing::Test {
 protected:
  ServerFixture() {
    SnapshotBuilder builder;
    builder.Member("c").Job("web");
    builder.Target("web", "c", {{"__address__", "a:1"}});
    snapshots_.Set(builder.Build());
    options_.listen_addr = "127.0.0.1:0";
    options_.threads = 2;
    options_.tick = std::chrono::milliseconds(5);
  }

  void Start() {
    server_ = std::make_unique<Server>(options_, snapshots_, callbacks_);
    const auto started = server_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  // Ends before what a derived fixture lends it.
  void TearDown() override { server_.reset(); }
  // To the plain port.
  RawClient Connect() const { return RawClient(server_->port()); }
  // The answer to a GET on a connection of its own.
  std::string Ask(std::string_view target,
                  std::string_view headers = "") const {
    RawClient client = Connect();
    client.Get(target, headers);
    return client.ReadAnswer();
  }

  SnapshotHolder snapshots_;
  ServerOptions options_;
  ServerCallbacks callbacks_;
  std::unique_ptr<Server> server_;
};

}  // namespace ta::test
