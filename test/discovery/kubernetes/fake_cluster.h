// A cluster of pods behind the seam of ListerWatcher, with which a test on one
// thread and a hub on another can play.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "discovery/kubernetes/hub.h"
#include "discovery/kubernetes/lister_watcher.h"

namespace ta::test {

// Thread-safe. Outlives its listers.
class FakeCluster {
 public:
  // What happens to requests.
  enum class Mood { kWell, kUnreachable, kSilent };

  std::unique_ptr<kubernetes::ListerWatcher> MakeLister();
  // Of a hub that finds this cluster wherever it looks, tries again at once,
  // and sees no environment.
  kubernetes::HubOptions HubOptions();

  // Those that are sent to a silent one stay there until they are stopped.
  void Set(Mood mood);
  // Makes a pod of namespace `ns`, or another of that name; tells the watches.
  void Put(const std::string& ns, const std::string& name,
           const std::string& ip);
  // An object that can't be read.
  void PutBad(const std::string& ns, const std::string& name);
  void Delete(const std::string& ns, const std::string& name);
  // Ends all watches, as a server does that goes away.
  void Cut();

  struct Counts {
    int lists = 0;    // begun
    int watches = 0;  // begun
    int waiting = 0;  // requests that are under way
    int listers = 0;  // that live
    bool operator==(const Counts&) const = default;
  };
  Counts counts() const;
  // Waits until `wanted` holds; false if it doesn't within kDeadline.
  bool WaitFor(const std::function<bool(const Counts&)>& wanted) const;

 private:
  friend class FakeLister;
  struct Watching {
    boost::asio::any_io_executor executor;
    kubernetes::Scope scope;
    kubernetes::ListerWatcher::OnEvent on_event;  // for its executor only
    std::stop_source over;                        // likewise
  };
  void Change(const std::function<void(Counts&)>& change);
  void Tell(const std::string& type, const std::string& ns,
            const std::string& json);

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  Counts counts_;
  Mood mood_ = Mood::kWell;
  std::uint64_t version_ = 1;
  // By "ns/name", as JSON.
  std::map<std::string, std::string> pods_;
  std::vector<std::weak_ptr<Watching>> watching_;
};

}  // namespace ta::test
