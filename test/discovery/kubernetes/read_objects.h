// Objects and events from JSON, for tests.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "discovery/kubernetes/watch_decoder.h"

namespace ta::test {

// What one line of a watch says.
kubernetes::WatchEvent ReadEvent(kubernetes::Resource resource,
                                 std::string_view line);
// The object in `json`, which must be good.
kubernetes::ObjectPtr ReadObject(kubernetes::Resource resource,
                                 std::string_view json);
// Why the object in `json` is bad; "" if it isn't.
std::string WhyBad(kubernetes::Resource resource, std::string_view json);

}  // namespace ta::test
