// The rules of Prometheus's configuration that concern more than one field.
// Each check runs once its record has been read, says every mistake it finds,
// and changes the value where upstream's Validate does (bearer_token becomes
// authorization). Source: the Validate and UnmarshalYAML methods of
// prometheus/common v0.70.1 and prometheus/prometheus v3.14.

#pragma once

#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

void CheckBasicAuth(Value& auth, const Path& path, SchemaReader& reader);
void CheckAuthorization(Value& auth, const Path& path, SchemaReader& reader);
void CheckOauth2(Value& oauth2, const Path& path, SchemaReader& reader);
void CheckTls(Value& tls, const Path& path, SchemaReader& reader);
// The fields that every record with an HTTP client has inline.
void CheckHttpClient(Value& client, const Path& path, SchemaReader& reader);

void CheckFileSd(Value& config, const Path& path, SchemaReader& reader);
void CheckHttpSd(Value& config, const Path& path, SchemaReader& reader);
void CheckDnsSd(Value& config, const Path& path, SchemaReader& reader);
void CheckKubernetesSd(Value& config, const Path& path, SchemaReader& reader);

// What concerns a scrape config alone; what it inherits is scrape_config.h's.
void CheckScrapeConfig(Value& config, const Path& path, SchemaReader& reader);

}  // namespace ta
