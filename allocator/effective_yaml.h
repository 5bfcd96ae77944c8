// The effective configuration as a file: what `check --format=yaml` prints.
// Every default is written out, so that it shows what a file comes to, and what
// two files differ in. It is what Prometheus prints of its own, with the same
// losses: secrets are masked, a field that was emptied against its default is
// left out, whole numbers above 2^53 are rounded.

#pragma once

#include <string>
#include <string_view>

namespace ta {

// `scrape_configs_json` (Config) as YAML, a list under `scrape_configs` in the
// order of the jobs' names; text that would be read as a number, a truth or
// nothing is quoted. Linear. REQUIRES: it is what LoadConfig made.
std::string EffectiveYaml(std::string_view scrape_configs_json);

}  // namespace ta
