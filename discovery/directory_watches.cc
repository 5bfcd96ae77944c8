#include "discovery/directory_watches.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/glob.h"

namespace ta {
namespace {

// Of the directory itself.
constexpr std::uint32_t kSelfMask = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// Of what it holds, too.
constexpr std::uint32_t kFullMask = kSelfMask | IN_CREATE | IN_MODIFY |
                                    IN_CLOSE_WRITE | IN_MOVED_TO |
                                    IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
constexpr std::uint32_t kSettledMask = IN_CLOSE_WRITE | IN_MOVED_TO;
// After these the name means another file, or none.
constexpr std::uint32_t kNameMask =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

constexpr int kGone = -1;        // there is no such directory
constexpr int kNotWatched = -2;  // there is, but it has to be polled

std::string ReasonOf(int error) {
  return std::error_code(error, std::generic_category()).message();
}

bool IsSettled(std::uint32_t mask) {
  // A directory is complete when it is there; what comes into it is told of.
  return (mask & kSettledMask) != 0 ||
         ((mask & IN_CREATE) != 0 && (mask & IN_ISDIR) != 0);
}

}  // namespace

DirectoryWatches::DirectoryWatches(bool use_inotify) {
  if (!use_inotify) return;
  fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ >= 0) return;
  const std::string reason = ReasonOf(errno);
  ++errors_;
  Log(Level::kWarn, "inotify is not available, polling files",
      {{"err", reason}});
}

DirectoryWatches::~DirectoryWatches() {
  if (fd_ >= 0) ::close(fd_);
}

void DirectoryWatches::Set(std::uint64_t owner, const WatchedPaths& paths) {
  std::vector<Path>& own = owners_[owner].paths;
  own.clear();
  for (const std::string& file : paths.files) own.push_back({file, false, ""});
  for (const std::string& pattern : paths.patterns) {
    const std::size_t slash = pattern.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    const bool is_one = HasGlob(std::string_view(pattern).substr(start));
    own.push_back({pattern, is_one,
                   start == 0 ? std::string(".") : pattern.substr(0, start)});
  }
  Rewalk(owner);
}

void DirectoryWatches::Rewalk(std::uint64_t id) {
  const auto it = owners_.find(id);
  if (it == owners_.end()) return;
  Owner& owner = it->second;
  const bool was_polled = std::exchange(owner.polled, false);
  std::map<int, std::vector<Interest>> wanted;
  for (std::size_t i = 0; i < owner.paths.size(); ++i) {
    const Path& path = owner.paths[i];
    WalkPath(path.path, path.pattern, [&](const PathStep& step) {
      const int watch = AddWatch(owner, step, was_polled);
      if (watch < 0) return watch != kGone;
      const bool pattern = path.pattern && step.kind == PathStep::Kind::kFile;
      wanted[watch].push_back({id, i, step.kind, pattern, step.name});
      return true;
    });
  }
  std::set<int> before;
  before.swap(owner.watches);
  for (auto& [watch, interests] : wanted) {
    std::vector<Interest>& all = interests_[watch];
    std::erase_if(all, [&](const Interest& each) { return each.owner == id; });
    std::ranges::move(interests, std::back_inserter(all));
    owner.watches.insert(watch);
    before.erase(watch);
  }
  for (const int watch : before) Release(id, watch);
}

void DirectoryWatches::Drop(std::uint64_t owner) {
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return;
  for (const int watch : it->second.watches) Release(owner, watch);
  owners_.erase(it);
}

bool DirectoryWatches::MustPoll(std::uint64_t owner) const {
  const auto it = owners_.find(owner);
  return it != owners_.end() && it->second.polled;
}

int DirectoryWatches::AddWatch(Owner& owner, const PathStep& step,
                               bool was_polled) {
  if (fd_ < 0) {
    owner.polled = true;
    return kNotWatched;
  }
  // Two paths to one directory share a watch, so masks are added up.
  const std::uint32_t mask =
      (step.kind == PathStep::Kind::kSelf ? kSelfMask : kFullMask) |
      IN_MASK_ADD;
  const int watch = ::inotify_add_watch(fd_, step.directory.c_str(), mask);
  if (watch >= 0) return watch;
  if (errno == ENOENT || errno == ENOTDIR) return kGone;
  const std::string reason = ReasonOf(errno);
  if (!owner.polled && !was_polled) {
    ++errors_;
    Log(Level::kWarn, "directory can't be watched, polling it",
        {{"directory", step.directory}, {"err", reason}});
  }
  owner.polled = true;
  return kNotWatched;
}

void DirectoryWatches::Release(std::uint64_t owner, int watch) {
  const auto it = interests_.find(watch);
  if (it == interests_.end()) return;
  std::erase_if(it->second,
                [&](const Interest& each) { return each.owner == owner; });
  if (!it->second.empty()) return;
  interests_.erase(it);
  ::inotify_rm_watch(fd_, watch);
}

void DirectoryWatches::ReadEvents(const Tell& tell) {
  if (fd_ < 0) return;
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
    if (size <= 0) return;  // nothing more
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      std::string_view name;
      if (event.len > 0) name = buffer.data() + at + sizeof event;
      OnEvent(event.wd, event.mask, name, tell);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

void DirectoryWatches::OnEvent(int watch, std::uint32_t mask,
                               std::string_view name, const Tell& tell) {
  if ((mask & IN_Q_OVERFLOW) != 0) {
    for (const auto& [id, owner] : owners_) {
      tell({id, "", /*settled=*/true, /*open=*/false, /*way_changed=*/true});
    }
    return;
  }
  const auto it = interests_.find(watch);
  if (it == interests_.end()) return;  // released with events under way
  for (const Interest& interest : it->second) {
    // First what costs nothing: of thousands who have a file each in one
    // directory, an event is about one.
    if (!name.empty() && !interest.pattern && interest.name != name) continue;
    const Path& path = owners_.at(interest.owner).paths[interest.path];
    const std::string changed = path.pattern ? "" : path.path;
    if (name.empty()) {  // the directory itself: moved, deleted, its mode
      tell({interest.owner, changed, false, false, /*way_changed=*/true});
      continue;
    }
    if (interest.pattern) {
      if (!GlobMatches(interest.name, name)) continue;
      const auto found = std::filesystem::path(path.directory) / name;
      tell({interest.owner, found.lexically_normal().string(), IsSettled(mask),
            (mask & IN_MODIFY) != 0, false});
    } else {
      const bool file = interest.kind == PathStep::Kind::kFile;
      tell({interest.owner, changed, IsSettled(mask), (mask & IN_MODIFY) != 0,
            !file || (mask & kNameMask) != 0});
    }
  }
  if ((mask & IN_IGNORED) == 0) return;
  // The kernel has dropped the watch.
  for (const Interest& interest : it->second) {
    owners_.at(interest.owner).watches.erase(watch);
  }
  interests_.erase(it);
}

}  // namespace ta
