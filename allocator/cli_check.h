// The command `check`: everything that is wrong with configuration files.

#pragma once

#include "allocator/cli.h"

namespace ta {

// Loads each of line.files, strictly. As text, mistakes are lines on standard
// error and each good file is a line on standard output; as JSON, everything is
// one list on standard output. kRefused if any file has a mistake. Blocks on
// the disk.
CommandOutput Check(const CommandLine& line);

}  // namespace ta
