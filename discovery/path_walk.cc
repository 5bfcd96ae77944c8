#include "discovery/path_walk.h"

#include <deque>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace ta {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxSymlinks = 40;  // the kernel's own limit (path_resolution(7))

// The elements of `path` without empty ones and ".".
std::deque<std::string> Elements(std::string_view path) {
  std::deque<std::string> elements;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view element = path.substr(0, slash);
    if (!element.empty() && element != ".") elements.emplace_back(element);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return elements;
}

std::string Join(const std::string& directory, const std::string& name) {
  return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace

void WalkPath(const std::string& path, bool last_is_pattern,
              const std::function<bool(const PathStep&)>& visit) {
  std::string directory = path.starts_with('/') ? "/" : ".";
  std::deque<std::string> rest = Elements(path);
  for (int symlinks = 0; !rest.empty();) {
    const std::string name = rest.front();
    const bool last = rest.size() == 1;
    const std::string here = Join(directory, name);
    std::error_code ignored;
    if (!last &&
        fs::symlink_status(here, ignored).type() == fs::file_type::directory) {
      // If it has vanished since, it is a missing step below.
      if (visit({PathStep::Kind::kSelf, here, ""})) {
        directory = here;
        rest.pop_front();
        continue;
      }
    }
    const auto kind = last ? PathStep::Kind::kFile : PathStep::Kind::kLink;
    if (!visit({kind, directory, name})) return;
    if (last && last_is_pattern) return;
    // Looked at again, now that a change would be seen.
    const fs::file_type type = fs::symlink_status(here, ignored).type();
    if (type == fs::file_type::directory && !last) {
      if (!visit({PathStep::Kind::kSelf, here, ""})) return;
      directory = here;
      rest.pop_front();
      continue;
    }
    if (type != fs::file_type::symlink || ++symlinks > kMaxSymlinks) return;
    const fs::path target = fs::read_symlink(here, ignored);
    if (target.empty()) return;
    rest.pop_front();
    if (target.is_absolute()) directory = "/";
    std::deque<std::string> elements = Elements(target.string());
    rest.insert(rest.begin(), elements.begin(), elements.end());
  }
}

}  // namespace ta
