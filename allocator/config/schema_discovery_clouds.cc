// Rows of the discovery mechanisms of clouds. Nothing but tables.

#include "allocator/config/schema_discovery.h"
#include "allocator/config/schema_discovery_rules.h"
#include "allocator/config/schema_http_client.h"

namespace ta {
namespace {

using enum Type;
using Names = std::string_view;

}  // namespace

// --- AWS --------------------------------------------------------------------

constexpr std::array kAwsFilterFields = JoinFields(std::array{
    Field{"name", kString, {}, Omit::kNever},
    Field{"values", kStrings, {}, Omit::kNever},
});
constexpr Record kAwsFilter{"filters", kAwsFilterFields};

// In all of AWS's.
constexpr std::array kAwsAccessFields = {
    Field{"access_key"}, Field{"secret_key", kSecret}, Field{"profile"},
    Field{"role_arn"},   Field{"external_id"},
};

// In those that discover one thing.
constexpr std::array kAwsCommonFields =
    JoinFields(kHttpClientFields, kAwsAccessFields,
               std::array{
                   Field{"region", kString, {}, Omit::kNever},
                   Field{"endpoint", kString, {}, Omit::kNever},
                   Field{"port", kInt, "80", Omit::kNever},
                   Field{"refresh_interval", kDuration, "1m"},
               });

// Any of them. Upstream unmarshals it into a zero struct, so that even
// follow_redirects and enable_http2 are off when left out.
constexpr std::array<Names, 6> kAwsRoles = {"ec2",       "ecs", "elasticache",
                                            "lightsail", "msk", "rds"};
constexpr std::array kAwsSdFields = JoinFields(
    WithoutFallbacks(kHttpClientFields), kAwsAccessFields,
    std::array{
        Field{.name = "role",
              .type = kEnum,
              .omit = Omit::kNever,
              .values = kAwsRoles},
        Field{"region"},
        Field{"endpoint"},
        Field{"port", kInt},
        Field{"refresh_interval", kDuration},
        Field{
            .name = "filters", .type = kNullableRecords, .record = &kAwsFilter},
        Field{"clusters", kStrings},
    });
constexpr Record kAwsSd{"aws_sd_configs", kAwsSdFields, CheckAwsSd};

constexpr std::array kEc2SdFields =
    JoinFields(kAwsCommonFields, std::array{Field{.name = "filters",
                                                  .type = kRecords,
                                                  .omit = Omit::kNever,
                                                  .record = &kAwsFilter}});
constexpr Record kEc2Sd{"ec2_sd_configs", kEc2SdFields, CheckEc2Sd};

constexpr Record kLightsailSd{"lightsail_sd_configs", kAwsCommonFields,
                              CheckHttpClient};

constexpr std::array kEcsSdFields =
    JoinFields(kAwsCommonFields, std::array{
                                     Field{"clusters", kStrings},
                                     Field{"request_concurrency", kInt, "20"},
                                 });
constexpr Record kEcsSd{"ecs_sd_configs", kEcsSdFields, CheckHttpClient};

constexpr std::array kAwsClusterFields =
    JoinFields(kAwsCommonFields, std::array{
                                     Field{"clusters", kStrings},
                                     Field{"request_concurrency", kInt, "10"},
                                 });
constexpr Record kElasticacheSd{"elasticache_sd_configs", kAwsClusterFields,
                                CheckHttpClient};
constexpr Record kMskSd{"msk_sd_configs", kAwsClusterFields, CheckHttpClient};

constexpr std::array kRdsSdFields =
    JoinFields(kAwsClusterFields, std::array{Field{.name = "filters",
                                                   .type = kNullableRecords,
                                                   .omit = Omit::kNever,
                                                   .record = &kAwsFilter}});
constexpr Record kRdsSd{"rds_sd_configs", kRdsSdFields, CheckHttpClient};

// --- Azure, Google, Oracle, OpenStack ---------------------------------------

constexpr std::array<Names, 4> kAzureMethods = {"OAuth", "ManagedIdentity",
                                                "SDK", "WorkloadIdentity"};
constexpr std::array kAzureSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"environment", kString, "AzurePublicCloud"},
                           Field{"port", kInt, "80", Omit::kNever},
                           Field{"subscription_id", kString, {}, Omit::kNever},
                           Field{"tenant_id"},
                           Field{"client_id"},
                           Field{"client_secret", kSecret},
                           Field{"refresh_interval", kDuration, "5m"},
                           Field{.name = "authentication_method",
                                 .type = kEnum,
                                 .fallback = "OAuth",
                                 .values = kAzureMethods},
                           Field{"resource_group"},
                       });
