#include "discovery/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "allocator/base/thread.h"

namespace ta {
namespace {

// An event that waits until its file has settled.
struct Pending {
  TimePoint first;  // of the first event
  TimePoint due;
};

struct Client {
  FileWatch::Id id = 0;
  FileWatch::Work work;
  // What follows is confined to the watch's thread.
  TimePoint next;  // when to run without a hint; the epoch: at once
  std::optional<Pending> everything;
  std::map<std::string, Pending> pending;  // by path
  bool way_changed = false;                // to one of its paths
};

}  // namespace

class FileWatch::Impl {
 public:
  explicit Impl(Options options)
      : options_(options),
        directories_(options.use_inotify),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    errors_ = directories_.errors();
    thread_ = StartThread<std::jthread>("file-watch", [this] { Run(); });
  }

  ~Impl() {
    Stop();
    ::close(wake_);
  }

  Id Add(Work work) {
    auto client = std::make_shared<Client>();
    client->work = std::move(work);
    const std::lock_guard lock(mutex_);
    client->id = ++last_id_;
    nudged_.insert(client->id);
    clients_.emplace(client->id, client);
    clients_changed_ = true;
    Wake();
    return client->id;
  }

  void Nudge(Id id) {
    const std::lock_guard lock(mutex_);
    nudged_.insert(id);
    Wake();
  }

  void Remove(Id id) {
    std::unique_lock lock(mutex_);
    if (clients_.erase(id) == 0) return;
    clients_changed_ = true;
    removed_.push_back(id);
    Wake();
    idle_.wait(lock, [&] { return running_ != id; });
  }

