#include "discovery/file_watch.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/glob.h"
#include "discovery/path_walk.h"

namespace ta {
namespace {

// Of the directory itself.
constexpr std::uint32_t kSelfMask = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// Of what it holds, too.
constexpr std::uint32_t kFullMask = kSelfMask | IN_CREATE | IN_MODIFY |
                                    IN_CLOSE_WRITE | IN_MOVED_TO |
                                    IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
// After these the content is there as its writer wants it.
constexpr std::uint32_t kSettledMask = IN_CLOSE_WRITE | IN_MOVED_TO;
// After these the name means another file, or none.
constexpr std::uint32_t kNameMask =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

std::string ReasonOf(int error) {
  return std::error_code(error, std::generic_category()).message();
}

int OpenInotify() {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) {
    Log(Level::kWarn, "inotify is not available, polling files",
        {{"err", ReasonOf(errno)}});
  }
  return fd;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// An event that waits until its file has settled.
struct Pending {
  TimePoint first;  // of the first event
  TimePoint due;
};

struct WatchedPath {
  std::string path;
  bool pattern = false;   // its last element is one
  std::string directory;  // of a pattern
};

struct Client {
  FileWatch::Id id = 0;
  FileWatch::Work work;
  // What follows is confined to the watch's thread.
  TimePoint next;  // when to run without a hint; the epoch: at once
  std::optional<Pending> everything;
  std::map<std::string, Pending> pending;
  std::vector<WatchedPath> paths;
  std::set<int> watches;
  bool stale = false;   // the way to its paths has changed: walk again
  bool polled = false;  // inotify doesn't see all of it
};

// Why a client is interested in a watched directory.
struct Interest {
  Client* client = nullptr;
  std::size_t path = 0;  // index into client->paths
  PathStep::Kind kind = PathStep::Kind::kFile;
  std::string name;
};

}  // namespace

class FileWatch::Impl {
 public:
  explicit Impl(Options options)
      : options_(options),
        inotify_(options.use_inotify ? OpenInotify() : -1),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (options_.use_inotify && inotify_.get() < 0) ++errors_;
    // Signals are for the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::jthread([this] { Run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "file-watch");
  }

  Id Add(Work work) {
    auto client = std::make_shared<Client>();
    client->work = std::move(work);
    const std::lock_guard lock(mutex_);
    client->id = ++last_id_;
    nudged_.insert(client->id);
    clients_.emplace(client->id, client);
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
    const auto it = clients_.find(id);
    if (it == clients_.end()) return;
    removed_.push_back(it->second);
    clients_.erase(it);
    Wake();
    idle_.wait(lock, [&] { return running_ != id; });
  }

  void SetPaths(Id id, WatchedPaths paths) {
    std::shared_ptr<Client> client;
    {
      const std::lock_guard lock(mutex_);
      const auto it = clients_.find(id);
      if (it == clients_.end()) return;  // being removed
      client = it->second;
    }
    client->paths.clear();
    for (std::string& path : paths.files) {
      client->paths.push_back({std::move(path), false, ""});
    }
    for (std::string& path : paths.patterns) {
      WatchedPath watched{std::move(path), false, ""};
      const std::size_t slash = watched.path.rfind('/');
      const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
      if (HasGlob(std::string_view(watched.path).substr(start))) {
        watched.pattern = true;
        watched.directory = start == 0 ? "." : watched.path.substr(0, start);
      }
      client->paths.push_back(std::move(watched));
    }
    WatchPaths(*client);
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
  void Wake() {
    const std::uint64_t one = 1;
    // Can only fail if the counter is full, and then the thread is awake.
    [[maybe_unused]] const auto written =
        ::write(wake_.get(), &one, sizeof one);
  }

  void Run() {
    TimePoint next;  // the epoch: don't wait
    for (;;) {
      Wait(next);
      std::vector<std::shared_ptr<Client>> clients;
      const TimePoint now = std::chrono::steady_clock::now();
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        for (const auto& client : removed_) Forget(*client);
        removed_.clear();
        clients.reserve(clients_.size());
        for (const auto& [id, client] : clients_) {
          if (nudged_.contains(id)) client->everything = Pending{now, now};
          clients.push_back(client);
        }
        nudged_.clear();
      }
      ReadEvents(now);
      Poll(clients, now);
      for (const auto& client : clients) {
        if (client->stale) WatchPaths(*client);
        RunIfDue(client);
      }
      next = poll_at_;
      for (const auto& client : clients) {
        next = std::min(next, client->next);
        if (client->everything) next = std::min(next, client->everything->due);
        for (const auto& [path, pending] : client->pending) {
          next = std::min(next, pending.due);
        }
      }
    }
  }