constexpr Record kAzureSd{"azure_sd_configs", kAzureSdFields, CheckAzureSd};

constexpr std::array kGceSdFields = JoinFields(std::array{
    Field{"project", kString, {}, Omit::kNever},
    Field{"zone", kString, {}, Omit::kNever},
    Field{"filter"},
    Field{"refresh_interval", kDuration, "1m"},
    Field{"port", kInt, "80", Omit::kNever},
    Field{"tag_separator", kString, ","},
});
constexpr Record kGceSd{"gce_sd_configs", kGceSdFields, CheckGceSd};

constexpr std::array<Names, 2> kOciMethods = {"api_key", "instance_principal"};
constexpr std::array kOciSdFields =
    JoinFields(kHttpClientFields,
               std::array{
                   Field{.name = "auth",
                         .type = kEnum,
                         .fallback = "api_key",
                         .values = kOciMethods},
                   Field{"tenancy"},
                   Field{"user"},
                   Field{"fingerprint"},
                   Field{"key_file"},
                   Field{"key_passphrase", kSecret},
                   Field{"key_passphrase_file"},
                   Field{"region", kString, {}, Omit::kNever},
                   Field{"compartments", kStrings},
                   Field{"port", kInt, "80", Omit::kNever},
                   Field{"refresh_interval", kDuration, "1m", Omit::kNever},
               });
constexpr Record kOciSd{"oci_sd_configs", kOciSdFields, CheckOciSd};

constexpr std::array<Names, 3> kOpenStackRoles = {"instance", "hypervisor",
                                                  "loadbalancer"};
constexpr std::array<Names, 3> kAvailabilities = {"public", "internal",
                                                  "admin"};
constexpr std::array kOpenStackSdFields = JoinFields(std::array{
    Field{"identity_endpoint", kString, {}, Omit::kNever},
    Field{"username", kString, {}, Omit::kNever},
    Field{"userid", kString, {}, Omit::kNever},
    Field{"password", kSecret, {}, Omit::kNever},
    Field{"project_name", kString, {}, Omit::kNever},
    Field{"project_id", kString, {}, Omit::kNever},
    Field{"domain_name", kString, {}, Omit::kNever},
    Field{"domain_id", kString, {}, Omit::kNever},
    Field{"application_credential_name", kString, {}, Omit::kNever},
    Field{"application_credential_id", kString, {}, Omit::kNever},
    Field{"application_credential_secret", kSecret, {}, Omit::kNever},
    Field{.name = "role",
          .type = kEnum,
          .omit = Omit::kNever,
          .values = kOpenStackRoles},
    Field{"region", kString, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "1m", Omit::kNever},
    Field{"port", kInt, "80", Omit::kNever},
    Field{"all_tenants", kBool},
    Field{.name = "tls_config", .type = kRecord, .record = &kTls},
    Field{.name = "availability",
          .type = kEnum,
          .fallback = "public",
          .values = kAvailabilities},
});
constexpr Record kOpenStackSd{"openstack_sd_configs", kOpenStackSdFields,
                              CheckOpenStackSd};

// --- Smaller clouds ---------------------------------------------------------

constexpr std::array<Names, 2> kDigitalOceanRoles = {"droplets", "databases"};
constexpr std::array kDigitalOceanSdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"refresh_interval", kDuration, "1m", Omit::kNever},
        Field{"port", kInt, "80", Omit::kNever},
        Field{"role", kEnum, "droplets", Omit::kNever, nullptr,
              kDigitalOceanRoles},
        // For upstream's own tests; without a tag, so that it is a key.
        Field{"httpclient", kAny, {}, Omit::kNever},
    });
constexpr Record kDigitalOceanSd{"digitalocean_sd_configs",
                                 kDigitalOceanSdFields, CheckDigitalOceanSd};

constexpr std::array<Names, 2> kHetznerRoles = {"robot", "hcloud"};
constexpr std::array kHetznerSdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"refresh_interval", kDuration, "1m", Omit::kNever},
        Field{"port", kInt, "80", Omit::kNever},
        Field{"role", kEnum, {}, Omit::kNever, nullptr, kHetznerRoles},
        Field{"label_selector"},
    });
constexpr Record kHetznerSd{"hetzner_sd_configs", kHetznerSdFields,
                            CheckRoleSd};

constexpr std::array kIonosSdFields =
    JoinFields(kHttpClientFields,
               std::array{
                   Field{"datacenter_id", kString, {}, Omit::kNever},
                   Field{"refresh_interval", kDuration, "1m", Omit::kNever},
                   Field{"port", kInt, "80", Omit::kNever},
               });
