// The configuration file on disk, made into a Config: what serve, check and
// explain have in common.

#pragma once

#include <expected>
#include <optional>
#include <string>

#include "allocator/cli.h"
#include "allocator/config/load.h"
#include "discovery/config_watcher.h"

namespace ta {

// What the command line and the process's environment say. `strict` is the
// command line's.
LoadOptions LoadOptionsOf(const CommandLine& line);

// The configuration, or all that is wrong, and what was read for it.
struct LoadedConfig {
  std::expected<Config, Mistakes> config;
  // For the watcher, which compares with it. Nothing if the file can't be read.
  std::optional<LoadedFiles> files;
};

// Reads and loads; blocks on the disk. A file that can't be read is a mistake,
// like any other, and so is what is no regular file.
LoadedConfig LoadConfigFile(const std::string& path, LoadOptions options);

// The same for a command that reads it once: also from a pipe, as of
// `check <(generate)`, /dev/stdin, or `-`, which is the same. Blocks until the
// writer is done; at most 256 MiB.
LoadedConfig LoadConfigOnce(const std::string& path, LoadOptions options);

}  // namespace ta
