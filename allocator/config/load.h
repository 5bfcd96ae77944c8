// The configuration file, the environment and the flags, made into a Config:
// all or nothing. Takes the allocator's own file, or Prometheus's.

#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "allocator/config/config_flags.h"
#include "allocator/config/mistake.h"

namespace ta {

struct Value;

// One file that a pattern matched.
struct MatchedFile {
  std::string path;
  Result<std::string> text;
};

struct LoadOptions {
  ConfigFlags flags;  // win over the environment, which wins over the file
  // What counts: OTELCOL_NAMESPACE, ALLOW_INSECURE_AUTH_SECRETS; where metrics
  // are sent somewhere also OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and the
  // variables that the section `telemetry` names.
  std::map<std::string, std::string> environment;
  // Unknown keys are mistakes; otherwise they are warnings, and counted.
  bool strict = false;
  // An HTTPS server is running, whatever the file says of it by now: secrets
  // are rendered for it.
  bool https_serves = false;
  // Reads the files that match a pattern of `scrape_config_files`, in order of
  // their names; no match is an empty list. Left empty: nothing matches. The
  // configuration reads no disk itself; LoadConfigFile does.
  std::function<Result<std::vector<MatchedFile>>(const std::string& pattern)>
      read_files;
  // Shown every effective value of `global` ("" is its job) and of each scrape
  // config, before anybody knows whether the file as a whole is good. The
  // value ends with the call.
  std::function<void(std::string_view job, const Value&)> inspect;
};

// Loads the text of the file `path` (its folder is where relative paths start;
// mistakes are reported under this name). Every mistake is returned, sorted by
// place. Linear in the text. Never throws, logs nothing; thread-safe.
std::expected<Config, Mistakes> LoadConfig(const std::string& path,
                                           std::string_view text,
                                           const LoadOptions& options);

// The folder of a file, for relative paths: "" if it has none.
std::string FolderOf(std::string_view path);

}  // namespace ta
