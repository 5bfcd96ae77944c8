#include "test/discovery/kubernetes/read_objects.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace ta::test {

using kubernetes::WatchEvent;

namespace {

// An event is one line, however its object was written.
std::string Added(std::string_view json) {
  std::string event = R"({"type":"ADDED","object":)" + std::string(json) + "}";
  std::replace(event.begin(), event.end(), '\n', ' ');
  return event;
}

}  // namespace

WatchEvent ReadEvent(kubernetes::Resource resource, std::string_view line) {
  kubernetes::WatchDecoder decoder(resource);
  std::vector<WatchEvent> events;
  const auto fed = decoder.Feed(
      std::string(line) + "\n",
      [&](WatchEvent event) { events.push_back(std::move(event)); });
  if (!fed || events.size() != 1) {
    std::fprintf(stderr, "no event: %s: %.*s\n",
                 fed ? "" : fed.error().message.c_str(),
                 static_cast<int>(line.size()), line.data());
    std::abort();
  }
  return std::move(events[0]);
}

kubernetes::ObjectPtr ReadObject(kubernetes::Resource resource,
                                 std::string_view json) {
  WatchEvent read = ReadEvent(resource, Added(json));
  if (read.bad) {
    std::fprintf(stderr, "%s\n", read.bad->error.message.c_str());
    std::abort();
  }
  return read.object;
}

std::string WhyBad(kubernetes::Resource resource, std::string_view json) {
  const WatchEvent read = ReadEvent(resource, Added(json));
  return read.bad ? read.bad->error.message : "";
}

}  // namespace ta::test
