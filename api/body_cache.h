// Rendered bodies, kept within a limit of bytes. Collectors ask every 30 s for
// what mostly did not change; an entry is found by what is in it (the digests
// of a list and of its job's rules), so it serves every generation, every
// connection and every collector that has the same, and is never wrong: a
// change asks for another key, and the old entry falls out as the least
// recently used.

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace ta {

// A body as it is sent; shared, because it may be on its way to many at once.
struct Body {
  std::shared_ptr<const std::string> bytes;  // null: nothing
  bool gzipped = false;
};

// Thread-safe: one short lock, held to look up or to insert.
class BodyCache {
 public:
  struct Key {
    std::uint64_t content = 0;  // digest of what is rendered
    std::uint64_t rules = 0;    // digest of what it was passed through, or 0
    std::uint32_t form = 0;     // what kind of body, and its encoding
    bool operator==(const Key&) const = default;
  };

  struct Stats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t hit_bytes = 0;  // of all bodies that were found
    std::size_t bytes = 0;        // of bodies held now
    std::size_t entries = 0;
  };

  // `limit_bytes` 0 keeps nothing.
  explicit BodyCache(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  std::optional<Body> Find(const Key& key);
  // Keeps `body`, unless it alone is more than a quarter of the limit.
  void Insert(const Key& key, const Body& body);
  Stats stats() const;

 private:
  struct Entry {
    Key key;
    Body body;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      // `content` is a hash already.
      return key.content ^ (key.rules * 0x9e3779b97f4a7c15) ^ key.form;
    }
  };
  // What an entry costs beside its bytes: list and map nodes, the string.
  static constexpr std::size_t kOverheadBytes = 200;

  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;  // guards all below
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index_;
  std::size_t bytes_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t hit_bytes_ = 0;
};

}  // namespace ta
