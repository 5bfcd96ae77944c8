#include "allocator/config_file.h"

#include <array>
#include <cstdlib>
#include <map>
#include <string>
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

}  // namespace

LoadOptions LoadOptionsOf(const CommandLine& line) {
  LoadOptions options;
  options.flags = line.flags;
  options.strict = line.strict;
  constexpr std::array kVariables = {"OTELCOL_NAMESPACE",
                                     "ALLOW_INSECURE_AUTH_SECRETS"};
  for (const char* name : kVariables) {
    if (const char* value = std::getenv(name)) {
      options.environment.emplace(name, value);
    }
  }
  return options;
}

LoadedConfig LoadConfigFile(const std::string& path, LoadOptions options) {
  Result<std::string> text = ReadFile(path);
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

}  // namespace ta
