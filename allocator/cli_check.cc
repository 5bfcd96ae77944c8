#include "allocator/cli_check.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "allocator/base/printable.h"
#include "allocator/config_file.h"
#include "allocator/effective_yaml.h"
#include "allocator/snippet.h"
#include "api/json.h"
#include "api/render.h"

namespace ta {
namespace {

using Loaded = std::expected<Config, Mistakes>;

// The longest line that is shown, in bytes.
constexpr std::size_t kLongestShown = 4096;

std::string_view Plural(std::size_t count) { return count == 1 ? "" : "s"; }

// The text in which a mistake is; "" if it is not at hand.
std::string_view TextOf(const std::string& path, const LoadedConfig& loaded,
                        const Mistake& mistake) {
  if (!loaded.files) return {};
  if (mistake.file == path) return loaded.files->text;
  if (!loaded.files->matched) return {};
  const auto found = loaded.files->matched->find(mistake.file);
  if (found == loaded.files->matched->end()) return {};
  return found->second;
}

void PrintMistakes(const std::string& path, const LoadedConfig& loaded,
                   const Terminal& terminal, std::string& err) {
  const Mistakes& mistakes = loaded.config.error();
  std::size_t files = 0;
  // Each line is found from the one before it: a file may be all mistakes.
  std::string_view rest;
  int rest_line = 1;
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    const Mistake& mistake = mistakes[i];
    if (i == 0 || mistake.file != mistakes[i - 1].file) {
      ++files;
      rest = TextOf(path, loaded, mistake);
      rest_line = 1;
      if (i > 0 && terminal.is_one) err += '\n';
    }
    err += mistake.ToString() + "\n";
    if (!terminal.is_one || rest.empty() || mistake.line < rest_line) continue;
    for (; rest_line < mistake.line; ++rest_line) {
      const std::size_t end = rest.find('\n');
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    // A longer line is no text that somebody wrote, and may have a mistake in
    // each of its megabytes.
    const std::string_view line = LineOf(rest.substr(0, kLongestShown + 1), 1);
    if (line.size() > kLongestShown) continue;
    err += Snippet(line, mistake,
                   {.colour = terminal.colour, .columns = terminal.columns});
  }
  err += fmt::format("{}: {} mistake{}", Printable(path), mistakes.size(),
                     Plural(mistakes.size()));
  if (files > 1) err += fmt::format(" in {} files", files);
  err += '\n';
}

void PrintText(const std::string& path, const LoadedConfig& loaded,
               const Terminal& terminal, CommandLine::Format format,
               CommandOutput& output) {
  if (!loaded.config) {
    return PrintMistakes(path, loaded, terminal, output.err);
  }
  const Config& config = *loaded.config;
  for (const std::string& warning : config.warnings) {
    output.err += fmt::format("warning: {}\n", Printable(warning));
  }
  if (format == CommandLine::Format::kYaml) {
    output.out += EffectiveYaml(config.MaskedScrapeConfigs());
    return;
  }
  output.out += fmt::format("{}: ok, {} job{}\n", Printable(path),
                            config.jobs.size(), Plural(config.jobs.size()));
}

void PrintJson(const std::string& path, const Loaded& loaded,
               JsonWriter& json) {
  json.BeginObject().Field("file", path).Field("valid", loaded.has_value());
  json.Field("jobs", loaded ? loaded->jobs.size() : std::size_t{0});
  json.Key("mistakes").BeginArray();
  if (!loaded) {
    for (const Mistake& mistake : loaded.error()) {
      json.BeginObject()
          .Field("file", mistake.file)
          .Field("line", mistake.line)
          .Field("column", mistake.column)
          .Field("path", mistake.path)
          .Field("message", mistake.message)
          .Field("suggestion", mistake.suggestion)
          .EndObject();
    }
  }
  json.EndArray().Key("warnings").BeginArray();
  if (loaded) {
    for (const std::string& warning : loaded->warnings) json.String(warning);
  }
  json.EndArray().EndObject();
}

}  // namespace

Terminal StandardError() {
  constexpr int kMinColumns = 40;
  constexpr int kMaxColumns = 200;
  Terminal terminal;
  terminal.is_one = ::isatty(STDERR_FILENO) == 1;
  if (!terminal.is_one) return terminal;
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  terminal.colour = (no_colour == nullptr || *no_colour == '\0') &&
                    kind != nullptr && std::string_view(kind) != "dumb";
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = std::clamp(int{size.ws_col}, kMinColumns, kMaxColumns);
  }
  return terminal;
}

CommandOutput Check(const CommandLine& line, const Terminal& terminal) {
  LoadOptions options = LoadOptionsOf(line);
  options.strict = true;
  // Who may see secrets at /scrape_configs is one thing, a terminal another.
  options.flags.allow_insecure_auth_secrets = false;
  CommandOutput output;
  ByteBuffer buffer;
  JsonWriter json(buffer);
  json.BeginArray();
  for (const std::string& path : line.files) {
    const LoadedConfig loaded = LoadConfigOnce(path, options);
    // One document a file.
    if (line.format == CommandLine::Format::kYaml && line.files.size() > 1)
      output.out += fmt::format("--- # {}\n", Printable(path));
    if (!loaded.config) output.exit_code = ExitCode::kRefused;
    if (line.format == CommandLine::Format::kJson) {
      PrintJson(path, loaded.config, json);
    } else {
      PrintText(path, loaded, terminal, line.format, output);
    }
  }
  json.EndArray();
  if (line.format == CommandLine::Format::kJson) {
    buffer.Append('\n');
    output.out = buffer.Take();
  }
  return output;
}

}  // namespace ta
