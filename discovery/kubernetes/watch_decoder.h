// Bytes from an API server to objects: the stream of a watch in whatever pieces
// it comes, and the pages of a list. Pure. One object that can't be read costs
// itself only: it is reported, and the others go on.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "discovery/kubernetes/objects.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/status.h"

namespace ta::kubernetes {

// An object that can't be read.
struct BadObject {
  std::string key;  // as Object::key; "" if not even that can be read
  Error error;      // "pods default/x: spec.containers[0].name: not a string"
};

struct WatchEvent {
  enum class Kind : std::uint8_t {
    kAdded,
    kModified,
    kDeleted,
    kBookmark,  // nothing changed up to resource_version
    kError,     // the watch is over; `status` says why
    kBad,       // an event that can't be read; `bad` says why
    kOpened,    // not of the stream: the server has accepted the watch
  };
  Kind kind = Kind::kBad;
  ObjectPtr object;              // of kAdded, kModified, kDeleted; never null
  std::string resource_version;  // of all but kError; of kBad if it can be read
  bool initial_events_end = false;  // of kBookmark: the list is now complete
  Status status;                    // of kError
  std::optional<BadObject> bad;     // of kBad
};

// Cuts a stream at its newlines and reads each line as an event. Confined to
// one thread at a time. Holds the piece of a line that is not complete, and
// between lines half a megabyte at most.
class WatchDecoder {
 public:
  // An object in etcd has 1.5 MiB at most unless somebody raised that.
  static constexpr std::size_t kLongestLineBytes = std::size_t{64} << 20;

  explicit WatchDecoder(Resource resource,
                        std::size_t longest_line_bytes = kLongestLineBytes);
  ~WatchDecoder();
  WatchDecoder(WatchDecoder&&) noexcept;
  WatchDecoder& operator=(WatchDecoder&&) noexcept;

  // Calls `on_event` for each event that is complete with these bytes, in
  // order. A line that is too long is dropped and reported as kBad. Fails
  // (kReject) at a line that is no event of JSON: what follows can't be
  // trusted, so the watch must be ended; the events before it were told.
  // REQUIRES: Feed has not failed before
  Result<void> Feed(std::string_view bytes,
                    const std::function<void(WatchEvent)>& on_event);
  // Nothing of an incomplete line is held: the stream may end here.
  bool empty() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ListPage {
  std::vector<ObjectPtr> objects;
  std::vector<BadObject> bad;
  std::string resource_version;  // of the list; never ""
  std::string continue_token;    // "": this was the last page
};

// Reads the body of a list of `resource`. Fails (kReject) if it is none: `{}`
// is no empty list. A body with 64 spare bytes of capacity is not copied.
Result<ListPage> ParseList(Resource resource, const std::string& body);

// The Status in `body`, if it is one.
std::optional<Status> ParseStatus(std::string_view body);

}  // namespace ta::kubernetes
