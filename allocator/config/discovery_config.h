// The discovery blocks of a scrape config as plain DiscoveryConfigs.

#pragma once

#include <string>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/config/schema.h"

namespace ta {

// All discovery blocks of a scrape config, in the order of their names, those
// of one mechanism as written; all static_configs together are one. Relative
// file names are resolved against `folder`; `kube_config_path` is Config's.
std::vector<DiscoveryConfig> DiscoveriesOf(const Value& scrape_config,
                                           const std::string& folder,
                                           const std::string& kube_config_path);

}  // namespace ta
