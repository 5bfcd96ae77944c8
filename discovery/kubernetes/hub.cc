#include "discovery/kubernetes/hub.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cassert>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <tuple>
#include <utility>

#include "allocator/base/log.h"
#include "allocator/base/thread.h"
#include "discovery/http_url.h"
#include "discovery/kubernetes/client.h"
#include "discovery/kubernetes/filler.h"
#include "discovery/kubernetes/lister_watcher.h"

namespace ta::kubernetes {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr std::chrono::seconds kStatusWait{1};
// How long one problem stands in the log.
constexpr std::chrono::minutes kSayAgain{10};
// ReflectorRunner::Stop promises a second.
constexpr std::chrono::milliseconds kEndWait{1500};

}  // namespace

struct Hub::Impl {
  explicit Impl(HubOptions with) : options(std::move(with)) {
    if (!options.places.get_env) {
      options.places.get_env = [](const char* name) {
        return std::getenv(name);
      };
    }
    options.reflector.seed = std::random_device()();
  }
  ~Impl() {
    if (!thread.joinable()) return;
    work.reset();
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, kEndWait, [&] { return ended; })) loop.stop();
    lock.unlock();
    thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void EnsureStarted();
  bool IsOnThread() const { return std::this_thread::get_id() == thread_id; }
  // The rest is for the thread.
  Result<std::shared_ptr<Connection>> Connect(const ClientSettings& settings);
  Result<std::shared_ptr<ListerWatcher>> MakeLister(
      const ClientSettings& settings);
  // Logs it, unless another session has said the same a while ago.
  void Say(const std::string& problem);
  std::string NameOfServer(const std::string& server) const;
  Status StatusNow() const;

  HubOptions options;
  StageStats stage;
  asio::io_context loop{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>>
      work;

  // Confined to the thread.
  std::vector<std::weak_ptr<Connection>> connections;
  std::map<std::string, TimePoint> said;  // problems in the log
  const std::shared_ptr<WatchTotals> totals = std::make_shared<WatchTotals>();

  std::mutex mutex;  // guards what follows, but for a thread that has begun
  std::condition_variable changed;
  bool started = false;
  bool ended = false;
  std::shared_ptr<const Status> told = std::make_shared<Status>();
  std::thread thread;
  std::atomic<std::thread::id> thread_id{};
};

void Hub::Impl::EnsureStarted() {
  const std::lock_guard lock(mutex);
  if (std::exchange(started, true)) return;
  work.emplace(loop.get_executor());
  thread = StartThread("kubernetes", [this] {
    thread_id = std::this_thread::get_id();
    loop.run();
    const std::lock_guard ending(mutex);
    ended = true;
    changed.notify_all();
  });
}

Result<std::shared_ptr<ListerWatcher>> Hub::Impl::MakeLister(
    const ClientSettings& settings) {
  if (options.make_lister) {
    auto made = options.make_lister(settings);
    if (!made) return std::unexpected(std::move(made.error()));
    return std::shared_ptr<ListerWatcher>(*std::move(made));
  }
  auto client = ApiClient::Make(loop.get_executor(), settings,
                                {.version = options.version});
  if (!client) return std::unexpected(std::move(client.error()));
  return MakeListerWatcher(*std::move(client), kWatchIdle, &stage);
}

void Hub::Impl::Say(const std::string& problem) {
  const TimePoint now = std::chrono::steady_clock::now();
  std::erase_if(said,
                [&](const auto& one) { return now - one.second > kSayAgain; });
  if (!said.emplace(problem, now).second) return;
  Log(Level::kWarn, "no Kubernetes cluster to look at, trying again",
      {{"err", problem}});
}

// Without its path, which may be a secret of a proxy's.
std::string Hub::Impl::NameOfServer(const std::string& server) const {
  const auto url = ParseHttpUrl(server);
  const std::string name = url ? url->Authority() : "";
  const auto is_taken = [&](const std::string& wanted) {
    return std::ranges::any_of(connections, [&](const auto& weak) {
      const auto other = weak.lock();
      return other != nullptr && other->server() == wanted;
    });
  };
  std::string numbered = name;
  for (int i = 2; is_taken(numbered); ++i) {
    numbered = name + "#" + std::to_string(i);
  }
  return numbered;
}

