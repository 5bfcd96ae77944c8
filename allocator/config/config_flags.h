// Settings of the configuration file that the command line may overrule.

#pragma once

#include <optional>
#include <string>

namespace ta {

// Nothing where the flag is absent. The names are the Go allocator's.
struct ConfigFlags {
  std::optional<std::string> listen_addr;
  std::optional<bool> prometheus_cr_enabled;
  std::optional<std::string> kube_config_path;
  std::optional<bool> https_enabled;
  std::optional<std::string> https_listen_addr;
  std::optional<std::string> https_ca_file;
  std::optional<std::string> https_cert_file;
  std::optional<std::string> https_key_file;
  std::optional<bool> allow_insecure_auth_secrets;
};

}  // namespace ta
