// Rows of the discovery mechanisms that run anywhere; the clouds' are in
// schema_discovery_clouds.cc. Nothing but tables.

#include "allocator/config/schema_discovery.h"

#include "allocator/config/schema_discovery_rules.h"
#include "allocator/config/schema_http_client.h"

namespace ta {
namespace {

using enum Type;
using Names = std::string_view;

}  // namespace

// --- Lists: static, file, http, dns -----------------------------------------

constexpr std::array kStaticFields = JoinFields(std::array{
    Field{"targets", kStrings, {}, Omit::kNever},
    Field{"labels", kLabels},
});
constexpr Record kStatic{"static_configs", kStaticFields};

constexpr std::array kFileSdFields = JoinFields(std::array{
    Field{"files", kStrings, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "5m"},
});
constexpr Record kFileSd{"file_sd_configs", kFileSdFields, CheckFileSd};

constexpr std::array kHttpSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"refresh_interval", kDuration, "1m"},
                           Field{"url", kString, {}, Omit::kNever},
                       });
constexpr Record kHttpSd{"http_sd_configs", kHttpSdFields, CheckHttpSd};

constexpr std::array kDnsSdFields = JoinFields(std::array{
    Field{"names", kStrings, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "30s"},
    Field{"type", kString, "SRV", Omit::kNever},
    Field{"port", kInt, {}, Omit::kNever},
});
constexpr Record kDnsSd{"dns_sd_configs", kDnsSdFields, CheckDnsSd};

// --- Orchestrators: kubernetes, docker, dockerswarm, nomad, marathon --------

constexpr std::array<Names, 6> kKubernetesRoles = {
    "pod", "service", "endpoints", "endpointslice", "node", "ingress"};
constexpr std::array kSelectorFields = JoinFields(std::array{
    Field{.name = "role", .type = kEnum, .values = kKubernetesRoles},
    Field{"label"},
    Field{"field"},
});
constexpr Record kSelector{"selectors", kSelectorFields};
constexpr std::array kNamespacesFields = JoinFields(std::array{
    Field{"own_namespace", kBool, {}, Omit::kNever},
    Field{"names", kStrings, {}, Omit::kNever},
});
constexpr Record kNamespaces{"namespaces", kNamespacesFields};
constexpr std::array kAttachFields = JoinFields(std::array{
    Field{"node", kBool, {}, Omit::kNever},
    Field{"namespace", kBool, {}, Omit::kNever},
    Field{"deployment", kBool, {}, Omit::kNever},
    Field{"job", kBool, {}, Omit::kNever},
    Field{"cronjob", kBool, {}, Omit::kNever},
});
constexpr Record kAttach{"attach_metadata", kAttachFields};
constexpr std::array kKubernetesSdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"api_server", kUrl},
        Field{.name = "role",
              .type = kEnum,
              .omit = Omit::kNever,
              .values = kKubernetesRoles},
        Field{"kubeconfig_file", kString, {}, Omit::kNever},
        Field{.name = "namespaces", .type = kRecord, .record = &kNamespaces},
        Field{.name = "selectors", .type = kPlainRecords, .record = &kSelector},
        Field{.name = "attach_metadata", .type = kRecord, .record = &kAttach},
    });
constexpr Record kKubernetesSd{"kubernetes_sd_configs", kKubernetesSdFields,
                               CheckKubernetesSd};

constexpr std::array kDockerFilterFields = JoinFields(std::array{
    Field{"name", kString, {}, Omit::kNever},
    Field{"values", kStrings, {}, Omit::kNever},
});
constexpr Record kDockerFilter{"filters", kDockerFilterFields};
constexpr std::array kDockerCommonFields = {
    Field{"host", kString, {}, Omit::kNever},
    Field{"port", kInt, "80", Omit::kNever},
    Field{.name = "filters",
          .type = kPlainRecords,
          .omit = Omit::kNever,
          .record = &kDockerFilter},
    Field{"refresh_interval", kDuration, "1m", Omit::kNever},
};
constexpr std::array kDockerSdFields = JoinFields(
    kHttpClientFields, kDockerCommonFields,
    std::array{
        Field{"host_networking_host", kString, "localhost", Omit::kNever},
        Field{"match_first_network", kBool, "true", Omit::kNever},
    });
constexpr Record kDockerSd{"docker_sd_configs", kDockerSdFields, CheckDockerSd};

