// A configuration as the oracle is asked about it (test/oracle/config.go), and
// the same thing done by us: verdict, what is served, effective values.

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "allocator/config/mistake.h"
#include "allocator/config/schema.h"

namespace ta::test {

// Prometheus's file, and by name the others of its folder.
struct ConfigCase {
  std::string text;
  std::map<std::string, std::string> files;
};

// How JSON carries bytes to the oracle.
std::string Base64(std::string_view bytes);

// Reads input.yaml and what is below files/.
ConfigCase ReadConfigCase(const std::string& folder);
// A request of the oracle, as one line.
std::string WriteConfigRequest(const ConfigCase& input);

// What we make of it.
struct LoadedCase {
  Mistakes mistakes;      // unknown keys among them; all else only if none
  std::string json;       // /scrape_configs, secrets masked
  std::string shown;      // the same with secrets
  std::string effective;  // as the oracle's "effective"
  std::set<std::string> touched;  // see AddTouched
};
LoadedCase LoadCase(const ConfigCase& input);

// Adds "record.field" for each field, of this record and of those below it,
// that was written with another value than its default.
void AddTouched(const Value& record, std::set<std::string>& touched);
// The same for all fields that there are.
void AddFields(const Record& record, std::set<std::string>& fields);

// All fields of a record as a JSON object, zero values included; a mechanism
// whose fields have no table is left out.
void AppendEffective(const Value& record, std::string& out);

// The first place where two JSON texts differ, and how; "" if nowhere. Numbers
// are compared by value. What `want` has and a mechanism without a table would
// be is no difference.
std::string JsonDifference(std::string_view got, std::string_view want);

}  // namespace ta::test
