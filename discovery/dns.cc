#include "discovery/dns.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "discovery/file_read.h"

namespace ta {
namespace asio = boost::asio;

// gcc 12 takes the coroutine frames that Asio allocates and frees in a pair of
// its own for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

constexpr std::size_t kMostResolvConfBytes = std::size_t{1} << 20;

std::unexpected<Error> NotAsked() {
  return std::unexpected(Error{Error::Code::kRetry, "not asked"});
}

// net.JoinHostPort
std::string HostPort(std::string_view host, int port) {
  std::string text(host);
  if (text.find_first_of(":%") != text.npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

DnsType TypeOf(std::string_view name) {
  for (const DnsType type :
       {DnsType::kA, DnsType::kAaaa, DnsType::kMx, DnsType::kNs}) {
    if (name == NameOf(type)) return type;
  }
  return DnsType::kSrv;
}

Labels TargetOf(const DnsRecord& record, int port) {
  const auto target = [&](int at, std::vector<LabelPair> pairs) {
    std::string_view host = record.data;
    host = host.substr(0, host.find_last_not_of('.') + 1);
    const std::string address = HostPort(host, at);
    pairs.push_back({"__address__", address});
    return Labels::Of(std::move(pairs));
  };
  switch (record.type) {
    case DnsType::kA:
    case DnsType::kAaaa:
      return target(port, {});
    case DnsType::kMx:
      return target(port, {{"__meta_dns_mx_record_target", record.data}});
    case DnsType::kNs:
      return target(port, {{"__meta_dns_ns_record_target", record.data}});
    case DnsType::kSrv:
      break;
  }
  const std::string srv_port = std::to_string(record.port);
  return target(record.port, {{"__meta_dns_srv_record_target", record.data},
                              {"__meta_dns_srv_record_port", srv_port}});
}

}  // namespace

// One refresh: names are taken in turn by as many lookups as may ask at once,
// so that a job of 100,000 names costs no more than one of 100.
struct DnsMechanism::Round {
  Round(std::shared_ptr<const ResolvConf> conf,
        const asio::any_io_executor& executor)
      : conf(std::move(conf)), ended(executor, TimePoint::max()) {}

  const std::shared_ptr<const ResolvConf> conf;
  std::size_t next = 0;     // of names_
  std::size_t running = 0;  // lookups
  asio::steady_timer ended;
};

TargetGroup DnsGroupOf(std::string_view name, int port,
                       const std::vector<DnsRecord>& records) {
  TargetGroup group;
  group.source = name;
  if (records.empty()) return group;
  group.labels = Labels::Of({{"__meta_dns_name", name}});
  group.targets.reserve(records.size());
  for (const DnsRecord& record : records) {
    group.targets.push_back(TargetOf(record, port));
  }
  return group;
}

DnsMechanism::DnsMechanism(DnsDiscovery settings,
                           asio::any_io_executor executor, DnsClient* client,
                           RefreshCounters* counters, std::string resolv_conf)
    : settings_(std::move(settings)),
      executor_(std::move(executor)),
      client_(client),
      counters_(counters),
      resolv_conf_(std::move(resolv_conf)) {
  std::vector<std::string> names = settings_.names;
  std::ranges::sort(names);
  const auto again = std::ranges::unique(names);
  names.erase(again.begin(), again.end());
  for (std::string& name : names) {
    names_.push_back({std::move(name), std::nullopt, NotAsked()});
  }
}

DnsMechanism::~DnsMechanism() = default;

asio::awaitable<Result<Refreshed>> DnsMechanism::Ask(std::stop_token stop) {
  co_await LookUpAll(stop);
  if (stop.stop_requested()) co_return NotAsked();
  StageRun run(&counters_->dns_answers());
  auto refreshed = Take();
  run.Ended(refreshed ? refreshed->groups.size() : 0);
  co_return refreshed;
}

asio::awaitable<void> DnsMechanism::LookUpAll(std::stop_token stop) {
  const auto text = ReadFile(resolv_conf_, kMostResolvConfBytes);
  if (!text) {
    const Error error = Error(text.error()).Within(resolv_conf_);
    for (Name& name : names_) name.answer = std::unexpected(error);
    co_return;
  }
  const auto round = std::make_shared<Round>(
      std::make_shared<const ResolvConf>(ParseResolvConf(*text)), executor_);
  round->running = std::min(names_.size(), client_->most_at_once());
  for (std::size_t i = round->running; i > 0; --i) {
    asio::co_spawn(executor_, LookUpNext(round, stop),
                   [round](std::exception_ptr thrown) {
                     if (thrown) std::rethrow_exception(thrown);
                     if (--round->running == 0) round->ended.cancel();
                   });
  }
  while (round->running > 0) {
    co_await round->ended.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> DnsMechanism::LookUpNext(std::shared_ptr<Round> round,
                                               std::stop_token stop) {
  while (round->next < names_.size() && !stop.stop_requested()) {
    Name& name = names_[round->next++];
    name.answer = co_await LookUp(name.name, round->conf, stop);
  }
}

asio::awaitable<Result<std::vector<DnsRecord>>> DnsMechanism::LookUp(
    std::string name, std::shared_ptr<const ResolvConf> conf,
    std::stop_token stop) {
  std::optional<Error> first_error;
  const std::vector<std::string> names = NamesToAsk(name, *conf);
  for (const std::string& full : names) {
    auto answer = co_await AskServers(full, conf, stop);
    if (stop.stop_requested()) co_return NotAsked();
    if (!answer) {
      if (!first_error) first_error = std::move(answer.error());
    } else if (answer->code == kDnsNoError) {
      co_return std::move(answer->records);
    }
  }
  if (first_error) co_return std::unexpected(*std::move(first_error));
  co_return std::vector<DnsRecord>();
}

asio::awaitable<Result<DnsAnswer>> DnsMechanism::AskServers(
    std::string name, std::shared_ptr<const ResolvConf> conf,
    std::stop_token stop) {
  const DnsType type = TypeOf(settings_.type);
  Error error{Error::Code::kRetry, resolv_conf_ + " names no server"};
  for (const std::string& server : conf->servers) {
    DnsQuestion question{server, name, type};
    auto answer = co_await client_->Ask(executor_, std::move(question), stop);
    if (answer || stop.stop_requested()) co_return answer;
    error = std::move(answer.error()).Within(name + " at " + server);
  }
  co_return std::unexpected(std::move(error));
}

Result<Refreshed> DnsMechanism::Take() {
  Refreshed refreshed;
  std::size_t failed = 0;
  for (Name& name : names_) {
    counters_->CountDnsLookup(!name.answer);
    if (!name.answer) {
      if (failed++ == 0) {
        refreshed.problem = "look up " + settings_.type + " of " + name.name +
                            ": " + name.answer.error().message;
      }
      refreshed.complete = refreshed.complete && name.found.has_value();
      continue;
    }
    std::vector<DnsRecord> records = *std::move(name.answer);
    std::ranges::sort(records);
    if (records != name.found.value_or(std::vector<DnsRecord>())) {
      refreshed.groups.push_back(
          DnsGroupOf(name.name, settings_.port, records));
    }
    name.found = std::move(records);
    name.answer = NotAsked();
  }
  if (failed > 1) {
    refreshed.problem += "; and " + std::to_string(failed - 1) + " of " +
                         std::to_string(names_.size() - 1) + " other names";
  }
  if (failed < names_.size()) return refreshed;
  return std::unexpected(
      Error{Error::Code::kRetry, std::move(refreshed.problem)});
}

}  // namespace ta