constexpr std::array<Names, 3> kSwarmRoles = {"services", "tasks", "nodes"};
constexpr std::array kDockerSwarmSdFields =
    JoinFields(kHttpClientFields, kDockerCommonFields,
               std::array{Field{.name = "role",
                                .type = kEnum,
                                .omit = Omit::kNever,
                                .values = kSwarmRoles}});
constexpr Record kDockerSwarmSd{"dockerswarm_sd_configs", kDockerSwarmSdFields,
                                CheckDockerSwarmSd};

constexpr std::array kNomadSdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"allow_stale", kBool, "true", Omit::kNever},
        Field{"namespace", kString, "default", Omit::kNever},
        Field{"refresh_interval", kDuration, "1m", Omit::kNever},
        Field{"region", kString, "global", Omit::kNever},
        Field{"server", kString, "http://localhost:4646", Omit::kNever},
        Field{"tag_separator", kString, ","},
    });
constexpr Record kNomadSd{"nomad_sd_configs", kNomadSdFields, CheckNomadSd};

constexpr std::array kMarathonSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"servers", kStrings},
                           Field{"refresh_interval", kDuration, "30s"},
                           Field{"auth_token", kSecret},
                           Field{"auth_token_file"},
                       });
constexpr Record kMarathonSd{"marathon_sd_configs", kMarathonSdFields,
                             CheckMarathonSd};

// --- Registries: consul, eureka, kuma, nerve, serverset, puppetdb, uyuni ----

constexpr std::array kConsulSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"server", kString, "localhost:8500"},
                           Field{"path_prefix"},
                           Field{"token", kSecret},
                           Field{"datacenter"},
                           Field{"namespace"},
                           Field{"partition"},
                           Field{"tag_separator", kString, ","},
                           Field{"scheme", kString, "http"},
                           Field{"username"},
                           Field{"password", kSecret},
                           Field{"allow_stale", kBool, "true", Omit::kNever},
                           Field{"refresh_interval", kDuration, "30s"},
                           Field{"services", kStrings},
                           Field{"tags", kStrings},
                           Field{"node_meta", kStringMap},
                           Field{"filter"},
                           Field{"health_filter"},
                       });
constexpr Record kConsulSd{"consul_sd_configs", kConsulSdFields, CheckConsulSd};

constexpr std::array kEurekaSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"server"},
                           Field{"refresh_interval", kDuration, "30s"},
                       });
constexpr Record kEurekaSd{"eureka_sd_configs", kEurekaSdFields,
                           CheckServerUrlSd};

constexpr std::array kKumaSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"refresh_interval", kDuration, "15s"},
                           Field{"fetch_timeout", kDuration, "2m"},
                           Field{"server"},
                           Field{"client_id"},
                       });
constexpr Record kKumaSd{"kuma_sd_configs", kKumaSdFields, CheckServerUrlSd};

constexpr std::array kZookeeperFields = JoinFields(std::array{
    Field{"servers", kStrings, {}, Omit::kNever},
    Field{"paths", kStrings, {}, Omit::kNever},
    Field{"timeout", kDuration, "10s"},
});
constexpr Record kNerveSd{"nerve_sd_configs", kZookeeperFields,
                          CheckZookeeperSd};
constexpr Record kServersetSd{"serverset_sd_configs", kZookeeperFields,
                              CheckZookeeperSd};

constexpr std::array kPuppetDbSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"refresh_interval", kDuration, "1m"},
                           Field{"url", kString, {}, Omit::kNever},
                           Field{"query", kString, {}, Omit::kNever},
                           Field{"include_parameters", kBool, {}, Omit::kNever},
                           Field{"port", kInt, "80", Omit::kNever},
                       });
constexpr Record kPuppetDbSd{"puppetdb_sd_configs", kPuppetDbSdFields,
                             CheckPuppetDbSd};

constexpr std::array kUyuniSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"server", kString, {}, Omit::kNever},
                           Field{"username", kString, {}, Omit::kNever},
                           Field{"password", kSecret, {}, Omit::kNever},
                           Field{"entitlement", kString, "monitoring_entitled"},
                           Field{"separator", kString, ","},
                           Field{"refresh_interval", kDuration, "1m"},
                       });
constexpr Record kUyuniSd{"uyuni_sd_configs", kUyuniSdFields, CheckUyuniSd};

}  // namespace ta
