// The rules of the discovery mechanisms across fields, each what upstream's
// UnmarshalYAML of the mechanism checks; like those of schema_rules.h. None of
// them asks the network, a file or the environment: Prometheus 3.14 doesn't
// either when it loads a configuration. Source: prometheus/discovery/*.

#pragma once

#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

void CheckFileSd(Value& config, const Path& path, SchemaReader& reader);
void CheckHttpSd(Value& config, const Path& path, SchemaReader& reader);
void CheckDnsSd(Value& config, const Path& path, SchemaReader& reader);
void CheckKubernetesSd(Value& config, const Path& path, SchemaReader& reader);

// `username` and `password` become `basic_auth`.
void CheckConsulSd(Value& config, const Path& path, SchemaReader& reader);
void CheckDockerSd(Value& config, const Path& path, SchemaReader& reader);
void CheckDockerSwarmSd(Value& config, const Path& path, SchemaReader& reader);
void CheckMarathonSd(Value& config, const Path& path, SchemaReader& reader);
void CheckNomadSd(Value& config, const Path& path, SchemaReader& reader);
void CheckPuppetDbSd(Value& config, const Path& path, SchemaReader& reader);
void CheckUyuniSd(Value& config, const Path& path, SchemaReader& reader);
// Of eureka and kuma: `server` is a URL with scheme and host.
void CheckServerUrlSd(Value& config, const Path& path, SchemaReader& reader);
// Of nerve and serverset.
void CheckZookeeperSd(Value& config, const Path& path, SchemaReader& reader);

// The HTTP client is not checked, as upstream doesn't here.
void CheckAwsSd(Value& config, const Path& path, SchemaReader& reader);
void CheckAzureSd(Value& config, const Path& path, SchemaReader& reader);
void CheckEc2Sd(Value& config, const Path& path, SchemaReader& reader);
void CheckGceSd(Value& config, const Path& path, SchemaReader& reader);
void CheckIonosSd(Value& config, const Path& path, SchemaReader& reader);
void CheckOciSd(Value& config, const Path& path, SchemaReader& reader);
void CheckOpenStackSd(Value& config, const Path& path, SchemaReader& reader);
// `endpoint` is filled in.
void CheckOutscaleSd(Value& config, const Path& path, SchemaReader& reader);
void CheckOvhCloudSd(Value& config, const Path& path, SchemaReader& reader);
void CheckScalewaySd(Value& config, const Path& path, SchemaReader& reader);
void CheckStackitSd(Value& config, const Path& path, SchemaReader& reader);
void CheckTritonSd(Value& config, const Path& path, SchemaReader& reader);
// Of those with nothing but a role and an HTTP client.
void CheckRoleSd(Value& config, const Path& path, SchemaReader& reader);
void CheckDigitalOceanSd(Value& config, const Path& path, SchemaReader& reader);

}  // namespace ta
