// The command line: what a person, or the operator's deployment, asks for. The
// flags of the Go allocator are all here, under their names and with their
// meaning, beside ours; `--help` is written to be learnt from.
//
// Exit codes, the same for all commands:
//   0  done
//   1  the configuration is wrong, or what was asked for is not there
//   2  the command line is wrong
//   3  the world got in the way: the port is taken, the server does not answer

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "allocator/base/log.h"
#include "allocator/config/config_flags.h"

namespace ta {

enum class ExitCode { kDone = 0, kRefused = 1, kUsage = 2, kFailed = 3 };

// What was asked for. Value type.
struct CommandLine {
  enum class Command { kServe, kCheck, kExplain, kVersion };
  enum class Format { kText, kJson, kYaml };

  Command command = Command::kServe;

  // serve, explain
  std::string config_file = "/conf/targetallocator.yaml";
  ConfigFlags flags;
  // serve: unknown keys end it, instead of being warned of. check is strict.
  bool strict = false;
  std::string profile;  // a file for a CPU profile from the start; "" for none
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;

  // check
  std::vector<std::string> files;  // at least one
  Format format = Format::kText;   // also for explain, but for kYaml

  // explain: from a running allocator when `server` is said, else offline.
  std::string server;  // "http://host:port", no path
  std::string job;
  std::string labels;   // discovered labels, a JSON object of strings
  std::string address;  // shorthand for labels with only __address__
};

// What a command that does not serve prints, and with which code it ends.
struct CommandOutput {
  ExitCode exit_code = ExitCode::kDone;
  std::string out;  // standard output
  std::string err;  // standard error
};

// Either a command to carry out, or a text to print and a code to exit with.
struct ParsedCommandLine {
  std::optional<CommandLine> command;
  CommandOutput output;  // the help; or what is wrong, one line and a hint
};

// `arguments` without the program's name.
ParsedCommandLine ParseCommandLine(std::span<const char* const> arguments);

}  // namespace ta
