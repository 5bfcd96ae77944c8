#include "allocator/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "discovery/file_read.h"
#include "discovery/glob.h"

namespace ta {
namespace {

// As Prometheus and the watcher expand it; with glob(3) the watcher would see
// files that were never loaded.
Result<std::vector<MatchedFile>> ReadPattern(const std::string& pattern) {
  const Result<GlobMatch> match = Glob(pattern);
  if (!match) return std::unexpected(match.error());
  if (!match->unreadable.empty()) return Reject(match->unreadable.front());
  std::vector<MatchedFile> files;
  for (const std::string& path : match->paths) {
    files.push_back({path, ReadFile(path)});
  }
  return files;
}

Error Failed(int error) {
  return {Error::Code::kGiveUp,
          std::error_code(error, std::generic_category()).message()};
}

// What can be read only once.
Result<std::string> ReadStream(const std::string& path) {
  constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  // Opened anew, /dev/stdin may be refused where descriptor 0 is not: a socket.
  const int fd = path == "-" || path == "/dev/stdin"
                     ? ::dup(STDIN_FILENO)
                     : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::unexpected(Failed(errno));
  std::string text;
  int error = 0;
  for (;;) {
    const std::size_t used = text.size();
    text.resize(used + kPiece);
    const ssize_t count = ::read(fd, text.data() + used, kPiece);
    error = count < 0 ? errno : 0;
    text.resize(used + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == 0 || text.size() > kMaxBytes) break;
    if (error != 0 && error != EINTR) break;
  }
  ::close(fd);
  if (error != 0) return std::unexpected(Failed(error));
  if (text.size() > kMaxBytes) {
    return Reject("is larger than " + std::to_string(kMaxBytes) + " bytes");
  }
  return text;
}

bool IsStream(const std::string& path) {
  if (path == "-") return true;
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) ||
          S_ISSOCK(status.st_mode));
}

LoadedConfig Load(const std::string& path, Result<std::string> text,
                  LoadOptions options) {
  if (!text) {
    return {.config = std::unexpected(
                Mistakes{{.file = path, .message = text.error().message}})};
  }
  LoadedFiles files{.matched = std::map<std::string, std::string>()};
  // Notes down what is read on the way.
  options.read_files = [&files](const std::string& pattern) {
    files.patterns.push_back(pattern);
    auto matched = ReadPattern(pattern);
    if (matched) {
      for (const MatchedFile& file : *matched) {
        if (file.text) files.matched->emplace(file.path, *file.text);
      }
    }
    return matched;
  };
  auto config = LoadConfig(path, *text, options);
  files.text = *std::move(text);
  return {.config = std::move(config), .files = std::move(files)};
}

}  // namespace

LoadOptions LoadOptionsOf(const CommandLine& line) {
  LoadOptions options;
  options.flags = line.flags;
  options.strict = line.strict;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::size_t equals = std::min(text.find('='), text.size());
    options.environment.emplace(text.substr(0, equals),
                                text.substr(std::min(equals + 1, text.size())));
  }
  return options;
}

LoadedConfig LoadConfigFile(const std::string& path, LoadOptions options) {
  return Load(path, ReadFile(path), std::move(options));
}

LoadedConfig LoadConfigOnce(const std::string& path, LoadOptions options) {
  return Load(path, IsStream(path) ? ReadStream(path) : ReadFile(path),
              std::move(options));
}

}  // namespace ta
