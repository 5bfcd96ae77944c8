// The service discovery mechanisms of Prometheus 3.14, a record each. Their
// rows are in schema_discovery.cc (what runs anywhere) and
// schema_discovery_clouds.cc (the clouds), the rules across fields in
// schema_discovery_rules.cc. Source: prometheus/discovery/*.
//
// Most are not implemented: they are validated and served, so that one file
// can be Prometheus's and ours. A scrape config has a list of each.

#pragma once

#include "allocator/config/schema.h"

namespace ta {

// A key of a scrape config and what its elements are.
struct Mechanism {
  std::string_view key;  // "consul_sd_configs"
  const Record* record;
};

// The constants are defined as constexpr: only their addresses are used while
// the tables are put together.
extern const Record kStatic;
extern const Record kAwsSd;
extern const Record kAzureSd;
extern const Record kConsulSd;
extern const Record kDigitalOceanSd;
extern const Record kDnsSd;
extern const Record kDockerSd;
extern const Record kDockerSwarmSd;
extern const Record kEc2Sd;
extern const Record kEcsSd;
extern const Record kElasticacheSd;
extern const Record kEurekaSd;
extern const Record kFileSd;
extern const Record kGceSd;
extern const Record kHetznerSd;
extern const Record kHttpSd;
extern const Record kIonosSd;
extern const Record kKubernetesSd;
extern const Record kKumaSd;
extern const Record kLightsailSd;
extern const Record kLinodeSd;
extern const Record kMarathonSd;
extern const Record kMskSd;
extern const Record kNerveSd;
extern const Record kNomadSd;
extern const Record kOciSd;
extern const Record kOpenStackSd;
extern const Record kOutscaleSd;
extern const Record kOvhCloudSd;
extern const Record kPuppetDbSd;
extern const Record kRdsSd;
extern const Record kScalewaySd;
extern const Record kServersetSd;
extern const Record kStackitSd;
extern const Record kTritonSd;
extern const Record kUyuniSd;
extern const Record kVultrSd;

// All of them, by key.
inline constexpr std::array kMechanisms = std::to_array<Mechanism>({
    {"aws_sd_configs", &kAwsSd},
    {"azure_sd_configs", &kAzureSd},
    {"consul_sd_configs", &kConsulSd},
    {"digitalocean_sd_configs", &kDigitalOceanSd},
    {"dns_sd_configs", &kDnsSd},
    {"docker_sd_configs", &kDockerSd},
    {"dockerswarm_sd_configs", &kDockerSwarmSd},
    {"ec2_sd_configs", &kEc2Sd},
    {"ecs_sd_configs", &kEcsSd},
    {"elasticache_sd_configs", &kElasticacheSd},
    {"eureka_sd_configs", &kEurekaSd},
    {"file_sd_configs", &kFileSd},
    {"gce_sd_configs", &kGceSd},
    {"hetzner_sd_configs", &kHetznerSd},
    {"http_sd_configs", &kHttpSd},
    {"ionos_sd_configs", &kIonosSd},
    {"kubernetes_sd_configs", &kKubernetesSd},
    {"kuma_sd_configs", &kKumaSd},
    {"lightsail_sd_configs", &kLightsailSd},
    {"linode_sd_configs", &kLinodeSd},
    {"marathon_sd_configs", &kMarathonSd},
    {"msk_sd_configs", &kMskSd},
    {"nerve_sd_configs", &kNerveSd},
    {"nomad_sd_configs", &kNomadSd},
    {"oci_sd_configs", &kOciSd},
    {"openstack_sd_configs", &kOpenStackSd},
    {"outscale_sd_configs", &kOutscaleSd},
    {"ovhcloud_sd_configs", &kOvhCloudSd},
    {"puppetdb_sd_configs", &kPuppetDbSd},
    {"rds_sd_configs", &kRdsSd},
    {"scaleway_sd_configs", &kScalewaySd},
    {"serverset_sd_configs", &kServersetSd},
    {"stackit_sd_configs", &kStackitSd},
    {"static_configs", &kStatic},
    {"triton_sd_configs", &kTritonSd},
    {"uyuni_sd_configs", &kUyuniSd},
    {"vultr_sd_configs", &kVultrSd},
});

// The same as fields of a scrape config.
inline constexpr auto kMechanismFields = [] {
  std::array<Field, kMechanisms.size()> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    fields[i].name = kMechanisms[i].key;
    fields[i].type = Type::kRecords;
    fields[i].record = kMechanisms[i].record;
  }
  return fields;
}();

}  // namespace ta
