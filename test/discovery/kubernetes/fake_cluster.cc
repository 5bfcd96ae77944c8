#include "test/discovery/kubernetes/fake_cluster.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "discovery/async_wait.h"
#include "test/discovery/kubernetes/read_objects.h"
#include "test/discovery/support.h"

namespace ta::test {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

using kubernetes::Answer;
using kubernetes::ListOptions;
using kubernetes::ListPage;
using kubernetes::NoAnswer;
using kubernetes::Resource;
using kubernetes::Scope;
using kubernetes::WatchOptions;

class FakeLister final : public kubernetes::ListerWatcher {
 public:
  explicit FakeLister(FakeCluster& cluster) : cluster_(cluster) {
    cluster_.Change([](auto& counts) { ++counts.listers; });
  }
  ~FakeLister() override {
    cluster_.Change([](auto& counts) { --counts.listers; });
  }
  FakeLister(const FakeLister&) = delete;
  FakeLister& operator=(const FakeLister&) = delete;

  Awaitable<Answer<ListPage>> List(Scope scope, ListOptions,
                                   std::stop_token stop) override {
    cluster_.Change([](auto& counts) { ++counts.lists; });
    const FakeCluster::Mood mood = Mood();
    if (mood == FakeCluster::Mood::kSilent) co_await Wait(stop);
    if (mood != FakeCluster::Mood::kWell) {
      co_return std::unexpected(NoAnswer("list pods: connection refused"));
    }
    const std::lock_guard lock(cluster_.mutex_);
    std::string items;
    for (const auto& [key, json] : cluster_.pods_) {
      const bool seen =
          scope.ns.empty() || key.substr(0, key.find('/')) == scope.ns;
      if (seen) items += (items.empty() ? "" : ",") + json;
    }
    auto page = kubernetes::ParseList(
        Resource::kPods,
        R"({"kind":"PodList","metadata":{"resourceVersion":")" +
            std::to_string(cluster_.version_) + R"("},"items":[)" + items +
            "]}");
    co_return *std::move(page);
  }

  Awaitable<Answer<void>> Watch(Scope scope, WatchOptions, OnEvent on_event,
                                std::stop_token stop) override {
    const auto watching = std::make_shared<FakeCluster::Watching>();
    watching->executor = co_await asio::this_coro::executor;
    watching->scope = std::move(scope);
    watching->on_event = std::move(on_event);
    if (Mood() == FakeCluster::Mood::kUnreachable) {
      co_return std::unexpected(NoAnswer("watch pods: connection refused"));
    }
    {
      const std::lock_guard lock(cluster_.mutex_);
      cluster_.watching_.push_back(watching);
    }
    cluster_.Change([](auto& counts) { ++counts.watches; });
    const std::stop_callback pass(stop, [&] { watching->over.request_stop(); });
    co_await Wait(watching->over.get_token());
    watching->on_event = nullptr;
    co_return std::unexpected(NoAnswer("watch pods: connection reset"));
  }

 private:
  FakeCluster::Mood Mood() const {
    const std::lock_guard lock(cluster_.mutex_);
    return cluster_.mood_;
  }
  Awaitable<void> Wait(std::stop_token stop) {
    const auto executor = co_await asio::this_coro::executor;
    cluster_.Change([](auto& counts) { ++counts.waiting; });
    co_await WaitUntil(executor, TimePoint::max(), stop);
    cluster_.Change([](auto& counts) { --counts.waiting; });
  }

  FakeCluster& cluster_;
};

std::unique_ptr<kubernetes::ListerWatcher> FakeCluster::MakeLister() {
  return std::make_unique<FakeLister>(*this);
}

kubernetes::HubOptions FakeCluster::HubOptions() {
  kubernetes::HubOptions options;
  options.first_retry = options.longest_retry = std::chrono::milliseconds(1);
  options.reflector.streaming_lists = false;
  options.reflector.first_backoff = std::chrono::milliseconds(1);
  options.reflector.longest_backoff = std::chrono::milliseconds(5);
  options.places.get_env = [](const char*) -> const char* { return nullptr; };
  options.make_lister = [this](const kubernetes::ClientSettings&) {
    return MakeLister();
  };
  return options;
}

void FakeCluster::Set(Mood mood) {
  const std::lock_guard lock(mutex_);
  mood_ = mood;
}

void FakeCluster::Put(const std::string& ns, const std::string& name,
                      const std::string& ip) {
  Tell("ADDED", ns + "/" + name,
       R"("spec":{"nodeName":"n","containers":[{"name":"c"}]},)"
       R"("status":{"phase":"Running","podIP":")" +
           ip + "\"}");
}

void FakeCluster::PutBad(const std::string& ns, const std::string& name) {
  Tell("ADDED", ns + "/" + name, R"("spec":{"nodeName":7})");
}

void FakeCluster::Delete(const std::string& ns, const std::string& name) {
  Tell("DELETED", ns + "/" + name, R"("spec":{})");
}

void FakeCluster::Tell(const std::string& type, const std::string& key,
                       const std::string& rest) {
  const std::lock_guard lock(mutex_);
  const std::string ns = key.substr(0, key.find('/'));
  const std::string json = R"({"metadata":{"namespace":")" + ns +
                           R"(","name":")" + key.substr(ns.size() + 1) +
                           R"(","resourceVersion":")" +
                           std::to_string(++version_) + "\"}," + rest + "}";
  if (type == "DELETED") {
    pods_.erase(key);
  } else {
    pods_[key] = json;
  }
  const auto event = ReadEvent(
      Resource::kPods, R"({"type":")" + type + R"(","object":)" + json + "}");
  for (const auto& weak : watching_) {
    const auto watching = weak.lock();
    if (watching == nullptr) continue;
    if (!watching->scope.ns.empty() && watching->scope.ns != ns) continue;
    asio::post(watching->executor, [weak, event] {
      const auto still = weak.lock();
      if (still != nullptr && still->on_event) still->on_event(event);
    });
  }
}

void FakeCluster::Cut() {
  const std::lock_guard lock(mutex_);
  for (const auto& weak : std::exchange(watching_, {})) {
    const auto watching = weak.lock();
    if (watching == nullptr) continue;
    asio::post(watching->executor,
               [watching] { watching->over.request_stop(); });
  }
}

void FakeCluster::Change(const std::function<void(Counts&)>& change) {
  const std::lock_guard lock(mutex_);
  change(counts_);
  changed_.notify_all();
}

FakeCluster::Counts FakeCluster::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool FakeCluster::WaitFor(
    const std::function<bool(const Counts&)>& wanted) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kDeadline, [&] { return wanted(counts_); });
}

}  // namespace ta::test
