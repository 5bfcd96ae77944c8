// Any text loaded as the configuration, strictly and not: no crash, mistakes in
// order and one line each, and a configuration that is accepted can be used.
// What follows a line `%%% FILE` is the file that scrape_config_files match,
// and a list of collectors.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/config/collectors_file.h"
#include "allocator/config/load.h"
#include "allocator/relabel.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

constexpr std::string_view kSecondFile = "%%% FILE\n";

void CheckMistakes(const Mistakes& mistakes) {
  TA_REQUIRE(!mistakes.empty());
  for (const Mistake& mistake : mistakes) {
    TA_REQUIRE(!mistake.message.empty());
    TA_REQUIRE(mistake.line >= 0 && mistake.column >= 0);
    TA_REQUIRE(mistake.ToString().find('\n') == std::string::npos);
  }
  Mistakes sorted = mistakes;
  SortMistakes(sorted);
  TA_REQUIRE(sorted == mistakes);
}

void CheckConfig(const Config& config) {
  TA_REQUIRE(config.scrape_configs_json.starts_with('{'));
  RelabelBuffer buffer;
  const Labels target =
      Labels::Of({{"__address__", "host:80"}, {"__meta_a", "b"}});
  for (const auto& job : config.jobs) {
    const auto relabeler =
        Relabeler::Create(job->job_name, job->seeds, job->relabel_configs);
    TA_REQUIRE(relabeler.has_value());
    (*relabeler)->Relabel({}, target, buffer);
  }
}

void Check(std::string_view text) {
  std::string_view second;
  if (const auto at = text.find(kSecondFile); at != std::string_view::npos) {
    second = text.substr(at + kSecondFile.size());
    text = text.substr(0, at);
  }
  LoadOptions options;
  options.read_files = [second](const std::string&) {
    return Result<std::vector<MatchedFile>>(
        std::vector<MatchedFile>{{"second.yml", std::string(second)}});
  };
  for (const bool strict : {false, true}) {
    options.strict = strict;
    const auto config = LoadConfig("first.yml", text, options);
    if (config) {
      CheckConfig(*config);
    } else {
      CheckMistakes(config.error());
    }
  }
  const auto collectors =
      ParseCollectorsFile("second.yml", second.empty() ? text : second);
  if (!collectors) CheckMistakes(collectors.error());
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ta::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
