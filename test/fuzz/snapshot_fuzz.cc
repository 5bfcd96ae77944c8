// Any history of a small fleet, through the allocator into the API: in each
// snapshot every target has one owner or a reason for none, bodies are JSON
// with the targets that are served, equal tags mean equal bodies, and a fleet
// at rest is assigned as if it had been so from the start.
//
// The input is steps of a letter and its arguments, a byte each:
//   m <set>                   members are those of eight whose bits are set
//   g <source> <count> <from> a group's targets, from an address on
//   r <rule>                  the jobs' rules
//   p <collector> <job>       a scraper asks
//   t <seconds>               time passes

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/members_key.h"
#include "api/router.h"
#include "test/fuzz/require.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using std::chrono::seconds;

constexpr int kSources = 4;
constexpr int kRules = 4;
constexpr int kMostSteps = 64;
constexpr const char* kJobs[] = {"api", "w e/b"};

std::string Collector(int index) { return "c-" + std::to_string(index); }

// Its address is of one target or, with `rule`, of several that become one.
Labels TargetAt(int number) {
  return test::MakeLabels(
      {{"__address__", "host-" + std::to_string(number) + ":80"},
       {"zone", "<" + std::to_string(number % 3) + ">\n\xc3\xa9"}});
}

std::vector<RelabelConfig> Rules(int rule) {
  RelabelConfig config;
  switch (rule) {
    case 1:
      config.action = RelabelConfig::Action::kDrop;
      config.source_labels = {"zone"};
      config.regex = "<1>(.|\n)*";
      break;
    case 2:  // many targets become duplicates
      config.source_labels = {"zone"};
      config.regex = "<2>(.|\n)*";
      config.target_label = "__address__";
      config.replacement = "one:80";
      break;
    case 3:
      config.target_label = "team";
      config.replacement = "a\"b\\";
      break;
    default:
      return {};
  }
  return {config};
}

std::shared_ptr<const Config> MakeConfig(int rule) {
  auto config = std::make_shared<Config>();
  config->members = FileMembers{"collectors.yaml"};
  config->scrape_configs_json = "{}";
  for (const char* name : kJobs) {
    auto job = std::make_shared<ScrapeConfig>();
    job->job_name = name;
    job->seeds = test::Seeds(name);
    job->scrape_interval = seconds(60);
    job->relabel_configs = Rules(rule);
    DiscoveryConfig discovery;
    discovery.mechanism = "file";
    discovery.key = "file";
    discovery.settings = FileDiscovery{{"file"}};
    job->discoveries.push_back(std::move(discovery));
    config->jobs.push_back(std::move(job));
  }
  return config;
}

// Made once: they are the same for every input.
const std::shared_ptr<const Config>& ConfigWith(int rule) {
  static const auto& configs = *new auto([] {
    std::array<std::shared_ptr<const Config>, kRules> made;
    for (int i = 0; i < kRules; ++i) {
      made[static_cast<std::size_t>(i)] = MakeConfig(i);
    }
    return made;
  }());
  return configs[static_cast<std::size_t>(rule)];
}

// What a fleet is, whatever it was before.
struct World {
  int rule = 0;
  std::vector<std::string> members;
  std::map<std::string, TargetGroup> groups;  // by source
};

DiscoveryUpdate GroupsUpdate(std::vector<TargetGroup> groups) {
  DiscoveryUpdate update;
  update.discoverer = "file";
  update.groups = std::move(groups);
  update.synced = true;
  return update;
}

// An allocator with its router, a clock, and what they must hold to.
class Fleet {
 public:
  explicit Fleet(const World& world) {
    Configure(world.rule);
    AllocatorInput input;
    std::vector<TargetGroup> groups;
    for (const auto& [source, group] : world.groups) groups.push_back(group);
    input.discovery.push_back(GroupsUpdate(std::move(groups)));
    input.members.push_back(MembersOf(world.members));
    Apply(std::move(input));
  }

  void Configure(int rule) {
    config_ = ConfigWith(rule);
    AllocatorInput input;
    input.config = config_;
    Apply(std::move(input));
  }
  void SetMembers(const std::vector<std::string>& names) {
    AllocatorInput input;
    input.members.push_back(MembersOf(names));
    Apply(std::move(input));
  }
  void Discover(const TargetGroup& group) {
    AllocatorInput input;
    input.discovery.push_back(GroupsUpdate({group}));
    Apply(std::move(input));
  }
  void Ask(const std::string& collector, const std::string& job) {
    AllocatorInput input;
    input.polls.push_back(
        {collector, job, snapshot_->generation, seconds(30), now_});
    Apply(std::move(input));
  }
  // With a call at each deadline on the way.
  void Pass(Duration duration) {
    const TimePoint end = now_ + duration;
    while (deadline_ && *deadline_ < end) {
      TA_REQUIRE(*deadline_ > now_);
      now_ = *deadline_;
      Apply({});
    }
    now_ = end;
    Apply({});
  }

  const Snapshot& snapshot() const { return *snapshot_; }

 private:
  MembersUpdate MembersOf(const std::vector<std::string>& names) const {
    MembersUpdate update;
    update.source = MembersKey(config_->members);
    for (const std::string& name : names) update.members.push_back({name, ""});
    return update;
  }

  void Apply(AllocatorInput input) {
    AllocatorOutput output = allocator_.Apply(std::move(input), now_);
    deadline_ = output.deadline;
    if (output.snapshot == nullptr) return;
    TA_REQUIRE(!snapshot_ ||
               output.snapshot->generation > snapshot_->generation);
    snapshot_ = std::move(output.snapshot);
    for (const auto& job : snapshot_->jobs) Check(*job);
  }

