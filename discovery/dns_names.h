// Whom to ask for a name, and under which names: what /etc/resolv.conf says,
// read as Prometheus reads it. Source: miekg/dns v1.1.72, clientconfig.go; of
// the options it heeds `ndots` only, and so do we. No I/O.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ta {

struct ResolvConf {
  std::vector<std::string> servers;  // as written, in the order to ask them
  std::vector<std::string> search;
  // A name with at least so many dots is asked for as it is first.
  int ndots = 1;

  bool operator==(const ResolvConf&) const = default;
};

// Lines that say nothing to us are passed over, as are words that are no
// numbers; of several `search` or `domain` lines the last holds.
ResolvConf ParseResolvConf(std::string_view text);

// The names to ask for, in order, each with its final dot: `name` alone if it
// has one, else also below each domain of the search list.
std::vector<std::string> NamesToAsk(std::string_view name,
                                    const ResolvConf& conf);

}  // namespace ta
