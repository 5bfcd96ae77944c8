// Effective values as the JSON of /scrape_configs: what Go's yaml.v2 makes of
// Prometheus's structs, turned into JSON with sorted keys, as the Go allocator
// does.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "allocator/config/schema.h"

namespace ta {

// What becomes of secrets.
enum class Secrets : std::uint8_t {
  kMasked,  // "<secret>", as Prometheus
  kShown,   // allow_insecure_auth_secrets
  // A salted hash: two settings are equal if and only if (collisions aside)
  // their texts are. The salt is random for each process, so that the text
  // tells nothing about the secret.
  kHashed,
};

// Appends `value`, a record, as a JSON object without spaces.
void AppendJson(const Value& value, Secrets secrets, std::string& out);

// Appends what kHashed makes of a text, as a JSON string: for a secret that the
// schema doesn't know to be one.
void AppendHashed(std::string_view secret, std::string& out);

}  // namespace ta
