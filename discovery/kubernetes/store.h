// The objects of one scope, found by key and by what they refer to. It tells
// whoever listens which of them really changed: a relist that finds everything
// as it was tells nobody anything.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "discovery/kubernetes/objects.h"
#include "discovery/kubernetes/resource.h"

namespace ta::kubernetes {

class Store;

// Is told while the store changes; must not change it. Not owned.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  // The store has `now` where it had `before`; either may be null, never both.
  // The store and its indexes are already as they will be.
  virtual void Changed(const Store& store, const Object* before,
                       const Object* now) = 0;
  // All changes of one step were told; one step is a whole list, or one event.
  virtual void Settled(const Store& store) = 0;
};

// What a value is found by in an index.
std::size_t HashOfValue(std::string_view value);

// What objects can be found by. Two with one name are the same index.
struct Index {
  std::string_view name;
  // Calls the function for each value of an object; equal ones count once.
  using Values = std::function<void(std::string_view)>;
  void (*values_of)(const Object&, const Values&);
  // Values of one hash are told apart, but each of them costs the others time.
  std::size_t (*hash_of)(std::string_view) = HashOfValue;
};

// Confined to one thread.
class Store {
 public:
  explicit Store(Scope scope) : scope_(std::move(scope)) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const Scope& scope() const { return scope_; }
  // A whole list is in. Never goes back.
  bool synced() const { return synced_; }
  std::size_t size() const { return objects_.size(); }

  // Puts a whole list in place: what is not in it is gone. Of equal keys the
  // last wins. O(n log n); what did not change costs a comparison.
  void Replace(std::vector<ObjectPtr> objects);
  void Upsert(ObjectPtr object);
  void Delete(std::string_view key);

  // Null if there is none. Lives until the store's next change.
  const Object* Find(std::string_view key) const;
  template <typename T>
  const T* FindAs(std::string_view key) const {
    const Object* object = Find(key);
    return object == nullptr ? nullptr : &As<T>(*object);
  }
  // Calls do_one(const Object&) for each, in no order.
  template <typename Do>
  void ForEach(const Do& do_one) const {
    for (const auto& [key, object] : objects_) do_one(*object);
  }

  // Builds the index unless it is there. O(n log n).
  void AddIndex(const Index& index);
  // The keys of the objects with this value, sorted; views that live until the
  // store's next change. O(log n), and the values of each that is found.
  // REQUIRES: the index was added
  std::vector<std::string_view> ByIndex(const Index& index,
                                        std::string_view value) const;

  // From now on; what is there already is not told. A listener may be taken
  // out at any time but by what it is told.
  void AddListener(StoreListener* listener);
  void RemoveListener(StoreListener* listener);

 private:
  // By the values' hashes, which may collide: 56 bytes for what would be 230
  // with the values' texts, and endpoints have one for each target.
  struct Entry {
    std::size_t hash;
    const Object* object;  // in objects_
  };
  struct EntryLess {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.hash != b.hash ? a.hash < b.hash
                              : std::less<>()(a.object, b.object);
    }
  };
  struct BuiltIndex {
    Index index;
    std::set<Entry, EntryLess> entries;
  };
  static void Enter(BuiltIndex& built, const Object& object);
  static void Leave(BuiltIndex& built, const Object& object);
  // Each false if nothing changed. They tell the change, but not its end.
  bool Put(ObjectPtr object);
  bool Take(std::string_view key);
  void Tell(const Object* before, const Object* now);
  void TellSettled();

  const Scope scope_;
  bool synced_ = false;
  // By the objects' own keys.
  std::unordered_map<std::string_view, ObjectPtr> objects_;
  std::vector<std::unique_ptr<BuiltIndex>> indexes_;
  std::vector<StoreListener*> listeners_;
};

}  // namespace ta::kubernetes