  void Check(const JobView& job) {
    std::set<TargetId> owned;
    for (const JobView::Share& share : job.shares) {
      std::optional<TargetId> last;
      for (const ListedTarget& listed : share.list->targets) {
        TA_REQUIRE(!last || *last < listed.target->id);
        last = listed.target->id;
        TA_REQUIRE(!listed.owned || owned.insert(listed.target->id).second);
      }
    }
    TA_REQUIRE(owned.size() == job.counts.assigned);
    std::size_t unassigned = 0;
    if (job.unassigned != nullptr) {
      unassigned = job.unassigned->size();
      for (const UnassignedTarget& one : *job.unassigned) {
        TA_REQUIRE(owned.insert(one.target->id).second);
      }
    }
    const JobCounts& counts = job.counts;
    TA_REQUIRE(counts.unassigned == unassigned);
    TA_REQUIRE(counts.discovered == counts.assigned + counts.unassigned +
                                        counts.dropped + counts.duplicates +
                                        counts.invalid);
    // An earlier owner is served what somebody else owns.
    for (const JobView::Share& share : job.shares) {
      for (const ListedTarget& listed : share.list->targets) {
        TA_REQUIRE(owned.contains(listed.target->id));
      }
    }
    for (const MemberView& member : snapshot_->members) {
      CheckAnswer(job, member);
    }
  }

  void CheckAnswer(const JobView& job, const MemberView& member) {
    const std::string path = std::string("/jobs/") +
                             (job.name() == "api" ? "api" : "w+e%2Fb") +
                             "/targets?collector_id=" + member.name;
    Request request{.method = "GET", .target = path};
    const Response response = router_.Handle(request, *snapshot_);
    if (!job.served || !snapshot_->targets_served) {
      TA_REQUIRE(response.status == 503);
      return;
    }
    if (response.status == 503) {
      TA_REQUIRE(snapshot_->members.empty() || snapshot_->LiveMembers() == 0);
      return;
    }
    TA_REQUIRE(response.status == 200);
    const std::string& body = *response.body.bytes;
    const TargetList* const list = job.ListOf(member.id);
    simdjson::dom::parser parser;
    simdjson::dom::array groups;
    TA_REQUIRE(parser.parse(body).get(groups) == simdjson::SUCCESS);
    TA_REQUIRE(groups.size() == (list == nullptr ? 0 : list->targets.size()));
    std::size_t at = 0;
    for (const simdjson::dom::element group : groups) {
      std::string_view address;
      TA_REQUIRE(group["labels"]["__address__"].get(address) ==
                 simdjson::SUCCESS);
      TA_REQUIRE(address == list->targets[at++].target->Get("__address__"));
    }
    // A tag stands for one body, in whatever snapshot.
    TA_REQUIRE(!response.etag.empty());
    const auto [known, is_new] =
        bodies_.try_emplace(path + " " + response.etag, body);
    TA_REQUIRE(known->second == body);
    // One that is not a collector's last is news to it.
    auto& last = last_etags_[path];
    if (!last.empty()) {
      request.if_none_match = last;
      TA_REQUIRE((router_.Handle(request, *snapshot_).status == 304) ==
                 (last == response.etag));
    }
    last = response.etag;
  }

  Allocator allocator_;
  // A cache would hide what is rendered.
  Router router_{RouterOptions{.cache_bytes = 0}};
  TimePoint now_{std::chrono::hours(1)};
  std::shared_ptr<const Config> config_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::optional<TimePoint> deadline_;
  std::map<std::string, std::string> bodies_;      // by path and tag
  std::map<std::string, std::string> last_etags_;  // by path
};

class Steps {
 public:
  explicit Steps(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  // The next byte, below `limit`; 0 at the end.
  int Next(int limit = 256) {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte % limit;
  }

 private:
  std::string_view bytes_;
};

void Step(Steps& steps, World& world, Fleet& fleet) {
  switch (steps.Next()) {
    case 'm': {
      const int set = steps.Next();
      world.members.clear();
      for (int i = 0; i < 8; ++i) {
        if ((set >> i & 1) != 0) world.members.push_back(Collector(i));
      }
      fleet.SetMembers(world.members);
      break;
    }
    case 'g': {
      TargetGroup group;
      group.source = "file:" + std::to_string(steps.Next(kSources));
      const int count = steps.Next(32);
      const int from = steps.Next(64);
      for (int i = from; i < from + count; ++i) {
        group.targets.push_back(TargetAt(i));
      }
      group.labels = test::MakeLabels({{"g", group.source}});
      world.groups[group.source] = group;
      fleet.Discover(group);
      break;
    }
    case 'r':
      world.rule = steps.Next(kRules);
      fleet.Configure(world.rule);
      break;
    case 'p': {
      const std::string collector = Collector(steps.Next(8));
      fleet.Ask(collector, kJobs[steps.Next(2)]);
      break;
    }
    case 't':
      fleet.Pass(seconds(steps.Next()));
      break;
    default:
      break;
  }
}

void Check(std::string_view bytes) {
  World world;
  Fleet fleet(world);
  Steps steps(bytes);
  for (int i = 0; i < kMostSteps && !steps.empty(); ++i) {
    Step(steps, world, fleet);
  }
  fleet.Pass(std::chrono::hours(1));  // longer than any hand-over takes
  TA_REQUIRE(fleet.snapshot().hand_overs_open == 0);
  const Fleet from_scratch(world);
  TA_REQUIRE(from_scratch.snapshot().digest == fleet.snapshot().digest);
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ta::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
