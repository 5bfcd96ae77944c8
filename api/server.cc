#include "api/server.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <string_view>
#include <thread>
#include <vector>

#include "allocator/base/log.h"
#include "api/limits.h"
#include "api/listen.h"
#include "api/worker.h"

namespace ta {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Without free file descriptors, or memory, accepting fails at once and again.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kOtherFiles = 256;
constexpr std::size_t kMostConnections = 200'000;

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 33\r\n"
    "Connection: close\r\n"
    "\r\n"
    "{\"error\":\"too many connections\"}\n";

}  // namespace

// Accepts on the first worker's loop and gives connections to all in turn.
struct Server::Impl {
  Impl(ServerOptions options, SnapshotHolder& snapshots,
       ServerCallbacks callbacks)
      : shared(std::make_shared<ServerShared>(std::move(options), snapshots,
                                              std::move(callbacks))) {}

  Result<void> Start();
  void Stop();
  void Accept();
  void Accepted(const boost::system::error_code& error, tcp::socket socket,
                std::size_t worker);
  void Refuse(tcp::socket socket);

  const std::shared_ptr<ServerShared> shared;
  std::vector<std::shared_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  std::uint16_t port = 0;
  std::size_t max_connections = 0;

  // -- confined to the first worker's thread, once started --
  std::optional<tcp::acceptor> acceptor;
  std::optional<Worker::Timer> pause;
  std::size_t next = 0;
  bool accept_failing = false;
  bool refusing = false;
};

Result<void> Server::Impl::Start() {
  const std::size_t files = RaiseFileLimit();
  max_connections = shared->options.max_connections;
  if (max_connections == 0) {
    max_connections =
        std::min(files > 2 * kOtherFiles ? files - kOtherFiles : files / 2,
                 kMostConnections);
  }
  const auto address = ParseListenAddress(shared->options.listen_addr);
  if (!address) return std::unexpected(address.error());
  const int count =
      shared->options.threads > 0 ? shared->options.threads : AllowedCores();
  for (int i = 0; i < count; ++i) {
    workers.push_back(std::make_shared<Worker>(shared));
  }
  auto listening = Listen(workers[0]->context(), *address);
  if (!listening) {
    workers.clear();
    return std::unexpected(
        std::move(listening.error())
            .Within("listen on " + shared->options.listen_addr));
  }
  acceptor.emplace(*std::move(listening));
  pause.emplace(workers[0]->context());
  boost::system::error_code ignored;
  port = acceptor->local_endpoint(ignored).port();
  // It may still be called while Stop takes it away, so it owns what it uses.
  shared->snapshots.OnChange([shared = shared, workers = workers] {
    if (shared->stats.held.load() == 0) return;
    for (const auto& worker : workers) {
      worker->Post([raw = worker.get()] { raw->WakeHeld(); });
    }
  });
  Accept();
  for (const auto& worker : workers) {
    threads.emplace_back([worker] { worker->Run(); });
  }
  return {};
}

void Server::Impl::Stop() {
  if (threads.empty()) return;
  shared->snapshots.OnChange(nullptr);
  workers[0]->Post([this] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
    pause->cancel();
  });
  for (const auto& worker : workers) {
    worker->Post([raw = worker.get()] { raw->Stop(); });
  }
  for (std::thread& thread : threads) thread.join();
  threads.clear();
}

void Server::Impl::Accept() {
  const std::size_t worker = next++ % workers.size();
  acceptor->async_accept(workers[worker]->context(),
                         [this, worker](const boost::system::error_code& error,
                                        tcp::socket socket) {
                           Accepted(error, std::move(socket), worker);
                         });
}

void Server::Impl::Accepted(const boost::system::error_code& error,
                            tcp::socket socket, std::size_t worker) {
  if (!acceptor->is_open()) return;
  ServerStats& stats = shared->stats;
  if (error) {
    stats.accept_failures.fetch_add(1, std::memory_order_relaxed);
    // The client was gone already.
    if (error == asio::error::connection_aborted) return Accept();
    if (!accept_failing) {
      Log(Level::kWarn, "cannot accept connections, trying again",
          {{"err", error.message()},
           {"connections", stats.connections.load()}});
    }
    accept_failing = true;
    pause->expires_after(kAcceptPause);
    pause->async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && acceptor->is_open()) Accept();
    });
    return;
  }
  if (accept_failing) Log(Level::kInfo, "accepting connections again");
  accept_failing = false;
  const auto open = static_cast<std::size_t>(
      std::max<std::int64_t>(stats.connections.load(), 0));
  if (open >= max_connections) {
    Refuse(std::move(socket));
  } else {
    refusing = false;
    stats.accepted.fetch_add(1, std::memory_order_relaxed);
    Worker* const raw = workers[worker].get();
    raw->Post([raw, socket = std::move(socket)]() mutable {
      raw->Adopt(std::move(socket));
    });
  }
  Accept();
}

void Server::Impl::Refuse(tcp::socket socket) {
  shared->stats.refused.fetch_add(1, std::memory_order_relaxed);
  if (!refusing) {
    Log(Level::kWarn, "refusing connections, there are too many",
        {{"limit", max_connections}});
  }
  refusing = true;
  // Best effort: what doesn't fit into an empty socket buffer is lost.
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kTooMany), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

Server::Server(ServerOptions options, SnapshotHolder& snapshots,
               ServerCallbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(options), snapshots,
                                   std::move(callbacks))) {}

Server::~Server() { Stop(); }

Result<void> Server::Start() { return impl_->Start(); }

std::uint16_t Server::port() const { return impl_->port; }

void Server::Stop() { impl_->Stop(); }

const ServerStats& Server::stats() const { return impl_->shared->stats; }

}  // namespace ta
