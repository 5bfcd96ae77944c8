// What tests of discovery share: a temporary folder, a sink that one can wait
// on, and short names for what files hold.

#pragma once

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "discovery/discoverer.h"
#include "discovery/file_watch.h"

namespace ta::test {

// Waits are on events; this only bounds how long a failing test takes.
inline constexpr std::chrono::seconds kDeadline{30};

// Root may read everything; without this the rights of files would mean nothing
// to this thread and those that it starts.
inline void HeedPermissions() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
  data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
  ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
}

// Deleted with everything in it.
class TempFolder {
 public:
  TempFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "ta-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// In place: truncated, written, closed.
inline void Write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// As careful writers do: another file, renamed over this one.
inline void Replace(const std::string& path, std::string_view text) {
  Write(path + ".tmp~", text);
  std::filesystem::rename(path + ".tmp~", path);
}

// A JSON list with one group a target.
inline std::string Groups(const std::vector<std::string>& targets) {
  std::string text = "[";
  for (const std::string& target : targets) {
    if (text.size() > 1) text += ",\n ";
    text +=
        "{\"targets\": [\"" + target + "\"], \"labels\": {\"team\": \"x\"}}";
  }
  return text + "]\n";
}

// A folder that looks as the kubelet mounts a ConfigMap: each file is a symlink
// to ..data/<file>, ..data one to a folder with the content; an update makes
// another folder and swaps ..data by a rename.
class ConfigMapFolder {
 public:
  explicit ConfigMapFolder(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
  }

  void Update(const std::map<std::string, std::string>& files) {
    namespace fs = std::filesystem;
    const std::string version = "..version_" + std::to_string(++version_);
    fs::create_directory(path_ + "/" + version);
    for (const auto& [name, text] : files) {
      Write(path_ + "/" + version + "/" + name, text);
    }
    fs::create_directory_symlink(version, path_ + "/..data_tmp");
    fs::rename(path_ + "/..data_tmp", path_ + "/..data");
    for (const auto& [name, text] : files) {
      const fs::path link = path_ + "/" + name;
      if (!fs::is_symlink(link)) fs::create_symlink("..data/" + name, link);
    }
    for (const auto& [name, text] : files_) {
      if (!files.contains(name)) fs::remove(path_ + "/" + name);
    }
    if (version_ > 1) {
      fs::remove_all(path_ + "/..version_" + std::to_string(version_ - 1));
    }
    files_ = files;
  }

 private:
  std::string path_;
  int version_ = 0;
  std::map<std::string, std::string> files_;
};

// Remembers what was sent, as the allocator would. Thread-safe.
class RecordingSink final : public UpdateSink {
 public:
  struct State {
    std::map<std::string, TargetGroup> groups;  // by source; none is empty
    std::vector<DiscoveryUpdate> updates;
    std::vector<MembersUpdate> members;

    bool synced() const { return !updates.empty() && updates.back().synced; }
    std::string problem() const {
      return updates.empty() ? "" : updates.back().problem;
    }
    // Addresses in order of source, then as in the group.
    std::vector<std::string> Addresses() const {
      std::vector<std::string> addresses;
      for (const auto& [source, group] : groups) {
        for (const Labels& target : group.targets) {
          addresses.emplace_back(target.Get("__address__"));
        }
      }
      return addresses;
    }
  };

  void Discovered(DiscoveryUpdate update) override {
    const std::lock_guard lock(mutex_);
    for (const TargetGroup& group : update.groups) {
      if (group.targets.empty() && group.invalid.empty()) {
        state_.groups.erase(group.source);
      } else {
        state_.groups[group.source] = group;
      }
    }
    state_.updates.push_back(std::move(update));
    changed_.notify_all();
  }
  void Members(MembersUpdate update) override {
    const std::lock_guard lock(mutex_);
    state_.members.push_back(std::move(update));
    changed_.notify_all();
  }

  // Waits until `wanted` holds; false if it doesn't within kDeadline.
  bool WaitFor(const std::function<bool(const State&)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return wanted(state_); });
  }
  bool WaitForAddresses(const std::vector<std::string>& addresses) {
    return WaitFor(
        [&](const State& state) { return state.Addresses() == addresses; });
  }
  State state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_;  // guarded by mutex_
};

// With and without inotify; polling quickly.
inline FileWatch::Options Inotify() { return {}; }
inline FileWatch::Options Polling() {
  return {.use_inotify = false, .poll_interval = std::chrono::milliseconds(10)};
}

}  // namespace ta::test
