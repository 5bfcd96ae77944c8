// One scrape config from its node to what the program uses: validated,
// inheriting from `global`, as JSON for /scrape_configs and as the plain
// ScrapeConfig for discovery and relabeling.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "allocator/config/config.h"
#include "allocator/config/schema.h"
#include "allocator/config/schema_json.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// What is the same for all scrape configs of one file.
struct ScrapeConfigContext {
  const Value* global = nullptr;  // of FinishGlobal; never null
  std::string folder;             // relative paths of discovery start here
  std::string kube_config_path;   // Config's
  bool with_secret_json = false;  // ReadScrapeConfigResult::secret_json
  // LoadOptions::inspect; may be empty.
  std::function<void(std::string_view job, const Value&)> inspect;
};

struct ReadScrapeConfigResult {
  std::shared_ptr<const ScrapeConfig> config;
  std::string json;         // its object in /scrape_configs, secrets masked
  std::string secret_json;  // that with secrets, if asked for
  const YamlNode* job_name = nullptr;  // where it was written
};

// Fills in what `global` leaves out, and checks it. `global` is the record as
// read, also if the file has none.
void FinishGlobal(Value& global, const Path& path, SchemaReader& reader);

// Reads one element of `scrape_configs`. Says every mistake; what is returned
// is only for use if there was none.
ReadScrapeConfigResult ReadScrapeConfig(const YamlNode& node,
                                        const ScrapeConfigContext& context,
                                        const Path& path, SchemaReader& reader);

// `path` as seen from `folder`, unless it is absolute or empty. Cleans the
// result as Go's filepath.Join does.
std::string ResolvePath(std::string_view folder, std::string_view path);

}  // namespace ta