Result<std::shared_ptr<Connection>> Hub::Impl::Connect(
    const ClientSettings& settings) {
  std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : connections) {
    auto connection = weak.lock();
    if (connection->settings() == settings) return connection;
  }
  auto lister = MakeLister(settings);
  if (!lister) return std::unexpected(std::move(lister.error()));
  ReflectorOptions reflector = options.reflector;
  // Fillers of a connection add their own numbers.
  options.reflector.seed += 1'000'003;
  auto connection = std::make_shared<Connection>(
      settings, NameOfServer(settings.server),
      MakeFillers(loop.get_executor(), *std::move(lister), reflector, totals),
      [this](std::function<void()> task) {
        asio::post(loop, std::move(task));
      });
  Log(Level::kInfo, "looking at a Kubernetes cluster",
      {{"server", connection->server()}});
  connections.push_back(connection);
  return connection;
}

Hub::Status Hub::Impl::StatusNow() const {
  Status status;
  status.totals = *totals;
  for (const auto& weak : connections) {
    const auto connection = weak.lock();
    if (connection == nullptr) continue;
    ++status.connections;
    std::ranges::move(connection->Watches(std::chrono::steady_clock::now()),
                      std::back_inserter(status.watches));
  }
  std::ranges::sort(status.watches, {}, [](const WatchStatus& watch) {
    return std::tie(watch.server, watch.scope);
  });
  return status;
}

// Shared with what the thread is yet to do.
struct Hub::Session::State : std::enable_shared_from_this<State> {
  State(Impl& hub, ClusterSource source, MakeUser make, OnProblem on_problem)
      : hub(hub),
        source(std::move(source)),
        make(std::move(make)),
        on_problem(std::move(on_problem)),
        timer(hub.loop),
        wait(hub.options.first_retry) {}

  Result<void> Try();
  void Attempt();
  void End();

  Impl& hub;

  // Confined to the thread.
  const ClusterSource source;
  MakeUser make;
  OnProblem on_problem;
  asio::steady_timer timer;
  Duration wait;
  bool ended = false;
  std::string problem;
  std::shared_ptr<Connection> connection;
  User user;  // goes before the connection

  std::once_flag closed;
};

Result<void> Hub::Session::State::Try() {
  const auto settings = SettingsOf(source, hub.options.places);
  if (!settings) return std::unexpected(settings.error());
  auto connected = hub.Connect(*settings);
  if (!connected) return std::unexpected(std::move(connected.error()));
  auto made = make(**connected);
  if (!made) return std::unexpected(std::move(made.error()));
  connection = *std::move(connected);
  user = *std::move(made);
  return {};
}

void Hub::Session::State::Attempt() {
  if (ended) return;
  const auto tried = Try();
  if (tried) {
    if (!problem.empty()) on_problem("");
    return;
  }
  timer.expires_after(wait);
  timer.async_wait([self = shared_from_this()](
                       const boost::system::error_code&) { self->Attempt(); });
  wait = std::min(2 * wait, hub.options.longest_retry);
  if (tried.error().message == problem) return;
  problem = tried.error().message;
  hub.Say(problem);
  on_problem(problem);
}

void Hub::Session::State::End() {
  ended = true;
  timer.cancel();
  user.reset();
  connection.reset();
  make = nullptr;
  on_problem = nullptr;
}

Hub::Session::Session(std::shared_ptr<State> state)
    : state_(std::move(state)) {}

Hub::Session::~Session() { Close(); }

void Hub::Session::Close() {
  assert(!state_->hub.IsOnThread());
  std::call_once(state_->closed, [&] {
    // Shared: the thread may still be in set_value when the wait is over.
    const auto done = std::make_shared<std::promise<void>>();
    asio::post(state_->hub.loop, [state = state_, done] {
      state->End();
      done->set_value();
    });
    done->get_future().wait();
  });
}

Hub::Hub(HubOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

Hub::~Hub() = default;

std::unique_ptr<Hub::Session> Hub::Open(ClusterSource source, MakeUser make,
                                        OnProblem on_problem) {
  impl_->EnsureStarted();
  auto state = std::make_shared<Session::State>(
      *impl_, std::move(source), std::move(make), std::move(on_problem));
  asio::post(impl_->loop, [state] { state->Attempt(); });
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

StageStats& Hub::stage() { return impl_->stage; }

const StageStats& Hub::stage() const { return impl_->stage; }

Hub::Status Hub::status() const {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->started) return {};
  }
  const auto done = std::make_shared<std::promise<void>>();
  asio::post(impl_->loop, [impl = impl_.get(), done] {
    auto now = std::make_shared<const Status>(impl->StatusNow());
    const std::lock_guard lock(impl->mutex);
    impl->told.swap(now);
    done->set_value();
  });
  done->get_future().wait_for(kStatusWait);
  const std::lock_guard lock(impl_->mutex);
  return *impl_->told;
}

}  // namespace ta::kubernetes
