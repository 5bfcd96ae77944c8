#include "allocator/cli_check.h"

#include <fmt/format.h>

#include <string>

#include "allocator/config_file.h"
#include "api/json.h"
#include "api/render.h"

namespace ta {
namespace {

using Loaded = std::expected<Config, Mistakes>;

std::string_view Plural(std::size_t count) { return count == 1 ? "" : "s"; }

void PrintText(const std::string& path, const Loaded& loaded,
               CommandOutput& output) {
  if (!loaded) {
    for (const Mistake& mistake : loaded.error()) {
      output.err += mistake.ToString() + "\n";
    }
    output.err += fmt::format("{}: {} mistake{}\n", path, loaded.error().size(),
                              Plural(loaded.error().size()));
    return;
  }
  for (const std::string& warning : loaded->warnings) {
    output.err += fmt::format("warning: {}\n", warning);
  }
  output.out += fmt::format("{}: ok, {} job{}\n", path, loaded->jobs.size(),
                            Plural(loaded->jobs.size()));
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

CommandOutput Check(const CommandLine& line) {
  LoadOptions options = LoadOptionsOf(line);
  options.strict = true;
  CommandOutput output;
  ByteBuffer buffer;
  JsonWriter json(buffer);
  json.BeginArray();
  for (const std::string& path : line.files) {
    const Loaded loaded = LoadConfigFile(path, options).config;
    if (!loaded) output.exit_code = ExitCode::kRefused;
    if (line.format == CommandLine::Format::kJson) {
      PrintJson(path, loaded, json);
    } else {
      PrintText(path, loaded, output);
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