  // Until an event, a call of Wake, or `next`.
  void Wait(TimePoint next) {
    std::array<pollfd, 2> fds = {
        {{wake_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
    timespec timeout{};
    if (next != TimePoint::max()) {
      const Duration wait =
          std::max(Duration::zero(), next - std::chrono::steady_clock::now());
      const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
      timeout.tv_sec = seconds.count();
      timeout.tv_nsec = std::chrono::nanoseconds(wait - seconds).count();
    }
    // A negative descriptor is ignored by poll.
    ::ppoll(fds.data(), fds.size(),
            next == TimePoint::max() ? nullptr : &timeout, nullptr);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read =
        ::read(wake_.get(), &count, sizeof count);
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

  // Tells the clients that inotify doesn't serve to look again.
  void Poll(const std::vector<std::shared_ptr<Client>>& clients,
            TimePoint now) {
    const bool due = poll_at_ <= now;
    std::uint64_t polled = 0;
    for (const auto& client : clients) {
      if (!client->polled) continue;
      if (due) {
        client->everything = Pending{now, now};
        client->stale = true;  // perhaps it can be watched now
      }
      ++polled;
    }
    polled_ = polled;
    if (polled == 0) {
      poll_at_ = TimePoint::max();
    } else if (due || poll_at_ == TimePoint::max()) {
      poll_at_ = now + options_.poll_interval;
    }
  }

  // Watches the way to each path of `client`, and no longer what it needs no
  // more.
  void WatchPaths(Client& client) {
    client.stale = false;
    const bool was_polled = std::exchange(client.polled, false);
    std::map<int, std::vector<Interest>> wanted;
    for (std::size_t i = 0; i < client.paths.size(); ++i) {
      const WatchedPath& path = client.paths[i];
      WalkPath(path.path, path.pattern, [&](const PathStep& step) {
        const int watch = AddWatch(client, step, was_polled);
        if (watch < 0) return watch != kGone;
        wanted[watch].push_back({&client, i, step.kind, step.name});
        return true;
      });
    }
    std::set<int> before;
    before.swap(client.watches);
    for (auto& [watch, interests] : wanted) {
      std::erase_if(interests_[watch], [&](const Interest& interest) {
        return interest.client == &client;
      });
      std::ranges::move(interests, std::back_inserter(interests_[watch]));
      client.watches.insert(watch);
      before.erase(watch);
    }
    for (const int watch : before) Release(client, watch);
    watched_ = interests_.size();
    // The polling may have to begin.
    if (client.polled && poll_at_ == TimePoint::max()) {
      poll_at_ = std::chrono::steady_clock::now() + options_.poll_interval;
    }
  }

  static constexpr int kGone = -1;        // there is no such directory
  static constexpr int kNotWatched = -2;  // there is, but it has to be polled

  int AddWatch(Client& client, const PathStep& step, bool was_polled) {
    if (inotify_.get() < 0) {
      client.polled = true;
      return kNotWatched;
    }
    const std::uint32_t mask =
        step.kind == PathStep::Kind::kSelf ? kSelfMask : kFullMask;
    // Two paths to one directory share a watch, so masks are added up.
    const int watch = ::inotify_add_watch(
        inotify_.get(), step.directory.c_str(), mask | IN_MASK_ADD);
    if (watch >= 0) return watch;
    if (errno == ENOENT || errno == ENOTDIR) {
      client.stale = true;  // it has just gone: walk again after this event
      return kGone;
    }
    const std::string reason = ReasonOf(errno);
    if (!client.polled && !was_polled) {
      ++errors_;
      Log(Level::kWarn, "directory can't be watched, polling it",
          {{"directory", step.directory}, {"err", reason}});
    }
    client.polled = true;
    return kNotWatched;
  }

  void Release(Client& client, int watch) {
    const auto it = interests_.find(watch);
    if (it == interests_.end()) return;
    std::erase_if(it->second, [&](const Interest& interest) {
      return interest.client == &client;
    });
    if (!it->second.empty()) return;
    interests_.erase(it);
    ::inotify_rm_watch(inotify_.get(), watch);
  }

  void Forget(Client& client) {
    for (const int watch : std::exchange(client.watches, {})) {
      Release(client, watch);
    }
    watched_ = interests_.size();
  }

  void ReadEvents(TimePoint now) {
    if (inotify_.get() < 0) return;
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    for (;;) {
      const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
      if (size <= 0) return;  // nothing more
      for (ssize_t at = 0; at < size;) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        std::string_view name;
        if (event.len > 0) name = buffer.data() + at + sizeof event;
        OnEvent(event.wd, event.mask, name, now);
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }
  }

  void OnEvent(int watch, std::uint32_t mask, std::string_view name,
               TimePoint now) {
    if ((mask & IN_Q_OVERFLOW) != 0) {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, client] : clients_) {
        client->everything = Pending{now, now};
        client->stale = true;
      }
      return;
    }
    const auto it = interests_.find(watch);
    if (it == interests_.end()) return;  // released with events under way
    for (const Interest& interest : it->second) {
      Client& client = *interest.client;
      const WatchedPath& path = client.paths[interest.path];
      if (name.empty()) {  // the directory itself: moved, deleted, its mode
        client.stale = true;
        Mark(path.pattern ? MarkEverything(client)
                          : client.pending.try_emplace(path.path).first->second,
             mask, now);
        continue;
      }
      const bool file = interest.kind == PathStep::Kind::kFile;
      if (file && path.pattern) {
        if (!GlobMatches(interest.name, name)) continue;
        const std::string found = (std::filesystem::path(path.directory) / name)
                                      .lexically_normal()
                                      .string();
        Mark(client.pending[found], mask, now);
        continue;
      }
      if (interest.name != name) continue;
      if (!file || (mask & kNameMask) != 0) client.stale = true;
      Mark(path.pattern ? MarkEverything(client) : client.pending[path.path],
           mask, now);
    }
    if ((mask & IN_IGNORED) != 0) {  // the kernel has dropped the watch
      for (const Interest& interest : it->second) {
        interest.client->watches.erase(watch);
      }
      interests_.erase(it);
      watched_ = interests_.size();
    }
  }

  static Pending& MarkEverything(Client& client) {
    if (!client.everything) client.everything.emplace();
    return *client.everything;
  }

  // Notes an event in `pending`, which is new if its times are zero.
  void Mark(Pending& pending, std::uint32_t mask, TimePoint now) {
    if (pending.first == TimePoint{}) pending.first = now;
    if ((mask & kSettledMask) != 0 ||
        ((mask & IN_CREATE) != 0 && (mask & IN_ISDIR) != 0)) {
      pending.due = now;
    } else {
      pending.due =
          std::min(now + options_.settle, pending.first + options_.max_settle);
    }
  }

  const Options options_;
  const FileDescriptor inotify_;
  const FileDescriptor wake_;
  std::atomic<std::uint64_t> watched_{0}, polled_{0}, errors_{0};

  std::mutex mutex_;  // guards what follows, up to the blank line
  std::condition_variable idle_;
  std::map<Id, std::shared_ptr<Client>> clients_;
  std::vector<std::shared_ptr<Client>> removed_;  // to be forgotten
  std::set<Id> nudged_;
  Id last_id_ = 0;
  Id running_ = 0;  // whose work is running, 0 for none
  bool stopping_ = false;

  // Confined to the thread. A directory's watch is there as long as somebody
  // is interested in it.
  std::map<int, std::vector<Interest>> interests_;
  TimePoint poll_at_ = TimePoint::max();

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
void FileWatch::SetPaths(Id id, WatchedPaths paths) {
  impl_->SetPaths(id, std::move(paths));
}
void FileWatch::Stop() { impl_->Stop(); }
FileWatch::Stats FileWatch::stats() const { return impl_->stats(); }

}  // namespace ta
