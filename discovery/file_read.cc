#include "discovery/file_read.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace ta {
namespace {

constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;
// Five ticks of the slowest kernel clock (100 Hz).
constexpr std::int64_t kTrustAfterNanoseconds = 50'000'000;

std::int64_t Nanoseconds(const timespec& time) {
  return time.tv_sec * kNanosecondsASecond + time.tv_nsec;
}

std::unexpected<Error> FailedWith(int error) {
  return std::unexpected(
      Error{Error::Code::kRetry,
            std::error_code(error, std::generic_category()).message()});
}

Result<FileStamp> ToStamp(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return Reject("is a directory");
  if (!S_ISREG(status.st_mode)) return Reject("is not a regular file");
  return FileStamp{status.st_dev, status.st_ino, status.st_size,
                   Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim)};
}

}  // namespace

bool FileStamp::IsTrusted(std::int64_t now_ns) const {
  return now_ns - modified_ns > kTrustAfterNanoseconds &&
         now_ns - changed_ns > kTrustAfterNanoseconds;
}

std::int64_t FileClockNow() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return Nanoseconds(now);
}

Result<FileStamp> StampOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return FailedWith(errno);
  return ToStamp(status);
}

bool IsThere(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) return true;
  return errno != ENOENT && errno != ENOTDIR;
}

bool IsSymlink(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

Result<InputFile> InputFile::Open(const std::string& path) {
  // Looked at before, as to open some devices does something; the flags and the
  // second look are for what replaces it in between.
  if (const auto stamp = StampOf(path); !stamp) {
    return std::unexpected(stamp.error());
  }
  const int fd =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return FailedWith(errno);
  InputFile file(fd, {});
  struct stat status{};
  if (::fstat(fd, &status) != 0) return FailedWith(errno);
  const auto stamp = ToStamp(status);
  if (!stamp) return std::unexpected(stamp.error());
  file.stamp_ = *stamp;
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), stamp_(other.stamp_) {}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool InputFile::Changed() const {
  struct stat status{};
  if (::fstat(fd_, &status) != 0) return true;
  return status.st_size != stamp_.size_bytes ||
         Nanoseconds(status.st_mtim) != stamp_.modified_ns;
}

Result<std::size_t> InputFile::Read(char* to, std::size_t size) {
  for (;;) {
    const ssize_t count = ::read(fd_, to, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return FailedWith(errno);
  }
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  auto file = InputFile::Open(path);
  if (!file) return std::unexpected(file.error());
  std::string text;
  text.resize(static_cast<std::size_t>(file->stamp().size_bytes) + 1);
  std::size_t used = 0;
  for (;;) {
    if (used > max_bytes) {
      return Reject("is larger than " + std::to_string(max_bytes) + " bytes");
    }
    if (used == text.size()) text.resize(2 * text.size());
    const auto count = file->Read(text.data() + used, text.size() - used);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    used += *count;
  }
  text.resize(used);
  return text;
}

}  // namespace ta