constexpr Record kIonosSd{"ionos_sd_configs", kIonosSdFields, CheckIonosSd};

constexpr std::array kLinodeSdFields =
    JoinFields(kHttpClientFields,
               std::array{
                   Field{"refresh_interval", kDuration, "1m", Omit::kNever},
                   Field{"port", kInt, "80", Omit::kNever},
                   Field{"tag_separator", kString, ","},
                   Field{"region"},
               });
constexpr Record kLinodeSd{"linode_sd_configs", kLinodeSdFields,
                           CheckHttpClient};

constexpr std::array kOutscaleSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"endpoint"},
                           Field{"region", kString, "eu-west-2", Omit::kNever},
                           Field{"access_key", kString, {}, Omit::kNever},
                           Field{"secret_key", kSecret, {}, Omit::kNever},
                           Field{"secret_key_file", kString, {}, Omit::kNever},
                           Field{"refresh_interval", kDuration, "1m"},
                           Field{"port", kInt, "80", Omit::kNever},
                       });
constexpr Record kOutscaleSd{"outscale_sd_configs", kOutscaleSdFields,
                             CheckOutscaleSd};

constexpr std::array<Names, 2> kOvhServices = {"dedicated_server", "vps"};
constexpr std::array kOvhCloudSdFields = JoinFields(std::array{
    Field{"endpoint", kString, "ovh-eu", Omit::kNever},
    Field{"application_key", kString, {}, Omit::kNever},
    Field{"application_secret", kSecret, {}, Omit::kNever},
    Field{"consumer_key", kSecret, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "1m", Omit::kNever},
    Field{"service", kEnum, {}, Omit::kNever, nullptr, kOvhServices},
});
constexpr Record kOvhCloudSd{"ovhcloud_sd_configs", kOvhCloudSdFields,
                             CheckOvhCloudSd};

constexpr std::array<Names, 2> kScalewayRoles = {"instance", "baremetal"};
constexpr std::array kScalewaySdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"project_id", kString, {}, Omit::kNever},
        Field{"api_url", kString, "https://api.scaleway.com"},
        Field{"zone", kString, "fr-par-1", Omit::kNever},
        Field{"access_key", kString, {}, Omit::kNever},
        Field{"secret_key", kSecret, {}, Omit::kNever},
        Field{"secret_key_file", kString, {}, Omit::kNever},
        Field{"name_filter"},
        Field{"tags_filter", kStrings},
        Field{"refresh_interval", kDuration, "1m", Omit::kNever},
        Field{"port", kInt, "80", Omit::kNever},
        Field{"role", kEnum, {}, Omit::kNever, nullptr, kScalewayRoles},
    });
constexpr Record kScalewaySd{"scaleway_sd_configs", kScalewaySdFields,
                             CheckScalewaySd};

constexpr std::array kStackitSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"project", kString, {}, Omit::kNever},
                           Field{"refresh_interval", kDuration, "1m"},
                           Field{"port", kInt, "80"},
                           Field{"region", kString, "eu01"},
                           Field{"endpoint"},
                           Field{"service_account_key", kSecret},
                           Field{"private_key", kSecret},
                           Field{"service_account_key_path"},
                           Field{"private_key_path"},
                           Field{"credentials_file_path"},
                       });
constexpr Record kStackitSd{"stackit_sd_configs", kStackitSdFields,
                            CheckStackitSd};

constexpr std::array<Names, 2> kTritonRoles = {"container", "cn"};
constexpr std::array kTritonSdFields = JoinFields(std::array{
    Field{"account", kString, {}, Omit::kNever},
    Field{"role", kEnum, "container", Omit::kNever, nullptr, kTritonRoles},
    Field{"dns_suffix", kString, {}, Omit::kNever},
    Field{"endpoint", kString, {}, Omit::kNever},
    Field{"groups", kStrings},
    Field{"port", kInt, "9163", Omit::kNever},
    Field{"refresh_interval", kDuration, "1m"},
    Field{.name = "tls_config", .type = kRecord, .record = &kTls},
    Field{"version", kInt, "1", Omit::kNever},
});
constexpr Record kTritonSd{"triton_sd_configs", kTritonSdFields, CheckTritonSd};

constexpr std::array kVultrSdFields =
    JoinFields(kHttpClientFields,
               std::array{
                   Field{"refresh_interval", kDuration, "1m", Omit::kNever},
                   Field{"port", kInt, "80", Omit::kNever},
               });
constexpr Record kVultrSd{"vultr_sd_configs", kVultrSdFields, CheckHttpClient};

}  // namespace ta
