// The rules of Prometheus's configuration that concern more than one field.
// Each check runs once its record has been read, says every mistake it finds,
// and changes the value where upstream's Validate does (bearer_token becomes
// authorization). Source: the Validate and UnmarshalYAML methods of
// prometheus/common v0.70.1 and prometheus/prometheus v3.14.

#pragma once

#include <initializer_list>
#include <string_view>

#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// --- What rules are made of --------------------------------------------------

// Is there any text in field `name`?
bool HasText(const Value& record, std::string_view name);
// At most one of the text fields `names` may have text; the mistake is at the
// last of them.
bool AtMostOne(const Value& record, const Path& path, SchemaReader& reader,
               std::initializer_list<std::string_view> names);
// Each of the text fields `names` must have text; of an enum, the mistake names
// what it takes. Silent where another mistake was reported already.
void Require(const Value& record, const Path& path, SchemaReader& reader,
             std::initializer_list<std::string_view> names);
// Go's strings.TrimSpace. The view is of `text`.
std::string_view GoTrimmed(std::string_view text);

// --- The rules ---------------------------------------------------------------

// The proxy only: what else is wrong with OAuth 2.0 is the client's to say.
void CheckOauth2(Value& oauth2, const Path& path, SchemaReader& reader);
void CheckTls(Value& tls, const Path& path, SchemaReader& reader);
// The fields that every record with an HTTP client has inline, and those of
// basic_auth, authorization and oauth2 below it.
void CheckHttpClient(Value& client, const Path& path, SchemaReader& reader);

// What concerns a scrape config alone; what it inherits is scrape_config.h's.
void CheckScrapeConfig(Value& config, const Path& path, SchemaReader& reader);

}  // namespace ta
