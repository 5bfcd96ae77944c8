#include "allocator/state_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "allocator/base/log.h"
#include "allocator/base/percent.h"
#include "allocator/collector_name.h"

namespace ta {
namespace {

constexpr std::chrono::seconds kRetryInterval{30};
constexpr std::string_view kFileName = "/members";
// First line of the file; a later format gets another number.
constexpr std::string_view kHeader = "target-allocator members 1";

// A name a line; what would end the line, and the escape itself, as %XX.
std::string Escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '%' || static_cast<unsigned char>(c) < 0x20) {
      AppendPercent(c, text);
    } else {
      text += c;
    }
  }
  return text;
}

Error SystemError(const std::string& what) {
  return {Error::Code::kRetry, what + ": " + std::strerror(errno)};
}

}  // namespace

StateDir::StateDir(std::string directory) : directory_(std::move(directory)) {
  thread_ = std::thread([this] { Run(); });
}

StateDir::~StateDir() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<std::vector<std::string>> StateDir::Load() const {
  const std::string path = directory_ + std::string(kFileName);
  std::vector<std::string> names;
  if (::access(path.c_str(), F_OK) != 0) return names;
  std::ifstream file(path);
  if (!file) return std::unexpected(SystemError(path));
  std::string line;
  if (!std::getline(file, line) || line != kHeader) {
    return Reject(path + ": not a list of members of this version");
  }
  while (std::getline(file, line)) {
    if (line.empty()) continue;
    std::string name = PercentDecode(line);
    if (CheckCollectorName(name)) names.push_back(std::move(name));
  }
  return names;
}

void StateDir::Save(std::vector<std::string> names) {
  {
    const std::lock_guard lock(mutex_);
    if (names == names_) return;
    names_ = std::move(names);
    pending_ = true;
  }
  wake_.notify_one();
}

void StateDir::Run() {
  bool failing = false;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto called = [this] { return pending_ || stopping_; };
    if (failing) {
      wake_.wait_for(lock, kRetryInterval, called);
    } else {
      wake_.wait(lock, called);
      if (!pending_) return;
    }
    pending_ = false;
    const bool last_try = stopping_;
    const std::vector<std::string> names = names_;
    lock.unlock();
    const Result<void> written = Write(names);
    if (!written && !failing) {
      Log(Level::kWarn, "members are not remembered across a restart",
          {{"err", written.error().message}});
    } else if (written && failing) {
      Log(Level::kInfo, "members are remembered again",
          {{"state_dir", directory_}});
    }
    failing = !written;
    lock.lock();
    if (last_try) return;
  }
}

// Beside the file first, then over it: a crash leaves the old list or the new.
Result<void> StateDir::Write(const std::vector<std::string>& names) const {
  std::ostringstream text;
  text << kHeader << '\n';
  for (const std::string& name : names) text << Escaped(name) << '\n';
  const std::string bytes = text.str();
  const std::string path = directory_ + std::string(kFileName);
  const std::string fresh = path + ".new";
  const int file =
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(SystemError(fresh));
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n =
        ::write(file, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      Error error = SystemError(fresh);
      ::close(file);
      return std::unexpected(std::move(error));
    }
    written += static_cast<std::size_t>(n);
  }
  const bool synced = ::fsync(file) == 0;
  const bool closed = ::close(file) == 0;
  if (!synced || !closed || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return std::unexpected(SystemError(path));
  }
  return {};
}

}  // namespace ta
