// DNS discovery, as Prometheus 3's discovery/dns: names, each asked for at each
// refresh_interval; what its records lead to are its targets. Source: v0.314.0,
// discovery/dns/dns.go.
//
// A name is a group, and the group's source. It is asked for as it is or below
// the search list of /etc/resolv.conf, which is read again for each refresh;
// each of these of one server after the other, until one says yes or no:
//
// 1. One of them is there, though perhaps without records: that is the answer.
// 2. All of them don't exist (NXDOMAIN): the group is empty.
// 3. Else nobody knows, and what was found before stays.
//
// Names don't wait for each other, and what is found of them is sent together.
// Known differences: dns_message.h, dns_client.h, and: a name that is there
// twice is asked for once; a server that is no IP address can't be asked;
// `\DDD` in a name means three digits; a group's targets are in order, so that
// a server that turns its answers round changes nothing.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "discovery/dns_client.h"
#include "discovery/dns_message.h"
#include "discovery/dns_names.h"
#include "discovery/refresh.h"
#include "discovery/refresh_counters.h"

namespace ta {

// The group of `name`: a target for each record, of whatever type. `port` is
// what those have that don't bring their own.
TargetGroup DnsGroupOf(std::string_view name, int port,
                       const std::vector<DnsRecord>& records);

class DnsMechanism final : public PolledMechanism {
 public:
  // `client` and `counters` outlive this.
  DnsMechanism(DnsDiscovery settings, boost::asio::any_io_executor executor,
               DnsClient* client, RefreshCounters* counters,
               std::string resolv_conf = "/etc/resolv.conf");
  ~DnsMechanism() override;

  // Complete once each name has been answered once. An error if none is now.
  boost::asio::awaitable<Result<Refreshed>> Ask(std::stop_token stop) override;

 private:
  // A name, and what was found of it last.
  struct Name {
    std::string name;
    std::optional<std::vector<DnsRecord>>
        found;                              // sorted; none: never answered
    Result<std::vector<DnsRecord>> answer;  // of this refresh
  };

  struct Round;

  boost::asio::awaitable<void> LookUpAll(std::stop_token stop);
  boost::asio::awaitable<void> LookUpNext(std::shared_ptr<Round> round,
                                          std::stop_token stop);
  boost::asio::awaitable<Result<std::vector<DnsRecord>>> LookUp(
      std::string name, std::shared_ptr<const ResolvConf> conf,
      std::stop_token stop);
  boost::asio::awaitable<Result<DnsAnswer>> AskServers(
      std::string name, std::shared_ptr<const ResolvConf> conf,
      std::stop_token stop);
  Result<Refreshed> Take();

  const DnsDiscovery settings_;
  const boost::asio::any_io_executor executor_;
  DnsClient* const client_;
  RefreshCounters* const counters_;
  const std::string resolv_conf_;
  std::vector<Name> names_;
};

}  // namespace ta
