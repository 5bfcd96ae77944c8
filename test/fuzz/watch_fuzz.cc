// Any bytes read as what an API server sends: no crash, the same events however
// they are cut, and every object that can be read makes a group.
//
// The first byte chooses the resource, the second how the rest is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/kubernetes/role.h"
#include "discovery/kubernetes/store.h"
#include "discovery/kubernetes/watch_decoder.h"
#include "test/fuzz/require.h"

namespace ta::kubernetes {
namespace {

constexpr std::size_t kLongestLineBytes = 4096;

struct Decoded {
  std::vector<WatchEvent> events;
  bool failed = false;
};

Decoded Decode(Resource resource, std::string_view stream, std::size_t piece) {
  WatchDecoder decoder(resource, kLongestLineBytes);
  Decoded decoded;
  while (!stream.empty() && !decoded.failed) {
    decoded.failed = !decoder.Feed(
        stream.substr(0, piece),
        [&](WatchEvent event) { decoded.events.push_back(std::move(event)); });
    stream.remove_prefix(std::min(piece, stream.size()));
  }
  return decoded;
}

void RequireSame(const WatchEvent& a, const WatchEvent& b) {
  TA_REQUIRE(a.kind == b.kind);
  TA_REQUIRE(a.resource_version == b.resource_version);
  TA_REQUIRE((a.object == nullptr) == (b.object == nullptr));
  TA_REQUIRE(a.object == nullptr || Same(*a.object, *b.object));
  TA_REQUIRE(a.bad.has_value() == b.bad.has_value());
  TA_REQUIRE(!a.bad || a.bad->key == b.bad->key);
  TA_REQUIRE(a.status == b.status);
}

void RequireWhole(Resource resource, const WatchEvent& event) {
  using Kind = WatchEvent::Kind;
  TA_REQUIRE((event.kind == Kind::kBad) == event.bad.has_value());
  TA_REQUIRE(!event.bad || !event.bad->error.message.empty());
  TA_REQUIRE(event.kind != Kind::kBookmark || !event.resource_version.empty());
  TA_REQUIRE(event.kind != Kind::kError || event.status.code != 0);
  if (!event.object) return;
  TA_REQUIRE(event.object->resource == resource);
  TA_REQUIRE(!event.object->name().empty());
  TA_REQUIRE(InfoOf(resource).namespaced == !event.object->ns().empty());
}

// Groups of the objects that are left when all events have happened.
void BuildGroups(Resource resource, const std::vector<WatchEvent>& events) {
  Store store(Scope{resource});
  for (const WatchEvent& event : events) {
    if (!event.object) continue;
    if (event.kind == WatchEvent::Kind::kDeleted) {
      store.Delete(event.object->key);
    } else {
      store.Upsert(event.object);
    }
  }
  for (int i = 0; i < 6; ++i) {
    const auto kind = static_cast<RoleKind>(i);
    if (MainResource(kind) != resource) continue;
    RoleStores stores;
    stores[resource] = &store;
    const Role role(kind, {}, stores);
    store.ForEach([&](const Object& object) {
      const TargetGroup group = role.Build(object.key);
      TA_REQUIRE(group.source == role.SourceOf(object.key));
      for (const Labels& target : group.targets) {
        TA_REQUIRE(target.Find("__address__"));
      }
    });
  }
}

void Check(Resource resource, std::size_t piece, std::string_view stream) {
  const Decoded whole = Decode(resource, stream, stream.size() + 1);
  const Decoded cut = Decode(resource, stream, piece);
  TA_REQUIRE(whole.failed == cut.failed);
  TA_REQUIRE(whole.events.size() == cut.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    RequireSame(whole.events[i], cut.events[i]);
    RequireWhole(resource, whole.events[i]);
  }
  BuildGroups(resource, whole.events);
  if (const auto page = ParseList(resource, std::string(stream)))
    TA_REQUIRE(!page->resource_version.empty());
  if (const auto status = ParseStatus(stream)) FailureOf(*status);
}

}  // namespace
}  // namespace ta::kubernetes

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 2) return 0;
  const auto resource = static_cast<ta::kubernetes::Resource>(
      data[0] % ta::kubernetes::kResourceCount);
  ta::kubernetes::Check(resource, 1 + data[1] % 64,
                        {reinterpret_cast<const char*>(data) + 2, size - 2});
  return 0;
}
