// Collectors as the allocator's clients know them: they poll each job by a
// refresh interval, keep the list of the last 200, take a change over some
// seconds later, and scrape by interval, each target at an offset of its own.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/snapshot.h"
#include "allocator/updates.h"
#include "hashing/hash.h"

namespace ta::test {

// Job and address: what is scraped, whatever its other labels.
using Endpoint = std::pair<std::string, std::string>;

// When each endpoint was scraped last, by anybody.
class ScrapeLog {
 public:
  // A target may wait this long beyond its interval: the clock has ticks of one
  // second, and a poll is seen a tick later.
  static constexpr std::chrono::seconds kTolerance{3};

  // False if the gap since the last scrape was too long.
  bool Scraped(const Endpoint& endpoint, TimePoint now, Duration interval) {
    auto [at, is_new] = last_.try_emplace(endpoint, now);
    const Duration gap = now - at->second;
    at->second = now;
    return is_new || gap <= interval + kTolerance;
  }
  // Something happened that no allocator can mend: measure anew.
  void Forget(const Endpoint& endpoint) { last_.erase(endpoint); }
  template <typename Predicate>
  void ForgetIf(const Predicate& predicate) {
    std::erase_if(last_,
                  [&](const auto& entry) { return predicate(entry.first); });
  }
  const std::map<Endpoint, TimePoint>& last() const { return last_; }

 private:
  std::map<Endpoint, TimePoint> last_;
};

class Scraper {
 public:
  // Prometheus takes changes over every 5 s.
  static constexpr std::chrono::seconds kBatching{5};

  Scraper(std::string name, std::chrono::seconds refresh, TimePoint start)
      : name_(std::move(name)), refresh_(refresh), start_(start) {}

  const std::string& name() const { return name_; }
  std::chrono::seconds refresh() const { return refresh_; }

  // Asks for what is due. `snapshot` may be null: then nobody answers.
  void Poll(const Snapshot* snapshot, const std::vector<std::string>& jobs,
            TimePoint now, std::vector<ta::Poll>& polls) {
    for (const std::string& job : jobs) {
      auto [at, is_new] = next_poll_.try_emplace(job, Offset(job, refresh_));
      if (at->second > now || snapshot == nullptr) continue;
      at->second = now + refresh_;
      const auto sent = Ask(*snapshot, job, now);
      polls.push_back({name_, job, sent, refresh_, now});
      if (!sent) at->second = now + std::chrono::seconds(1);
    }
  }

  // Endpoints scraped in this second, with their intervals.
  std::vector<std::pair<Endpoint, Duration>> Scrape(TimePoint now) {
    for (auto& [job, answer] : answers_) {
      if (!answer.taken_over && answer.at + kBatching <= now) {
        TakeOver(job, answer, now);
      }
    }
    std::vector<std::pair<Endpoint, Duration>> scraped;
    for (auto& [endpoint, loop] : loops_) {
      if (loop.next > now) continue;
      loop.next += loop.interval;
      scraped.emplace_back(endpoint, loop.interval);
    }
    return scraped;
  }
  // When it last got a list of the job.
  TimePoint AnsweredAt(const std::string& job) const {
    const auto at = answered_.find(job);
    return at == answered_.end() ? TimePoint::min() : at->second;
  }
  std::set<Endpoint> Endpoints() const {
    std::set<Endpoint> endpoints;
    for (const auto& [endpoint, loop] : loops_) endpoints.insert(endpoint);
    return endpoints;
  }

 private:
  struct Answer {
    TimePoint at;
    bool taken_over = false;
    std::map<std::string, std::chrono::milliseconds> targets;  // by address
  };
  struct Loop {
    TimePoint next;
    Duration interval{};
  };

  TimePoint Offset(const std::string& what, Duration interval) const {
    const std::uint64_t hash = Hash64(name_ + "/" + what);
    return start_ +
           std::chrono::seconds(
               hash %
               std::chrono::floor<std::chrono::seconds>(interval).count());
  }
  // The generation that was sent, if the answer was a 200.
  std::optional<std::uint64_t> Ask(const Snapshot& snapshot,
                                   const std::string& job, TimePoint now) {
    if (!snapshot.targets_served || snapshot.members.empty()) return {};
    const JobView* view = snapshot.FindJob(job);
    if (view == nullptr && !snapshot.WasRemoved(job)) {
      // 404; but the job is not in /scrape_configs any more either.
      answers_.erase(job);
      std::erase_if(
          loops_, [&](const auto& entry) { return entry.first.first == job; });
      return {};
    }
    if (view != nullptr && !view->served) return {};
    const MemberView* member = snapshot.FindMember(name_);
    if (member == nullptr && snapshot.polling_members) return {};  // held
    Answer answer;
    answer.at = now;
    if (view != nullptr && member != nullptr) {
      if (const TargetList* list = view->ListOf(member->id)) {
        for (const ListedTarget& listed : list->targets) {
          answer.targets[std::string(listed.target->Get("__address__"))] =
              listed.target->scrape_interval;
        }
      }
    }
    answered_[job] = now;
    auto& known = answers_[job];
    if (known.targets != answer.targets) {
      // A change that waits to be taken over does not wait longer for it.
      if (!known.taken_over && known.at != TimePoint()) answer.at = known.at;
      known = std::move(answer);
    }
    return snapshot.generation;
  }
  void TakeOver(const std::string& job, Answer& answer, TimePoint now) {
    answer.taken_over = true;
    std::erase_if(loops_, [&](const auto& entry) {
      return entry.first.first == job &&
             !answer.targets.contains(entry.first.second);
    });
    for (const auto& [address, interval] : answer.targets) {
      const auto [at, is_new] = loops_.try_emplace({job, address});
      if (!is_new) continue;
      at->second.interval = interval;
      at->second.next = Offset(job + address, interval);
      while (at->second.next < now) at->second.next += interval;
    }
  }

  std::string name_;
  std::chrono::seconds refresh_;
  TimePoint start_;
  std::map<std::string, TimePoint> next_poll_;
  std::map<std::string, TimePoint> answered_;
  std::map<std::string, Answer> answers_;
  std::map<Endpoint, Loop> loops_;
};

}  // namespace ta::test