  void SetPaths(Id id, const WatchedPaths& paths) {
    directories_.Set(id, paths);
    PollIfNeeded(id);
    PublishStats();
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      Wake();
    }
    const std::lock_guard lock(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  Stats stats() const {
    return {watched_.load(), polled_.load(), errors_.load()};
  }

 private:
  using Clients = std::map<Id, std::shared_ptr<Client>>;

  void Wake() {
    const std::uint64_t one = 1;
    // Can only fail if the counter is full, and then the thread is awake.
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  void Run() {
    TimePoint next;   // the epoch: don't wait
    Clients clients;  // a copy, as a client may be removed meanwhile
    for (;;) {
      Wait(next);
      const TimePoint now = std::chrono::steady_clock::now();
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        for (const Id id : removed_) directories_.Drop(id);
        removed_.clear();
        if (std::exchange(clients_changed_, false)) clients = clients_;
        for (const Id id : nudged_) {
          if (clients.contains(id)) {
            clients.at(id)->everything = Pending{now, now};
          }
        }
        nudged_.clear();
      }
      directories_.ReadEvents([&](const PathEvent& event) {
        const auto it = clients.find(event.owner);
        if (it != clients.end()) Note(*it->second, event, now);
      });
      Poll(clients, now);
      PublishStats();
      for (const auto& [id, client] : clients) {
        if (std::exchange(client->way_changed, false)) {
          directories_.Rewalk(id);
          PollIfNeeded(id);
        }
        if (MayBeDue(*client, now)) RunIfDue(client);
      }
      PublishStats();
      next = NextDue(clients);
    }
  }

  // Until an event, a call of Wake, or `next`.
  void Wait(TimePoint next) {
    // A negative descriptor is ignored by ppoll.
    std::array<pollfd, 2> fds = {
        {{wake_, POLLIN, 0}, {directories_.fd(), POLLIN, 0}}};
    timespec timeout{};
    if (next != TimePoint::max()) {
      const Duration wait =
          std::max(Duration::zero(), next - std::chrono::steady_clock::now());
      const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
      timeout.tv_sec = seconds.count();
      timeout.tv_nsec = std::chrono::nanoseconds(wait - seconds).count();
    }
    ::ppoll(fds.data(), fds.size(),
            next == TimePoint::max() ? nullptr : &timeout, nullptr);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(wake_, &count, sizeof count);
  }

  TimePoint NextDue(const Clients& clients) const {
    TimePoint next = poll_at_;
    for (const auto& [id, client] : clients) {
      next = std::min(next, client->next);
      if (client->everything) next = std::min(next, client->everything->due);
      for (const auto& [path, pending] : client->pending) {
        next = std::min(next, pending.due);
      }
    }
    return next;
  }

  void Note(Client& client, const PathEvent& event, TimePoint now) {
    if (event.way_changed) client.way_changed = true;
    if (event.path.empty() && !client.everything) {
      client.everything = Pending{now, now};
    }
    Pending& pending =
        event.path.empty()
            ? *client.everything
            : client.pending.try_emplace(event.path, now, now).first->second;
    if (event.settled) {
      pending.due = now;
    } else if (event.open) {
      pending.due = std::min(now + options_.open_settle,
                             pending.first + options_.max_open_settle);
    } else {
      pending.due =
          std::min(now + options_.settle, pending.first + options_.max_settle);
    }
  }

  void PollIfNeeded(Id id) {
    if (directories_.MustPoll(id) && poll_at_ == TimePoint::max()) {
      poll_at_ = std::chrono::steady_clock::now() + options_.poll_interval;
    }
  }

  // Tells the clients that inotify doesn't serve to look again.
  void Poll(const Clients& clients, TimePoint now) {
    if (poll_at_ == TimePoint::max()) return;  // nobody, by PollIfNeeded
    const bool due = poll_at_ <= now;
    std::uint64_t polled = 0;
    for (const auto& [id, client] : clients) {
      if (!directories_.MustPoll(id)) continue;
      ++polled;
      if (!due) continue;
      client->everything = Pending{now, now};
      client->way_changed = true;  // perhaps it can be watched now
    }
    polled_ = polled;
    if (polled == 0) {
      poll_at_ = TimePoint::max();
    } else if (due) {
      poll_at_ = now + options_.poll_interval;
    }
  }

  // Without a look at the clock, of which thousands would be felt.
  static bool MayBeDue(const Client& client, TimePoint now) {
    return client.everything || !client.pending.empty() || client.next <= now;
  }

  void RunIfDue(const std::shared_ptr<Client>& client) {
    const TimePoint now = std::chrono::steady_clock::now();
    Hints hints;
    if (client->everything && client->everything->due <= now) {
      hints.everything = true;
      client->everything.reset();
    }
    for (auto it = client->pending.begin(); it != client->pending.end();) {
      if (it->second.due <= now) {
        hints.paths.insert(it->first);
        it = client->pending.erase(it);
      } else {
        hints.unsettled.insert(it->first);
        ++it;
      }
    }
    if (!hints.everything && hints.paths.empty() && client->next > now) return;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || !clients_.contains(client->id)) return;
      running_ = client->id;
    }
    client->next = client->work(hints);
    const std::lock_guard lock(mutex_);
    running_ = 0;
    idle_.notify_all();
  }

  void PublishStats() {
    watched_ = directories_.size();
    errors_ = directories_.errors();
  }

  const Options options_;
  DirectoryWatches directories_;          // confined to the thread
  TimePoint poll_at_ = TimePoint::max();  // confined to the thread
  const int wake_;                        // an eventfd
  std::atomic<std::uint64_t> watched_{0}, polled_{0}, errors_{0};

  std::mutex mutex_;  // guards what follows, up to the blank line
  std::condition_variable idle_;
  Clients clients_;
  bool clients_changed_ = false;  // since the thread took its copy
  std::vector<Id> removed_;       // whose directories are still watched
  std::set<Id> nudged_;
  Id last_id_ = 0;
  Id running_ = 0;  // whose work is running, 0 for none
  bool stopping_ = false;

  std::mutex join_mutex_;  // guards thread_
  std::jthread thread_;    // last: it uses all of the above
};

FileWatch::FileWatch(Options options)
    : impl_(std::make_unique<Impl>(options)) {}
FileWatch::FileWatch() : FileWatch(Options()) {}
FileWatch::~FileWatch() { Stop(); }

FileWatch::Id FileWatch::Add(Work work) { return impl_->Add(std::move(work)); }
void FileWatch::Nudge(Id id) { impl_->Nudge(id); }
void FileWatch::Remove(Id id) { impl_->Remove(id); }
void FileWatch::SetPaths(Id id, const WatchedPaths& paths) {
  impl_->SetPaths(id, paths);
}
void FileWatch::Stop() { impl_->Stop(); }
FileWatch::Stats FileWatch::stats() const { return impl_->stats(); }

}  // namespace ta
