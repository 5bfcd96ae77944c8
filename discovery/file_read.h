// Reading a regular file without surprises: a FIFO or a device doesn't block, a
// file that changes while it is read is noticed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "allocator/base/result.h"

namespace ta {

// What says that a file has not changed, but see FileStamp::IsTrusted.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::int64_t changed_ns = 0;   // since 1970; also moved by chmod, rename

  bool operator==(const FileStamp&) const = default;

  // Is an equal stamp later proof of equal content? Not when the file was
  // written so shortly before `now_ns` that another write may have got the same
  // time: file systems count in the kernel's ticks, up to 10 ms.
  bool IsTrusted(std::int64_t now_ns) const;
};

// Nanoseconds since 1970, on the clock that file systems use.
std::int64_t FileClockNow();

// The stamp of what `path` leads to. An error for what is no regular file.
Result<FileStamp> StampOf(const std::string& path);

// Is there anything at `path`, be it a dangling symlink?
bool IsThere(const std::string& path);
bool IsSymlink(const std::string& path);

// One open regular file, read from start to end. Move-only.
class InputFile {
 public:
  static Result<InputFile> Open(const std::string& path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  // When opened.
  const FileStamp& stamp() const { return stamp_; }
  // Has it been changed since it was opened?
  bool Changed() const;
  // Up to `size` bytes to `to`; 0 at the end.
  Result<std::size_t> Read(char* to, std::size_t size);

 private:
  InputFile(int fd, FileStamp stamp) : fd_(fd), stamp_(stamp) {}
  int fd_;
  FileStamp stamp_;
};

// All of a file; an error if it is larger than `max_bytes`.
Result<std::string> ReadFile(const std::string& path,
                             std::size_t max_bytes = std::size_t{1} << 30);

}  // namespace ta
