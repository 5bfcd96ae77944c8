#include "api/server.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "api/acceptor.h"
#include "api/limits.h"
#include "api/worker.h"

namespace ta {
namespace {

constexpr std::size_t kOtherFiles = 256;
constexpr std::size_t kMostConnections = 200'000;

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, SnapshotHolder& snapshots,
       ServerCallbacks callbacks)
      : shared(std::make_shared<ServerShared>(std::move(options), snapshots,
                                              std::move(callbacks))) {}

  Result<void> Start();
  Result<void> Listen(Transport transport, const std::string& address);
  void Stop();

  const std::shared_ptr<ServerShared> shared;
  Acceptor::Workers workers;
  std::vector<std::thread> threads;
  std::size_t max_connections = 0;
  std::vector<std::unique_ptr<Acceptor>> acceptors;  // plain, then TLS
};

Result<void> Server::Impl::Start() {
  const std::size_t files = RaiseFileLimit();
  max_connections = shared->options.max_connections;
  if (max_connections == 0) {
    max_connections =
        std::min(files > 2 * kOtherFiles ? files - kOtherFiles : files / 2,
                 kMostConnections);
  }
  const int count =
      shared->options.threads > 0 ? shared->options.threads : AllowedCores();
  for (int i = 0; i < count; ++i) {
    workers.push_back(std::make_shared<Worker>(shared));
  }
  auto listening = Listen(Transport::kPlain, shared->options.listen_addr);
  if (listening && shared->options.https) {
    listening = Listen(Transport::kTls, shared->options.https->listen_addr);
  }
  if (!listening) {
    acceptors.clear();
    workers.clear();
    return listening;
  }
  // It may still be called while Stop takes it away, so it owns what it uses.
  shared->snapshots.OnChange([shared = shared, workers = workers] {
    if (shared->stats.held.load() == 0) return;
    for (const auto& worker : workers) {
      worker->Post([raw = worker.get()] { raw->WakeHeld(); });
    }
  });
  for (const auto& acceptor : acceptors) acceptor->Start();
  for (const auto& worker : workers) {
    threads.emplace_back([worker] { worker->Run(); });
  }
  return {};
}

Result<void> Server::Impl::Listen(Transport transport,
                                  const std::string& address) {
  acceptors.push_back(
      std::make_unique<Acceptor>(*shared, workers, transport, max_connections));
  return acceptors.back()->Listen(address);
}

void Server::Impl::Stop() {
  if (threads.empty()) return;
  shared->snapshots.OnChange(nullptr);
  workers[0]->Post([this] {
    for (const auto& acceptor : acceptors) acceptor->Close();
  });
  for (const auto& worker : workers) {
    worker->Post([raw = worker.get()] { raw->Stop(); });
  }
  for (std::thread& thread : threads) thread.join();
  threads.clear();
}

Server::Server(ServerOptions options, SnapshotHolder& snapshots,
               ServerCallbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(options), snapshots,
                                   std::move(callbacks))) {}

Server::~Server() { Stop(); }

Result<void> Server::Start() { return impl_->Start(); }

std::uint16_t Server::port() const { return impl_->acceptors[0]->port(); }

std::uint16_t Server::https_port() const {
  return impl_->acceptors.size() > 1 ? impl_->acceptors[1]->port() : 0;
}

void Server::UseTls(Result<std::shared_ptr<const ServerTls>> tls) {
  impl_->shared->UseTls(std::move(tls));
}

void Server::Stop() { impl_->Stop(); }

const ServerStats& Server::stats() const { return impl_->shared->stats; }

std::vector<prometheus::MetricFamily> Server::Metrics() const {
  return GatherMetrics(impl_->shared->Sources());
}

}  // namespace ta
