// The command `check`: everything that is wrong with configuration files.

#pragma once

#include "allocator/cli.h"

namespace ta {

// Where standard error goes.
struct Terminal {
  bool is_one = false;  // else: a file, a pipe
  bool colour = false;  // it shows colours, and nobody has set NO_COLOR
  int columns = 80;
};
Terminal StandardError();

// Loads each of line.files, strictly. As text, mistakes are lines on standard
// error, on a terminal each with the line of the file and a caret (snippet.h),
// and each good file is a line on standard output; as JSON, everything is one
// list on standard output (docs/configuration.md). kRefused if any file has a
// mistake. Blocks on the disk.
CommandOutput Check(const CommandLine& line, const Terminal& terminal);

}  // namespace ta
