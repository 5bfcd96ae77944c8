// The one place of the configuration that reads the disk itself, so that a
// caller without wishes need not.

#include <glob.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "allocator/config/load.h"

namespace ta {
namespace {

Result<std::string> ReadFileText(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return Reject("cannot be read: it is a folder");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Reject(std::string("cannot be read: ") + std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return Reject("cannot be read");
  return text;
}

}  // namespace

Result<std::vector<MatchedFile>> ReadMatchingFiles(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<MatchedFile> files;
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    std::string path = found.gl_pathv[i];
    auto text = ReadFileText(path);
    files.push_back({std::move(path), std::move(text)});
  }
  ::globfree(&found);
  if (status != 0 && status != GLOB_NOMATCH)
    return Reject("the files that match cannot be listed");
  return files;
}

}  // namespace ta
